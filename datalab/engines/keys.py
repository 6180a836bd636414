"""Finds rows whose keys repeat, exactly, with memory that does not grow with the rows.

A 64-bit hash of every key is spooled; equal keys have equal hashes, so only rows whose hash repeats are looked at
again, and those are compared as text by DuckDB, which spills. What a key or a duplicate means is not known here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalab.errors import OutputFailed

Rows = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.uint16]

FLAG_BITS = 16
"""How many bits of its own a caller may keep beside a row."""
_PARTITIONS = 256
_PARTITION_SHIFT = np.uint64(56)
_ROW_MASK = np.uint64((1 << (64 - FLAG_BITS)) - 1)
_FLAG_SHIFT = np.uint64(64 - FLAG_BITS)
_BUFFERED_ROWS = 2_000_000
_SORTERS = 2
_CANDIDATES_AT_ONCE = 500_000

_connections = threading.local()


def key_hashes(columns: list[pa.Array]) -> Hashes:
    """Return a 64-bit hash per row over `columns`, null being a value; equal rows have equal hashes."""
    connection = getattr(_connections, "duckdb", None)
    if connection is None:
        connection = _connections.duckdb = duckdb.connect(config={"threads": 1})
    names = [f"k{i}" for i in range(len(columns))]
    table = pa.table(dict(zip(names, columns, strict=True)))
    hashes: Hashes = connection.from_arrow(table).project(f"hash({', '.join(names)}) AS h").fetchnumpy()["h"]
    return hashes


class RowSet:
    """A set of row numbers, one bit for each row up to the largest.

    >>> rows = RowSet()
    >>> rows.add(np.array([3, 70]))
    >>> rows.contains(np.array([2, 3, 70, 500])).tolist(), rows.count, rows.first(1).tolist()
    ([False, True, True, False], 2, [3])
    """

    def __init__(self) -> None:
        self._bits = np.zeros(0, np.uint8)
        self.count = 0

    @classmethod
    def up_to(cls, count: int) -> RowSet:
        """Return the set of all rows from 0 to `count` - 1."""
        rows = cls()
        rows._bits = np.full((count + 7) >> 3, 0xFF, np.uint8)
        if count & 7:
            rows._bits[-1] = (1 << (count & 7)) - 1
        rows.count = count
        return rows

    def add(self, rows: Rows) -> None:
        """Add `rows`, none of which is in the set yet."""
        if not rows.size:
            return
        needed = (int(rows.max()) >> 3) + 1
        if needed > len(self._bits):
            self._bits = np.concatenate([self._bits, np.zeros(max(needed, len(self._bits)), np.uint8)])
        np.bitwise_or.at(self._bits, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))
        self.count += len(rows)

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Return for each of `rows` whether it is in the set."""
        known = (rows >> 3) < len(self._bits)
        found = np.zeros(len(rows), bool)
        found[known] = (self._bits[rows[known] >> 3] >> (rows[known] & 7)) & 1
        return found

    def first(self, count: int) -> Rows:
        """Return the `count` smallest rows."""
        held = np.flatnonzero(self._bits)[:count]
        bits = np.unpackbits(self._bits[held], bitorder="little").reshape(-1, 8)
        places, offsets = np.nonzero(bits)
        return (held[places] * 8 + offsets)[:count]


class KeySpool:
    """The key hashes of all rows, with a row number and flags each; in memory when few, on disk when many."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._buffer: list[NDArray[np.uint64]] = []
        self._buffered = 0
        self._spilled = False

    def add(self, hashes: Hashes, rows: Rows, flags: Flags | None = None) -> None:
        """Add rows; `rows` must ascend from call to call."""
        entries = np.empty((len(hashes), 2), np.uint64)
        entries[:, 0] = hashes
        entries[:, 1] = rows
        if flags is not None:
            entries[:, 1] |= flags.astype(np.uint64) << _FLAG_SHIFT
        self._buffer.append(entries)
        self._buffered += len(entries)
        if self._buffered >= _BUFFERED_ROWS:
            self._spill()

    def repeated(self) -> Iterator[tuple[Rows, Flags]]:
        """Yield (rows, flags) of all rows whose hash occurs more than once; rows ascend within an item only."""
        if not self._spilled:
            yield from _unpacked(_repeated(np.concatenate(self._buffer))) if self._buffer else ()
            return
        self._spill()
        with ThreadPoolExecutor(_SORTERS, thread_name_prefix="sort") as pool:
            for found in pool.map(lambda partition: _repeated(self._load(partition)), range(_PARTITIONS)):
                yield from _unpacked(found)

    def _spill(self) -> None:
        if not self._buffer:
            return
        entries = np.concatenate(self._buffer)
        partitions = (entries[:, 0] >> _PARTITION_SHIFT).astype(np.uint8)
        entries = entries.take(np.argsort(partitions, kind="stable"), axis=0)
        ends = np.cumsum(np.bincount(partitions, minlength=_PARTITIONS))
        for partition, (start, end) in enumerate(zip(ends - np.diff(ends, prepend=0), ends, strict=True)):
            with self._file(partition).open("ab") as file:
                entries[start:end].tofile(file)
        self._buffer, self._buffered, self._spilled = [], 0, True

    def _load(self, partition: int) -> NDArray[np.uint64]:
        return np.fromfile(self._file(partition), np.uint64).reshape(-1, 2)

    def _file(self, partition: int) -> Path:
        return self._directory / f"keys-{partition:03}"


def _unpacked(found: NDArray[np.uint64]) -> Iterator[tuple[Rows, Flags]]:
    if len(found):
        yield (found & _ROW_MASK).astype(np.int64), (found >> _FLAG_SHIFT).astype(np.uint16)


def _repeated(entries: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The second halves of the entries whose hash is not unique, in ascending order of row."""
    hashes = entries[:, 0]
    ordered = np.sort(hashes)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    found: NDArray[np.uint64] = again
    if again.size:
        again = np.unique(again)
        nearest = np.minimum(np.searchsorted(again, hashes), len(again) - 1)
        found = entries[again[nearest] == hashes, 1]
        found = found[np.argsort(found & _ROW_MASK, kind="stable")]
    return found


def repeated_rows(candidates: Iterable[pa.Table], directory: Path) -> RowSet:
    """Return the rows that repeat the key of an earlier one.

    Args:
        candidates: tables with a column `row` (int64) and any other columns, which together are the key; null equals
            null. They need not be sorted.
        directory: where to spill.

    Raises:
        OutputFailed: there is no room to spill.
    """
    spill = directory / "spill"
    try:
        with duckdb.connect(config={"memory_limit": "400MB", "temp_directory": str(spill)}) as connection:
            return _later_of_equals(connection, candidates)
    except duckdb.Error as error:
        raise OutputFailed(spill, f"comparing duplicates: {type(error).__name__}") from None


def _later_of_equals(connection: duckdb.DuckDBPyConnection, candidates: Iterable[pa.Table]) -> RowSet:
    found = RowSet()
    keys: list[str] = []
    for table in _gathered(candidates):
        if not keys:
            keys = [f'"{name}"' for name in table.column_names if name != "row"]
            connection.from_arrow(table).create("candidates")
        else:
            connection.from_arrow(table).insert_into("candidates")
    if keys:
        later = connection.sql(
            f"SELECT row FROM (SELECT row, row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY row) AS nth "
            "FROM candidates) WHERE nth > 1"
        )
        for batch in later.to_arrow_reader():
            found.add(batch.column(0).to_numpy())
    return found


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of `tables` in fewer, larger tables: every insertion costs a transaction."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        if rows >= _CANDIDATES_AT_ONCE:
            yield pa.concat_tables(waiting, promote_options="default")
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting, promote_options="default")
