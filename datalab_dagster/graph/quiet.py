"""When the loops of Dagster's daemon look for work: as often as they want to, and rarely while nothing changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dagster as dg

from datalab.registry import Registry
from datalab_dagster.graph import private

_POLL_SECONDS = 1.0
_SLICE_SECONDS = 0.25
QUIET_AFTER_SECONDS = 60.0
"""Nothing has changed for this long: then the loops look rarely."""
LONGEST_SECONDS = 10.0
"""The longest pause of a loop while nothing changes."""


class Changes:
    """Finds out whether anything has changed lately, by two cheap questions a second.

    Args:
        newest: returns the number of the newest change, of whatever kind; an error is a change as well: the database
            is away, and much may have changed when it is back.
    """

    def __init__(self, newest: Callable[[], object]) -> None:
        self._newest = newest
        self._seen: object = None
        self._changed_at = time.monotonic()

    @property
    def are_rare(self) -> bool:
        """Return whether nothing has changed for a while."""
        return time.monotonic() - self._changed_at > QUIET_AFTER_SECONDS

    def look(self) -> None:
        """Look for changes once."""
        try:
            newest = self._newest()
        except Exception:  # noqa: BLE001 - the errors of Dagster's storage share no base class
            newest = None
        if newest is None or newest != self._seen:
            self._changed_at = time.monotonic()
        self._seen = newest

    def watch(self) -> None:
        """Look for changes from now on, in a thread that ends with the process."""
        threading.Thread(target=self._watch, name="changes", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.look()
            time.sleep(_POLL_SECONDS)


class Patience:
    """The event that ends a loop of the daemon. A loop that waits for it waits longer while changes are rare.

    The next change ends such a pause.
    """

    def __init__(self, end: threading.Event, changes: Changes) -> None:
        self._end = end
        self._changes = changes

    def is_set(self) -> bool:
        """Return whether the loop has to end."""
        return self._end.is_set()

    def wait(self, timeout: float) -> bool:
        """Wait for so many seconds, or longer, and return whether the loop has to end."""
        began = time.monotonic()
        if not self._changes.are_rare:
            return self._end.wait(timeout)
        while self._changes.are_rare and time.monotonic() - began < max(timeout, LONGEST_SECONDS):
            if self._end.wait(_SLICE_SECONDS):
                break
        return self._end.is_set()


def changes_of(instance: dg.DagsterInstance) -> Changes:
    """Return the changes of a deployment: events of Dagster, and what is provisioned."""
    opened: list[Registry] = []

    def newest() -> tuple[int, int]:
        if not opened:
            opened.append(Registry.open())
        return private.newest_event(instance), opened[0].provisioning.newest_sequence()

    return Changes(newest)
