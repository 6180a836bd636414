"""Locks of labs: one run at a time computes for a lab, on whatever host. A lock ends with the connection that holds it.

The connection is one of its own, and of a session: pools of transactions are refused when the registry is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from datalab.registry.database import Database

_SECONDS = 0.2
"""How often a waiting run asks for the lock. It does not block in the server: there, an interrupt would not stop it."""
_KEEPALIVE = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
"""The lock of a host that has vanished is free after a minute, not after hours."""
_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_RELEASE = text("SELECT pg_advisory_unlock(:key)")
_HOLDER = text("SELECT pid, backend_start AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()")
_IS_HELD = text("""
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE pid = :pid AND backend_start = :since AND locktype = 'advisory' AND granted AND objsubid = 1
        AND classid = CAST(CAST(:key AS bigint) >> 32 & 4294967295 AS oid)
        AND objid = CAST(CAST(:key AS bigint) & 4294967295 AS oid)
)
""")
"""By the session that took it: the driver replaces a lost connection, and the server uses process ids again."""


class LabLock:
    """The lock of a lab, held by this process."""

    def __init__(self, connection: Connection, key: int) -> None:
        self._connection = connection
        holder = connection.execute(_HOLDER).one()
        self._held = {"key": key, "pid": holder.pid, "since": holder.since}

    def is_held(self) -> bool:
        """Return whether the lock is still held; if its connection was lost, another run may have it."""
        try:
            return bool(self._connection.execute(_IS_HELD, self._held).scalar())
        except SQLAlchemyError:
            return False

    def is_held_in(self, session: Session) -> bool:
        """Return whether the lock is held, as a transaction sees it that has locked the lab's row.

        Another run may take the lock then, but it cannot start before the transaction ends.
        """
        return bool(session.execute(_IS_HELD, self._held).scalar())


class LabLocks:
    """The locks of a registry's labs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.contextmanager
    def hold(self, lab_id: str) -> Iterator[LabLock]:
        """Wait for the lock of a lab, without limit, and hold it while the block runs.

        Raises:
            DatabaseUnreachable, DatabaseFull: there is no connection for it, or it was lost while waiting.
        """
        key = _key(lab_id)
        with self._database.standing_connection() as connection:
            with self._database.translated():
                connection.exec_driver_sql(_KEEPALIVE)
                while not connection.execute(_TAKE, {"key": key}).scalar():
                    time.sleep(_SECONDS)
                lock = LabLock(connection, key)
            try:
                yield lock
            finally:
                with contextlib.suppress(SQLAlchemyError):  # a lost connection has released it
                    connection.execute(_RELEASE, {"key": key})


def _key(lab_id: str) -> int:
    """Return the number of a lab's lock; those of uploads and of the registry itself are others."""
    return int.from_bytes(hashlib.sha256(f"lab {lab_id}".encode()).digest()[:8], signed=True)
