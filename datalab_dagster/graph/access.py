"""Access to the deployment's Dagster instance for code that rarely needs it: importing Dagster takes a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from datalab.home.settings import Automation

if TYPE_CHECKING:
    import dagster as dg

STARTS_RUNS = {Automation.SENSOR: "provisioning", Automation.CONDITIONS: "automation_conditions"}
"""The sensor that starts the runs of changed labs."""
_SECONDS_BETWEEN_POLLS = 1.0


class DagsterAccess:
    """The deployment's Dagster instance, opened on first use."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._instance: dg.DagsterInstance | None = None
        self._polled_at = float("-inf")

    @property
    def instance(self) -> dg.DagsterInstance:
        from datalab_dagster.graph.instance import open_instance

        with self._lock:
            self._instance = self._instance or open_instance(self._environment)
            return self._instance

    @property
    def is_open(self) -> bool:
        """Whether the instance is open, so that Dagster need not be loaded for a question."""
        return self._instance is not None

    def is_poll_due(self) -> bool:
        """Return True at most once a second: many callers poll the state of one run."""
        with self._lock:
            now = time.monotonic()
            due = now - self._polled_at >= _SECONDS_BETWEEN_POLLS
            self._polled_at = now if due else self._polled_at
            return due

    def is_switched_off(self, sensor: str) -> bool:
        """Return whether a person has switched a sensor off, in Dagster's pages or by its command line."""
        return any(state.name == sensor and not state.is_running for state in self.instance.all_instigator_state())

    def close(self) -> None:
        with self._lock:
            if self._instance is not None:
                self._instance.dispose()
            self._instance = None
