"""Access to the deployment's Dagster instance for whoever seldom needs it: importing Dagster takes a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

_SECONDS_BETWEEN_LOOKS = 1.0


class DagsterAccess:
    """The deployment's Dagster instance, opened when it is first needed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._instance: dg.DagsterInstance | None = None
        self._looked = float("-inf")

    @property
    def instance(self) -> dg.DagsterInstance:
        from datalab_dagster.graph.instance import open_instance

        with self._lock:
            self._instance = self._instance or open_instance(self._environment)
            return self._instance

    def is_time_to_look(self) -> bool:
        """Tell, at most once a second, whether to look again what became of runs: many ask how one run is."""
        with self._lock:
            now = time.monotonic()
            due = now - self._looked >= _SECONDS_BETWEEN_LOOKS
            self._looked = now if due else self._looked
            return due

    def close(self) -> None:
        with self._lock:
            if self._instance is not None:
                self._instance.dispose()
            self._instance = None
