"""Access to the deployment's Dagster instance for code that rarely needs it: importing Dagster takes a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from datalab.home.settings import Automation
from datalab_dagster.graph.home import SETTINGS_NAME, dagster_home

if TYPE_CHECKING:
    import dagster as dg

STARTS_RUNS = {Automation.SENSOR: "provisioning", Automation.CONDITIONS: "automation_conditions"}
"""The sensor that starts the runs of changed labs."""
DAEMON_PATIENCE = timedelta(seconds=90)
"""A daemon that was started within this time, or has reported within it, is running; it reports every 30 seconds."""
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

    @property
    def has_home(self) -> bool:
        """Whether there are settings of Dagster, so that a daemon may run; it is not loaded for this."""
        return (dagster_home(self._environment) / SETTINGS_NAME).exists()

    def is_switched_off(self, name: str) -> bool:
        """Return whether a person has switched a sensor or schedule off, in Dagster's pages or by its command line."""
        return any(state.name == name and not state.is_running for state in self.instance.all_instigator_state())

    def daemon_seen(self) -> datetime | None:
        """Return when a thread of Dagster's daemon has reported last; None: none ever has."""
        beats = self.instance.get_daemon_heartbeats().values()
        return max((datetime.fromtimestamp(beat.timestamp, UTC) for beat in beats), default=None)

    def close(self) -> None:
        with self._lock:
            if self._instance is not None:
                self._instance.dispose()
            self._instance = None
