"""The engines that the shared tests run on: an engine joins all of them by an entry in `ENGINES`; no test is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from datalab.engines import Engine
from datalab.engines.duckdb import DuckDBEngine


@dataclass(frozen=True)
class EngineUnderTest:
    """One engine, and what it calls its own failures."""

    name: str
    open: Callable[[str, Path | None, int | None], Engine]
    """Opens it with (memory limit, temp directory, threads)."""
    unknown_relation: str
    """The kind of failure when a statement names a relation that is not there."""
    closed: str
    """The kind of failure when it is used after `close`."""

    def __str__(self) -> str:
        return self.name


DUCKDB = EngineUnderTest("duckdb", DuckDBEngine, unknown_relation="CatalogException", closed="ConnectionException")

ENGINES = [DUCKDB]
