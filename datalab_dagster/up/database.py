"""The database while `up` lives: watched; the one under the home is started again when it ended, stopped at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from datalab.registry import EmbeddedPostgres
from datalab.registry.errors import EmbeddedPostgresFailed
from datalab_dagster.up.errors import DatabaseKeepsEnding

_LOOK_SECONDS = 2.0
_MOST_FAILURES = 5
_LAST_CLIENTS_SECONDS = 3.0
"""Clients that have just ended count for a moment."""


class WatchedDatabase:
    """Watches in a thread of its own, as a server that recovers from a crash takes its time.

    Args:
        server: the one under the home; None: the database is somebody else's, who looks after it.
        answers: whether the database answers now.
        say: tells people.
    """

    def __init__(
        self, server: EmbeddedPostgres | None, answers: Callable[[], bool], say: Callable[[str], None]
    ) -> None:
        self._server = server
        self._answers = answers
        self._say = say
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="database", daemon=True)
        self._failed: DatabaseKeepsEnding | None = None
        self.is_down = False
        """Whether it was found ended and is not back yet."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> None:
        """Do nothing while all is well.

        Raises:
            DatabaseKeepsEnding: it does not start any more.
        """
        if self._failed is not None:
            raise self._failed

    def _watch(self) -> None:
        failures = 0
        while not self._over.wait(_LOOK_SECONDS * 2**failures):
            try:
                failures = self._look(failures)
            except EmbeddedPostgresFailed as error:
                failures += 1
                if failures >= _MOST_FAILURES:
                    self._failed = DatabaseKeepsEnding(str(error))
                    return

    def _look(self, failures: int) -> int:
        if self._answers():
            if self.is_down:
                self._say("The database is back.")
            self.is_down = False
            return 0
        if not self.is_down:
            ended = f"ended unexpectedly; it is started again. Log: {self._server.log}" if self._server else ""
            self._say(f"The database {ended or 'does not answer; it is waited for.'}")
        self.is_down = True
        if self._server is not None:
            self._server.start()
        return failures


def stop_unused(server: EmbeddedPostgres) -> bool:
    """Stop the server unless others use it, and return whether it is down."""
    end = time.monotonic() + _LAST_CLIENTS_SECONDS
    while not server.stop(only_if_unused=True):
        if not server.running():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True
