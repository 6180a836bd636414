"""Watches the database while `up` runs; restarts and finally stops the one under the home."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from datalab.registry import EmbeddedPostgres
from datalab.registry.errors import EmbeddedPostgresFailed
from datalab_dagster.up.errors import DatabaseKeepsEnding

_POLL_SECONDS = 2.0
_MOST_FAILURES = 5
_LAST_CLIENTS_SECONDS = 3.0
"""How long clients that have just ended still count."""


class WatchedDatabase:
    """Watches in a separate thread, because a server takes time to recover from a crash.

    Args:
        server: the one under the home; None: others manage the database.
        answers: whether the database answers now.
        say: prints a message.
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
        """Whether it has ended and does not answer yet."""

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
        """Raise the error that ended the watch, if any.

        Raises:
            DatabaseKeepsEnding: it could not be restarted.
        """
        if self._failed is not None:
            raise self._failed

    def _watch(self) -> None:
        failures = 0
        while not self._over.wait(_POLL_SECONDS * 2**failures):
            try:
                failures = self._poll(failures)
            except EmbeddedPostgresFailed as error:
                failures += 1
                if failures >= _MOST_FAILURES:
                    self._failed = DatabaseKeepsEnding(str(error))
                    return

    def _poll(self, failures: int) -> int:
        if self._answers():
            if self.is_down:
                self._say("The database is back.")
            self.is_down = False
            return 0
        if not self.is_down:
            ended = f"ended unexpectedly and is being restarted. Log: {self._server.log}" if self._server else ""
            self._say(f"The database {ended or 'does not answer. Waiting for it.'}")
        self.is_down = True
        if self._server is not None:
            self._server.start()
        return failures


def stop_unused(server: EmbeddedPostgres) -> bool:
    """Stop the server unless others use it, and return whether it has stopped."""
    end = time.monotonic() + _LAST_CLIENTS_SECONDS
    while not server.stop(only_if_unused=True):
        if not server.running():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True
