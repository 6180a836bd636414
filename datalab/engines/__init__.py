"""What executes SQL and keeps tables, and nothing else: no panel, no report and no rule lives here.

An engine takes SQL text in the common subset of DuckDB and Spark SQL:

- positional parameters `?`, bound, never formatted into the text;
- plain lower-case identifiers that need no quotes (the two dialects quote differently; `Engine.quote` is for names
  that come from outside);
- types STRING, INT, BIGINT, DOUBLE and BOOLEAN; sums cast to BIGINT;
- `xxhash64(text)`, some 64-bit hash of a text: equal texts have equal hashes; nothing else may be concluded from it.

Spark brings all of it; the DuckDB engine adds what it does not have as macros, so that a statement never asks on which
engine it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from datalab.errors import DatalabError

if TYPE_CHECKING:
    import pyarrow as pa

Parameter = str | int | float | bool | None
"""A value bound to a `?` of a statement."""


class EngineError(DatalabError):
    """A statement could not be executed; names the panel and the SQL text, never a bound or stored value."""

    def __init__(self, panel: str, engine: str, kind: str, sql: str, advice: str = "") -> None:
        self.panel = panel
        self.kind = kind
        self.sql = sql
        super().__init__(
            f"Panel '{panel}' could not be computed: {engine} raised {kind}. The datasets are untouched and no result "
            f"was kept. {advice or 'Run again; if it fails the same way, report it with this statement.'}\n{sql}"
        )


class Engine(Protocol):
    """Executes statements over named relations; the only thing that `statistics` and `validation` know of a database.

    Relations live until `close`. Every method raises EngineError, with `panel` in its text, when it cannot be done.
    """

    def register_parquet(self, name: str, paths: Sequence[Path]) -> None:
        """Make the rows of Parquet files of the same columns known as relation `name`; nothing is copied."""

    def register_arrow(self, name: str, source: Any) -> None:
        """Make a pyarrow Table or Dataset (such as one that decrypts its Parquet files) known as relation `name`."""

    def query(self, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> pa.Table:
        """Execute a SELECT and return its rows, in no particular order unless the text says one."""

    def create_table(self, name: str, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        """Execute a SELECT and keep its rows as relation `name`, replacing an earlier one."""

    def write_parquet(self, path: Path, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        """Execute a SELECT and write its rows to a Parquet file in plain text: the caller picks a private place."""

    def drop(self, name: str) -> None:
        """Forget a relation, if there is one, and free what it holds; files stay."""

    def quote(self, name: str) -> str:
        """Return `name` as a quoted identifier of the engine's dialect."""

    def close(self) -> None:
        """Free everything, scratch files included; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


__all__ = ["Engine", "EngineError", "Parameter"]
