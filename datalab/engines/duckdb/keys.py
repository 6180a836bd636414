"""Hashes keys and compares them in DuckDB; the caller decides which rows are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from datalab.engines.protocol import Hashes, Rows

_CANDIDATES_AT_ONCE = 500_000
_BYTES_AT_ONCE = 32 << 20


def key_hashes(connection: duckdb.DuckDBPyConnection, columns: Sequence[pa.Array]) -> Hashes:
    """Return a 64-bit hash per row over `columns`, null being a value."""
    names = [f"k{i}" for i in range(len(columns))]
    numbers = pa.array(np.arange(len(columns[0]), dtype=np.int32))
    table = pa.table({**dict(zip(names, columns, strict=True)), "row": numbers})
    found = connection.from_arrow(table).project(f"hash({', '.join(names)}) AS h, row").fetchnumpy()
    # Threads work on parts of a large table, and the order of their results is not that of its rows.
    hashes = np.empty(len(numbers), np.uint64)
    hashes[found["row"]] = found["h"]
    return hashes


def later_of_equals(connection: duckdb.DuckDBPyConnection, candidates: Iterable[pa.Table]) -> Iterator[Rows]:
    """Yield the rows that repeat the key of an earlier one; the caller closes the connection, which frees them."""
    keys: list[str] = []
    for table in _gathered(candidates):
        connection.register("part", table)
        if not keys:
            keys = [f'"{name}"' for name in table.column_names if name != "row"]
            connection.execute("CREATE TEMP TABLE candidates AS FROM part")
        else:
            connection.execute("INSERT INTO candidates FROM part")
    if keys:
        # Not by row_number(): a window holds all rows of a key at once, however many have the same one.
        later = connection.sql(
            "SELECT c.row FROM candidates AS c ANTI JOIN "
            f"(SELECT min(row) AS row FROM candidates GROUP BY {', '.join(keys)}) AS firsts USING (row)"
        )
        for batch in later.to_arrow_reader():
            yield batch.column(0).to_numpy()


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of `tables` in fewer, larger tables: every insertion is a transaction."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        size += table.nbytes
        if rows >= _CANDIDATES_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield pa.concat_tables(waiting, promote_options="default")
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.concat_tables(waiting, promote_options="default")
