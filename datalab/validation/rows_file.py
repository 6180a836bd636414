"""Keeps the rows of one pass in a Parquet file, with their record numbers; removes duplicates afterwards.

This module does not decide which rows are kept, or which are duplicates.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datalab.errors import OutputFailed
from datalab.ingest.records import Indexes
from datalab.scratch import new_file, why
from datalab.validation.row_set import RowSet

_GROUP_ROWS = 170_000
_GROUP_BYTES = 64 << 20
"""Batches wait until they have so many rows or bytes together: readers work on whole row groups."""
_LOW_CARDINALITY = ["id_name", "segment", "age", "gender", "scope", "audience_type", "reasons"]


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The record numbers of one batch: all of a range, or those whose bit is set."""

    first: int
    count: int
    bits: NDArray[np.uint8] | None

    @property
    def rows(self) -> NDArray[np.int64]:
        if self.bits is None:
            return np.arange(self.first, self.first + self.count)
        return self.first + np.flatnonzero(np.unpackbits(self.bits, count=self.count))


@dataclass(frozen=True, slots=True)
class _Group:
    """The record numbers of one row group, batch by batch."""

    batches: list[_Numbers]

    @property
    def rows(self) -> NDArray[np.int64]:
        numbers = [batch.rows for batch in self.batches]
        return numbers[0] if len(numbers) == 1 else np.concatenate(numbers)


class RowsFile:
    """A Parquet file of large row groups, each of many batches, written by a separate thread.

    Writing overlaps with the production of the batches; a row group waits while another one is written. A writer, and
    every reader, keeps some hundred bytes for each column of each row group: with thousands of columns, a row group for
    every batch would need gigabytes.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self._groups: list[_Group] = []
        self._waiting: list[pa.RecordBatch] = []
        self._numbers: list[_Numbers] = []
        self._rows = self._bytes = 0
        self._writer = _parquet_writer(path, schema)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._queue: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        with contextlib.suppress(OSError):
            self._writer.close()

    def append(self, rows: pa.RecordBatch, first: int, count: int, indexes: Indexes | None) -> None:
        """Append `rows`, found at `indexes` (None: everywhere) among `count` records beginning with record `first`.

        Raises:
            OutputFailed: an earlier batch could not be written.
        """
        if not rows.num_rows:
            return
        bits = None
        if indexes is not None:
            kept = np.zeros(count, bool)
            kept[indexes] = True
            bits = np.packbits(kept)
        size = rows.get_total_buffer_size()
        if self._bytes + size > _GROUP_BYTES:
            self._submit()
        self._waiting.append(rows)
        self._numbers.append(_Numbers(first, count, bits))
        self._rows += rows.num_rows
        self._bytes += size
        if self._rows >= _GROUP_ROWS:
            self._submit()

    def _submit(self) -> None:
        """Let what waits be written as a row group."""
        if not self._waiting:
            return
        self._groups.append(_Group(self._numbers))
        self._queue.append(self._thread.submit(self._write, self._waiting))
        self._waiting, self._numbers, self._rows, self._bytes = [], [], 0, 0
        while len(self._queue) > 1:
            self._queue.popleft().result()

    def _write(self, batches: list[pa.RecordBatch]) -> None:
        try:
            group = pa.Table.from_batches(batches)
            self._writer.write_table(group, row_group_size=group.num_rows)
        except OSError as error:
            raise OutputFailed(self.path, why(error)) from None

    def finish(self) -> None:
        """Wait until everything is written and close the file.

        Raises:
            OutputFailed: something could not be written.
        """
        self._submit()
        while self._queue:
            self._queue.popleft().result()
        try:
            self._writer.close()
        except OSError as error:
            raise OutputFailed(self.path, why(error)) from None

    def select(self, chosen: RowSet, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows whose record number is in `chosen`, with that number as `row`; only after `finish`.

        Row groups without any such row are not read.
        """
        with pq.ParquetFile(self.path) as file:
            for position, group in enumerate(self._groups):
                hits = np.flatnonzero(chosen.contains(group.rows))
                if hits.size:
                    table = file.read_row_group(position, columns=columns).take(pa.array(hits))
                    yield table.add_column(0, "row", pa.array(group.rows[hits]))

    def without(self, dropped: RowSet, path: Path) -> Iterator[pa.Table]:
        """Write the rows whose record number is not in `dropped` to `path`; only after `finish`.

        Yield the dropped ones, with that number as `row`; `path` is complete when all were read.
        """
        with RowsFile(path, self.schema) as kept, pq.ParquetFile(self.path) as file:
            for position, group in enumerate(self._groups):
                table = file.read_row_group(position)
                duplicate = dropped.contains(group.rows)
                if duplicate.any():
                    gone = table.filter(pa.array(duplicate))
                    yield gone.add_column(0, "row", pa.array(group.rows[duplicate]))
                    table = table.filter(pa.array(~duplicate))
                for batch in table.combine_chunks().to_batches():
                    kept.append(batch, 0, batch.num_rows, None)
            kept.finish()


def write_empty(path: Path, schema: pa.Schema) -> Path:
    """Write a file of `schema` without rows to `path` and return it."""
    _parquet_writer(path, schema).close()
    return path


def _parquet_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Ids hardly repeat and are almost random: a dictionary or compression costs more than it saves.
    # Readers of floats benefit from counts of nulls.
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    dictionary = [name for name in schema.names if name in _LOW_CARDINALITY]
    try:
        new_file(path)
        return pq.ParquetWriter(path, schema, use_dictionary=dictionary, write_statistics=floats, compression="none")
    except OSError as error:
        raise OutputFailed(path, why(error)) from None
