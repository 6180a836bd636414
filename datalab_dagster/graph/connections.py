"""The connections of Dagster's storages: a process keeps one per database, for all storages and instances it opens.

One is enough while nothing happens; further ones, of threads that need one at the same time, are closed after use. So
a process holds one place in a small pool of PgBouncer, and a code server, which opens an instance per tick, connects
once.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

_KEPT = 1
_MOST_FURTHER = 20
_RECYCLE_SECONDS = 3600
_STATEMENT_LIMIT = "SET statement_timeout = '120s'"
_LAST_USED = "last used"
_SURE_SECONDS = 1.0
"""A connection that was used within this time is not tested first."""

_lock = threading.Lock()
_engines: WeakValueDictionary[str, Engine] = WeakValueDictionary()
"""The engines of this process in use, by the URLs of their databases."""


def engine_at(url: str) -> Engine:
    """Return this process's engine for the database at `url`; it keeps its connection while something refers to it."""
    with _lock:
        engine = _engines.get(url)
        if engine is None:
            engine = create_engine(
                url,
                isolation_level="AUTOCOMMIT",
                hide_parameters=True,
                pool_size=_KEPT,
                max_overflow=_MOST_FURTHER,
                pool_recycle=_RECYCLE_SECONDS,
            )
            event.listen(engine, "connect", _limit_statements)
            replace_lost(engine)
            _engines[url] = engine
        return engine


def replace_lost(engine: Engine) -> None:
    """Let an engine replace a connection that was lost while unused: the database may have been restarted."""
    event.listen(engine, "checkout", _must_live)


def _limit_statements(connection: Any, record: object) -> None:
    del record
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT_LIMIT)
    connection.commit()


def _must_live(connection: Any, record: Any, *_: object) -> None:
    idle = time.monotonic() - record.info.get(_LAST_USED, float("-inf"))
    record.info[_LAST_USED] = time.monotonic()
    if idle < _SURE_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except connection.Error:
        raise DisconnectionError from None


def _leave_to_parent() -> None:
    """Forget the connections of the process that this one is a fork of, without closing them."""
    global _lock
    _lock = threading.Lock()
    for engine in list(_engines.values()):
        engine.dispose(close=False)
    _engines.clear()


os.register_at_fork(after_in_child=_leave_to_parent)
