"""The fractions of the old timestamps of Parquet (INT96), which Arrow reads only with the seconds or modulo 2^64 ns.

An INT96 has a day (32 bits) and the nanoseconds of that day. Arrow returns it as one 64-bit number: as seconds, which
are exact for every day, or as nanoseconds, which are exact from 1677 to 2262 and elsewhere lack a multiple of 2^64.
From both together every value follows exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datalab.ingest.parquet_text import text_of_split

_PER_SECOND = np.uint64(10**9)


def int96_columns(file: pq.ParquetFile) -> list[int]:
    """Return the positions of the columns of this type, in a file without nested columns."""
    return [index for index, column in enumerate(file.schema) if column.physical_type == "INT96"]


def batches_of(file: pq.ParquetFile, group: int, rows: int, columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield at most `rows` rows at once of some columns of a row group, by position: a name can mean several."""
    batches: Iterator[pa.RecordBatch] = file.reader.iter_batches(
        rows, row_groups=[group], column_indices=list(columns), use_threads=False
    )
    return batches


class Int96Fractions:
    """Reads the nanoseconds of INT96 columns a second time, in step with the batches of their seconds."""

    def __init__(self, source: Any, buffer_size: int) -> None:
        """Open the file again.

        Args:
            source: the path of the file as text, or an open file.
            buffer_size: bytes read at once.
        """
        self._file = pq.ParquetFile(source, buffer_size=buffer_size, pre_buffer=False, coerce_int96_timestamp_unit="ns")
        self._places: dict[int, int] = {}
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._waiting: list[pa.RecordBatch] = []

    def begin(self, group: int, rows: int, columns: Mapping[int, int]) -> None:
        """Begin with a row group.

        Args:
            group: its index.
            rows: how many rows are decoded at once at most.
            columns: the positions of INT96 columns in the batches, with those in the file.
        """
        self._places = {position: place for place, position in enumerate(columns)}
        self._batches = batches_of(self._file, group, rows, list(columns.values())) if columns else iter(())
        self._waiting = []

    def texts(self, batch: pa.RecordBatch) -> dict[int, pa.StringArray]:
        """Return the text of the INT96 columns of the next rows, by position.

        Args:
            batch: these rows, with the INT96 columns as timestamp[s].

        Raises:
            NoTextError: a timestamp is out of the range that has a text.
            ArrowException: the pages are damaged.
        """
        if not self._places:
            return {}
        nanos = self._take(batch.num_rows)
        return {
            column: text_of_split(batch.column(column), _fractions(batch.column(column), nanos.column(place).chunk(0)))
            for column, place in self._places.items()
        }

    def _take(self, rows: int) -> pa.Table:
        """Return the next rows, in one chunk."""
        while sum(batch.num_rows for batch in self._waiting) < rows:
            batch = next(self._batches, None)
            if batch is None:
                raise pa.ArrowInvalid("rows are missing")
            self._waiting.append(batch)
        table = pa.Table.from_batches(self._waiting)
        self._waiting = table.slice(rows).to_batches()
        return table.slice(0, rows).combine_chunks()


def _fractions(seconds: pa.Array, nanos: pa.Array) -> pa.Array:
    """Return the nanoseconds after the second: `nanos` less the seconds, modulo 2^64."""
    whole = seconds.cast(pa.int64()).fill_null(0).to_numpy().view(np.uint64)
    wrapped = nanos.cast(pa.int64()).fill_null(0).to_numpy().view(np.uint64)
    return pa.array((wrapped - whole * _PER_SECOND).view(np.int64))
