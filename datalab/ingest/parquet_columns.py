"""Decodes neighbouring columns of a row group; which fit into memory together is decided elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datalab.ingest.parquet_int96 import Int96Fractions, batches_of, int96_columns


class Columns:
    """The columns of a Parquet file, none of which is nested.

    Attributes:
        readers: how many readers of the file are needed at the same time.
    """

    def __init__(self, file: pq.ParquetFile, source: Any, buffer_size: int) -> None:
        """Open the file again if it needs two readers.

        Args:
            file: the file, open; INT96 columns are read as seconds.
            source: its path as text, or an open file.
            buffer_size: bytes read at once.
        """
        self._file = file
        self._dates64 = _date64_columns(file.metadata.metadata or {})
        self._old = int96_columns(file)
        self._fractions = Int96Fractions(source, buffer_size) if self._old else None
        self.readers = 2 if self._fractions else 1

    def batches(self, group: int, rows: int, columns: range) -> Iterator[pa.RecordBatch]:
        """Yield at most `rows` rows at once of `columns`, which the batches name by their position in the file.

        Raises:
            ArrowException, OSError, ValueError: the pages are damaged.
            NoTextError: an INT96 timestamp is out of the range that has a text.
        """
        if self._fractions:
            old = {column - columns.start: column for column in self._old if column in columns}
            self._fractions.begin(group, rows, old)
        for batch in batches_of(self._file, group, rows, columns):
            batch.validate(full=True)  # otherwise Arrow does not check that strings are UTF-8
            known = self._fractions.texts(batch) if self._fractions else {}
            arrays = [
                known[place]
                if place in known
                else column.cast(pa.date64())
                if columns[place] in self._dates64
                else column
                for place, column in enumerate(batch.columns)
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=[str(column) for column in columns])


def _date64_columns(metadata: dict[bytes, bytes]) -> frozenset[int]:
    """Return the columns that were written as date64; Parquet and pyarrow store days only."""
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(metadata[b"ARROW:schema"])))
    except (KeyError, pa.ArrowException, OSError, ValueError, OverflowError):
        return frozenset()
    return frozenset(index for index, field in enumerate(schema) if pa.types.is_date64(field.type))
