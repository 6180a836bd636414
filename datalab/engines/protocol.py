"""What every engine offers: SQL over named relations, and keys that repeat.

An engine takes SQL text in the common subset of DuckDB and Spark SQL:

- positional parameters `?`, bound, never formatted into the text;
- plain lower-case identifiers that need no quotes (the two dialects quote differently; `Engine.quote` is for names
  that come from outside);
- types STRING, INT, BIGINT, DOUBLE and BOOLEAN; sums cast to BIGINT;
- `xxhash64(text)`, some 64-bit hash of a text: equal texts have equal hashes; nothing else is guaranteed.

Spark has all of it; the DuckDB engine adds what it lacks as macros, so that statements do not depend on the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalab.errors import DatalabError
from datalab.formats import number, size

Parameter = str | int | float | bool | None
"""A value bound to a `?` of a statement."""

Hashes = NDArray[np.uint64]
"""A hash for each row."""

Rows = NDArray[np.int64]
"""Numbers of rows, from 0."""


MOST_VALUES = 500_000
"""How many values, rows times columns, the result of a query may have: what is made of them needs much more memory."""

RESULT_BYTES = 64 << 20
"""How many bytes the result of a query may have."""


class EngineError(DatalabError):
    """A statement could not be executed; names the panel and the SQL text, never a bound or stored value."""

    def __init__(self, panel: str, engine: str, kind: str, sql: str, advice: str = "") -> None:
        self.panel = panel
        self.kind = kind
        self.sql = sql
        super().__init__(
            f"Panel '{panel}' could not be computed: {engine} raised {kind}. The datasets are unchanged and no result "
            f"was kept. {advice or 'Run again; if it fails the same way, report it with this statement.'}\n{sql}"
        )


class ResultTooLargeError(EngineError):
    """A query has more rows, or longer texts, than a panel may list: the data decide, so memory must not."""

    def __init__(self, panel: str, sql: str) -> None:
        self.panel, self.kind, self.sql = panel, type(self).__name__, sql
        DatalabError.__init__(
            self,
            f"Panel '{panel}' would list more than {number(MOST_VALUES)} values, or more than {size(RESULT_BYTES)} of "
            "text. The datasets are unchanged and no result was kept. A column has too many distinct values, or too "
            "long ones: reduce them and provision the dataset again.",
        )


class Engine(Protocol):
    """Executes statements over named relations; `statistics` and `validation` use a database only through it.

    Relations exist until `close`. A method with `panel` raises EngineError, with the panel in its text, when it fails.
    """

    def register_parquet(self, name: str, paths: Sequence[Path]) -> None:
        """Register Parquet files with the same columns as relation `name`; nothing is copied."""

    def register_arrow(self, name: str, source: Any) -> None:
        """Register a pyarrow Table or Dataset (such as one that decrypts its Parquet files) as relation `name`."""

    def query(self, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> pa.Table:
        """Execute a SELECT and return its rows, in no particular order unless the text gives one.

        Raises:
            ResultTooLargeError: it has more than `MOST_VALUES` values or `RESULT_BYTES`; nothing beyond is read.
        """

    def create_table(self, name: str, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        """Execute a SELECT and keep its rows as relation `name`, replacing an earlier one."""

    def write_parquet(self, path: Path, sql: str, parameters: Sequence[Parameter] = (), *, panel: str) -> None:
        """Execute a SELECT and write its rows to a Parquet file in plain text: the caller chooses a private place."""

    def key_hashes(self, columns: Sequence[pa.Array]) -> Hashes:
        """Return a 64-bit hash per row over `columns`, null being a value; equal rows have equal hashes.

        May be called on several threads at once. Only hashes of the same engine can be compared.
        """

    def repeated_rows(self, candidates: Iterable[pa.Table]) -> Iterator[Rows]:
        """Yield the rows that repeat the key of an earlier one, each once, in no particular order.

        Args:
            candidates: tables with a column `row` (int64) and any other columns, which together are the key; null
                equals null. They need not be sorted. Rows that do not fit into memory are spilled.

        Raises:
            OutputFailed: there is no space to spill.
        """

    def drop(self, name: str) -> None:
        """Remove a relation, if there is one, and free its memory; files stay."""

    def quote(self, name: str) -> str:
        """Return `name` as a quoted identifier of the engine's dialect."""

    def close(self) -> None:
        """Free everything, scratch files included; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...
