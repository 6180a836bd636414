"""Reads a Parquet file as batches of text, a column of strings for each of its columns, without CSV.

The rules are those of docs/spec/validation.md#63-parquet, docs/spec/validation.md#75-originalfilesizebytes and
docs/spec/validation.md#q8-parquet-without-the-way-through-text; `datalab.ingest.parquet_text`
writes the values. Memory holds a batch, never a column chunk.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datalab.ingest import failures
from datalab.ingest.limits import (
    BLOCK_BYTES,
    PARQUET_FOOTER_BYTES,
    PARQUET_RESIDENT_BYTES,
    RECORD_BYTES,
    RecordTooLongError,
)
from datalab.ingest.parquet_int96 import Int96Fractions, int96_columns
from datalab.ingest.parquet_pages import ColumnPages, rows_at_once
from datalab.ingest.parquet_text import NoTextError, text_of
from datalab.ingest.thrift import DamagedHeaderError

_BUFFER_BYTES = 1 << 20
_TAIL_BYTES = 8
_NEEDS_QUOTES = (b",", b'"', b"\r", b"\n")
_WHITE_SPACE_ONLY = (
    "^[\\t\\x0b\\x0c \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]+$"
)
_READ_ERRORS = (pa.ArrowException, OSError, ValueError, OverflowError)
_TYPE_NAMES = {
    pa.binary(): "Binary",
    pa.large_binary(): "LargeBinary",
    pa.binary_view(): "BinaryView",
}


class ParquetMember:
    """A Parquet file, or one inside a zip, whose columns can all be written as text.

    Attributes:
        num_columns: how many columns it has.
        num_rows: how many rows it has; 0 if it has no column.
        text_bytes: size of the rows read so far as CSV text, in bytes, without blank lines.
        rows_read: how many rows have been read so far.
    """

    def __init__(self, source: Any, member: str | None = None) -> None:
        """Read the footer and check the columns.

        Args:
            source: the path of the file as text, or an open file.
            member: the name of the zip member that the file is, for messages.

        Raises:
            FileLevelError: the footer cannot be read, or a column is binary or nested.
        """
        self._member = member
        self._source = source
        with self._bytes() as file:
            if _footer_bytes(file) > PARQUET_FOOTER_BYTES:
                reason = f"its footer is longer than {PARQUET_FOOTER_BYTES >> 20} MiB; write larger row groups"
                raise failures.parquet_unreadable(reason, self._member)
        try:
            self._file = pq.ParquetFile(
                source,
                buffer_size=_BUFFER_BYTES,
                pre_buffer=False,
                page_checksum_verification=True,
                coerce_int96_timestamp_unit="s",  # `parquet_int96` adds the fractions
            )
            schema = self._file.schema_arrow
        except _READ_ERRORS:
            raise failures.parquet_unreadable(
                "Parquet error: Invalid Parquet file. Corrupt footer", self._member
            ) from None
        self.num_columns = len(schema)
        self.num_rows: int = self._file.metadata.num_rows if self.num_columns else 0
        self._dates64 = _date64_columns(self._file.metadata.metadata or {})
        self.text_bytes = 0
        self.rows_read = 0
        if self.num_rows:
            for field in schema:
                self._check_column(field)

    def batches(self, rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """Yield the table as batches of at most `rows` rows with string columns named "0", "1", …

        Raises:
            FileLevelError: the pages are damaged; rows yielded before must not be used.
        """
        self.text_bytes = self.rows_read = 0
        if not self.num_rows:
            return
        names = [str(index) for index in range(self.num_columns)]
        old = int96_columns(self._file)
        try:
            fractions = Int96Fractions(self._source, old, _BUFFER_BYTES) if old else None
            waiting: list[pa.RecordBatch] = []
            for group in range(self._file.num_row_groups):
                at_once = self._rows_at_once(group, rows)
                if fractions:
                    fractions.begin(group, at_once)
                for batch in self._file.iter_batches(at_once, [group], use_threads=False):
                    batch.validate(full=True)  # otherwise Arrow does not check that strings are UTF-8
                    known = fractions.texts(batch) if fractions else {}
                    columns = [
                        known[index]
                        if index in known
                        else text_of(column.cast(pa.date64()) if index in self._dates64 else column)
                        for index, column in enumerate(batch.columns)
                    ]
                    text = pa.RecordBatch.from_arrays(columns, names=names)
                    self._check_lengths(text, sum(one.num_rows for one in waiting))
                    waiting.append(text)
                    if _is_enough(waiting, rows):
                        yield self._handed_out(waiting)
                        waiting = []
            if waiting:
                yield self._handed_out(waiting)
        except NoTextError as error:
            raise failures.parquet_unreadable(error.reason, self._member) from None
        except (*_READ_ERRORS, DamagedHeaderError):
            raise failures.parquet_unreadable("Parquet error: the data pages are damaged", self._member) from None
        if self.rows_read != self.num_rows:
            raise failures.parquet_unreadable("Parquet error: rows are missing", self._member)

    def _bytes(self) -> AbstractContextManager[BinaryIO]:
        """Return the bytes of the file, to be read beside Arrow."""
        return Path(self._source).open("rb") if isinstance(self._source, str) else nullcontext(self._source)

    def _rows_at_once(self, group: int, rows: int) -> int:
        """Return how many rows of a row group may be decoded at once.

        Raises:
            FileLevelError: its pages are too large to be read.
            RecordTooLongError: it has a value that is too long.
            DamagedHeaderError: the headers of its pages cannot be read.
        """
        facts = self._file.metadata.row_group(group)
        with self._bytes() as file:
            columns = [ColumnPages(file, facts.column(index), rows) for index in range(facts.num_columns)]
        long_values = [column.long_value for column in columns if column.long_value is not None]
        if long_values:
            before = sum(self._file.metadata.row_group(earlier).num_rows for earlier in range(group))
            raise RecordTooLongError(before + min(long_values) - self.rows_read)
        count = rows_at_once(columns, min(rows, max(1, facts.num_rows)))
        resident = sum(column.resident + column.needed(count) for column in columns)
        if resident > PARQUET_RESIDENT_BYTES:
            raise failures.parquet_unreadable(
                f"the pages of row group {group} need {resident >> 20} MiB of memory at once, more than "
                f"{PARQUET_RESIDENT_BYTES >> 20} MiB; write the file with smaller row groups or pages",
                self._member,
            )
        return count

    def _check_lengths(self, text: pa.RecordBatch, waiting: int) -> None:
        """Raise RecordTooLongError if a row, and so a value, is too long; most batches are shorter as a whole."""
        if text.nbytes <= RECORD_BYTES:
            return
        lengths = np.zeros(text.num_rows, np.int64)
        for column in text.columns:
            lengths += pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
        if lengths.max(initial=0) > RECORD_BYTES:
            raise RecordTooLongError(waiting + int(np.argmax(lengths > RECORD_BYTES)))

    def _handed_out(self, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
        text = batches[0] if len(batches) == 1 else pa.concat_batches(batches)
        self.text_bytes += _csv_bytes(text)
        self.rows_read += text.num_rows
        return text

    def close(self) -> None:
        self._file.close(force=True)

    def _check_column(self, field: pa.Field) -> None:
        kind = field.type
        while isinstance(kind, pa.BaseExtensionType) or pa.types.is_dictionary(kind):
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind.storage_type
        if kind in _TYPE_NAMES or pa.types.is_fixed_size_binary(kind):
            name = _TYPE_NAMES.get(kind) or f"FixedSizeBinary({kind.byte_width})"
            if pa.types.is_dictionary(field.type):
                index = str(field.type.index_type).replace("int", "Int").replace("uInt", "UInt")
                name = f"Dictionary({index}, {name})"
            raise failures.parquet_column_is_binary(field.name, name, self._member)
        if pa.types.is_nested(kind):
            raise failures.parquet_column_is_nested(field.name, str(kind), self._member)


def _is_enough(batches: list[pa.RecordBatch], rows: int) -> bool:
    count: int = sum(batch.num_rows for batch in batches)
    size: int = sum(batch.nbytes for batch in batches)
    return count >= rows or size >= BLOCK_BYTES


def _footer_bytes(file: BinaryIO) -> int:
    """Return the length of the footer: the four bytes before the magic ones at the end."""
    if file.seek(0, io.SEEK_END) < _TAIL_BYTES:
        return 0
    file.seek(-_TAIL_BYTES, io.SEEK_END)
    length = int.from_bytes(file.read(4), "little")
    file.seek(0)
    return length


def _date64_columns(metadata: dict[bytes, bytes]) -> frozenset[int]:
    """Return the columns that were written as date64; Parquet and pyarrow store days only."""
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(metadata[b"ARROW:schema"])))
    except (KeyError, *_READ_ERRORS):
        return frozenset()
    return frozenset(index for index, field in enumerate(schema) if pa.types.is_date64(field.type))


def _csv_bytes(batch: pa.RecordBatch) -> int:
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
