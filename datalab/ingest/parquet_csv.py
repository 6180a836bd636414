"""How long the rows of a Parquet file are as CSV text, which is not written.

The rules: docs/spec/validation.md#75-originalfilesizebytes, docs/spec/validation.md#q28-records-longer-than-16-mib.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.limits import RECORD_BYTES

_NEEDS_QUOTES = (b",", b'"', b"\r", b"\n")
_WHITE_SPACE_ONLY = (
    "^[\\t\\x0b\\x0c \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]+$"
)
_NUMBER_BYTES = 100
"""No number or time is longer as text."""


def first_long_row(batch: pa.RecordBatch, text_columns: Sequence[int]) -> int | None:
    """Return the index of the first row that is longer as CSV text than any record may be; None if there is none.

    The values of the columns that are not `text_columns` are short.
    """
    if not text_columns or 2 * batch.nbytes <= RECORD_BYTES:
        return None
    lengths = np.zeros(batch.num_rows, np.int64)
    for index in text_columns:
        lengths += pc.fill_null(pc.binary_length(batch.column(index)), 0).to_numpy(zero_copy_only=False)
    longest = 2 * lengths + 3 * batch.num_columns + _NUMBER_BYTES * (batch.num_columns - len(text_columns))
    for row in np.flatnonzero(longest > RECORD_BYTES):
        if lengths[row] > RECORD_BYTES or _record_bytes(batch.slice(row, 1)) > RECORD_BYTES:
            return int(row)
    return None


def _record_bytes(row: pa.RecordBatch) -> int:
    """Return the size of a row as CSV text, without line end."""
    size: int = row.num_columns - 1
    for column in row.columns:
        value = column[0].as_buffer()
        data = value.to_pybytes() if value is not None else b""
        size += len(data)
        if any(character in data for character in _NEEDS_QUOTES):
            size += 2 + data.count(b'"')
    return size


def csv_bytes(batch: pa.RecordBatch) -> int:
    """Return the size of `batch` as CSV text in bytes; a whitespace-only line of a single column is blank."""
    size: int = batch.num_columns * batch.num_rows  # separators and line ends
    for column in batch.columns:
        size += _sum(pc.binary_length(column))
        if _may_need_quotes(column):
            size += 2 * _sum(pc.match_substring_regex(column, '[,"\\r\\n]'))
            size += _sum(pc.count_substring(column, '"'))
    if batch.num_columns == 1:
        column = batch.column(0)
        size += 2 * column.null_count
        blank = column.filter(pc.match_substring_regex(column, _WHITE_SPACE_ONLY))
        size -= _sum(pc.binary_length(blank)) + len(blank)
    return size


def _sum(column: pa.Array) -> int:
    """Return the sum of `column`; 0 if every value is null."""
    total: int = pc.sum(column, min_count=0).as_py()
    return total


def _may_need_quotes(column: pa.StringArray) -> bool:
    """Return whether a value may need quotes; fast, because it checks the whole buffer, which may hold more values."""
    buffer = column.buffers()[2]
    data = buffer.to_pybytes() if buffer is not None else b""
    return any(character in data for character in _NEEDS_QUOTES)
