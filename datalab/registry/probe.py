"""Connections without SQLAlchemy, for what a small process asks: does the server answer, does a database exist?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import psycopg2

DRIVER = "postgresql+psycopg2"
"""Dialect and driver of addresses; what SQLAlchemy takes without one depends on its version."""
_SECONDS = 5
_NAME = "datalab"


def connected(url: str) -> Any:
    """Return a connection outside transactions to the database at `url`, which has its driver.

    Raises:
        psycopg2.Error: there is none.
    """
    address = url.replace(DRIVER, "postgresql", 1)
    connection = psycopg2.connect(address, connect_timeout=_SECONDS, application_name=_NAME)
    connection.autocommit = True
    return connection


@contextlib.contextmanager
def cursor_at(url: str) -> Iterator[Any]:
    """Yield a cursor on a connection that is closed afterwards.

    Raises:
        psycopg2.Error: there is no connection.
    """
    with contextlib.closing(connected(url)) as connection, connection.cursor() as cursor:
        yield cursor


class Probe:
    """Asks whether a database answers, over one connection that it keeps; one thread at a time.

    Args:
        url: of the database, with its driver.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def answers(self) -> bool:
        """Return whether the database answers; a lost connection is replaced first: the server may have restarted."""
        return (self._connection is not None and self._asked()) or self._asked()

    def _asked(self) -> bool:
        try:
            self._connection = self._connection or connected(self._url)
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close its connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
