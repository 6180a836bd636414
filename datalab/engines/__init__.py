"""Engines execute SQL and keep tables; `open_engine` opens one, and is the only place that names it.

No panel, report or rule belongs here. `protocol` says what an engine offers; each folder implements one.
"""

from __future__ import annotations

from pathlib import Path

from datalab.engines.protocol import Engine, EngineError, Hashes, Parameter, ResultTooLargeError, Rows

DEFAULT_MEMORY_LIMIT = "1200MiB"
"""Enough for the reference lab (10 M ids, 20 M segment rows); DuckDB itself exceeds it by some tens of MiB."""


def open_engine(
    *,
    memory_limit: str = DEFAULT_MEMORY_LIMIT,
    temp_directory: Path | None = None,
    threads: int | None = None,
) -> Engine:
    """Open an engine; close it, or use it as a context manager.

    Args:
        memory_limit: how much the engine may keep in memory, such as ``"1GiB"``; more goes to scratch files.
        temp_directory: where its private scratch directory is made (default: the system's); `close` removes it.
        threads: how many; default: one per core.

    Example:
        >>> with open_engine(threads=1) as engine:
        ...     engine.query("SELECT CAST(? AS INT) + 1 AS n", [41], panel="example").to_pylist()
        [{'n': 42}]
    """
    from datalab.engines.duckdb import DuckDBEngine

    return DuckDBEngine(memory_limit, temp_directory, threads)


__all__ = [
    "DEFAULT_MEMORY_LIMIT",
    "Engine",
    "EngineError",
    "Hashes",
    "Parameter",
    "ResultTooLargeError",
    "Rows",
    "open_engine",
]
