"""What every engine offers: SQL over named relations, and keys that repeat.

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

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalab.errors import DatalabError

Parameter = str | int | float | bool | None
"""A value bound to a `?` of a statement."""

Hashes = NDArray[np.uint64]
"""A hash for each row."""

Rows = NDArray[np.int64]
"""Numbers of rows, from 0."""


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

    Relations live until `close`. A method with `panel` raises EngineError, with the panel in its text, when it cannot
    be done.
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

    def key_hashes(self, columns: Sequence[pa.Array]) -> Hashes:
        """Return a 64-bit hash per row over `columns`, null being a value; equal rows have equal hashes.

        May be called on several threads at once. Only hashes of the same engine can be compared.
        """

    def repeated_rows(self, candidates: Iterable[pa.Table]) -> Iterator[Rows]:
        """Yield the rows that repeat the key of an earlier one, each once, in no particular order.

        Args:
            candidates: tables with a column `row` (int64) and any other columns, which together are the key; null
                equals null. They need not be sorted. What does not fit into memory is spilled.

        Raises:
            OutputFailed: there is no room to spill.
        """

    def drop(self, name: str) -> None:
        """Forget a relation, if there is one, and free what it holds; files stay."""

    def quote(self, name: str) -> str:
        """Return `name` as a quoted identifier of the engine's dialect."""

    def close(self) -> None:
        """Free everything, scratch files included; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...
