"""Reads a Parquet file as batches of text, a column of strings for each of its columns, without CSV.

The rules are those of docs/spec/validation.md#63-parquet, docs/spec/validation.md#75-originalfilesizebytes and
docs/spec/validation.md#q8-parquet-without-the-way-through-text; `datalab.ingest.parquet_text`
writes the values. Memory holds a batch, never a column chunk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from datalab import formats
from datalab.ingest import failures
from datalab.ingest.limits import (
    BLOCK_BYTES,
    PARQUET_PAGES,
    PARQUET_RESIDENT_BYTES,
    PARQUET_ROWS,
    PARQUET_STRIPES,
    PARQUET_TEXT_BYTES,
    PARQUET_TEXT_RATIO,
    RecordTooLongError,
)
from datalab.ingest.parquet_columns import Columns
from datalab.ingest.parquet_csv import csv_bytes, first_long_row
from datalab.ingest.parquet_footer import LargeFooterError, read_footer
from datalab.ingest.parquet_pages import RowGroupPages, TooManyPagesError
from datalab.ingest.parquet_stripes import Stripes
from datalab.ingest.parquet_text import NoTextError, text_of
from datalab.ingest.thrift import DamagedHeaderError
from datalab.scratch import scratch_directory

_BUFFER_BYTES = 1 << 16
"""What a reader of a column reads at once; a larger page is read as a whole."""
_CORRUPT_FOOTER = "Parquet error: Invalid Parquet file. Corrupt footer"
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
            self._size = file.seek(0, os.SEEK_END)
            try:
                self._footer = read_footer(file)
            except LargeFooterError:
                raise failures.parquet_unreadable(
                    "its footer is too large; write fewer, larger row groups", member
                ) from None
            except DamagedHeaderError:
                raise failures.parquet_unreadable(_CORRUPT_FOOTER, member) from None
            file.seek(0)
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
            raise failures.parquet_unreadable(_CORRUPT_FOOTER, member) from None
        self.num_columns = len(schema)
        self.num_rows: int = self._file.metadata.num_rows if self.num_columns else 0
        self._most_bytes = 0
        self._text_columns = [index for index, field in enumerate(schema) if _is_text(field.type)]
        self.text_bytes = self.rows_read = self._pages = self._page_bytes = 0
        if self.num_rows:
            for field in schema:
                self._check_column(field)

    def batches(
        self,
        rows: int = 65536,
        *,
        text_bytes_before: int = 0,
        at_most: int | None = None,
        scratch: Path | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the table as batches of at most `rows` rows with string columns named "0", "1", …

        Args:
            rows: how many rows a batch has at most.
            text_bytes_before: how long the tables before this one in its archive are, as CSV text.
            at_most: how many rows are read; stop when they have been yielded. None: all.
            scratch: a private directory for row groups that do not fit into memory; None: the system's.

        Raises:
            FileLevelError: the pages are damaged, or need too much memory or scratch; rows yielded before must not be
                used.
            RecordTooLongError: a row is longer as CSV text than any record may be.
            OutputFailed: scratch is full.
        """
        self.text_bytes = self.rows_read = self._pages = self._page_bytes = 0
        if not self.num_rows:
            return
        if self.num_rows > PARQUET_ROWS:
            raise failures.parquet_unreadable(
                f"it has more than {formats.number(PARQUET_ROWS)} rows; split it", self._member
            )
        self._most_bytes = PARQUET_TEXT_BYTES + PARQUET_TEXT_RATIO * self._size - text_bytes_before
        try:
            for text in self._texts(rows, at_most, scratch):
                self.text_bytes += csv_bytes(text)
                self.rows_read += text.num_rows
                self._check_ratio(self.text_bytes)
                yield text
        except NoTextError as error:
            raise failures.parquet_unreadable(error.reason, self._member) from None
        except TooManyPagesError:
            reason = f"it has more than {formats.number(PARQUET_PAGES)} pages; write larger pages"
            raise failures.parquet_unreadable(reason, self._member) from None
        except (*_READ_ERRORS, DamagedHeaderError):
            raise failures.parquet_unreadable("Parquet error: the data pages are damaged", self._member) from None
        if self.rows_read != self.num_rows:
            raise failures.parquet_unreadable("Parquet error: rows are missing", self._member)

    def _texts(self, rows: int, at_most: int | None, scratch: Path | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows as text, small batches joined."""
        columns = Columns(self._file, self._source, _BUFFER_BYTES)
        waiting: list[pa.RecordBatch] = []
        for group, group_rows in enumerate(self._footer.rows):
            if not group_rows:
                continue
            for batch in self._decoded(columns, group, rows, at_most, scratch):
                text = pa.RecordBatch.from_arrays(list(map(text_of, batch.columns)), names=batch.schema.names)
                if (long := first_long_row(text, self._text_columns)) is not None:
                    raise RecordTooLongError(sum(one.num_rows for one in waiting) + long)
                waiting.append(text)
                if _is_enough(waiting, rows):
                    yield _joined(waiting)
                    waiting = []
        if waiting:
            yield _joined(waiting)

    def _decoded(
        self, columns: Columns, group: int, rows: int, at_most: int | None, scratch: Path | None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a row group: all columns at once, or put together from stripes that fit into memory."""
        at_once, stripes = self._plan(group, rows, columns.readers)
        if len(stripes) == 1:
            yield from columns.batches(group, at_once, stripes[0])
            return

        def check(text_bytes: int) -> None:
            self._check_ratio(self.text_bytes + text_bytes)

        with nullcontext(scratch) if scratch else scratch_directory() as directory, Stripes(directory, check) as kept:
            for stripe in stripes:
                kept.add(_first(columns.batches(group, at_once, stripe), at_most))
                pa.default_memory_pool().release_unused()
            if (needed := self._footer.memory + 2 * kept.batch_bytes) > PARQUET_RESIDENT_BYTES:
                raise self._too_large(group, needed)
            yield from kept.batches()

    def _bytes(self) -> AbstractContextManager[BinaryIO]:
        """Return the bytes of the file, to be read independently of Arrow."""
        return Path(self._source).open("rb") if isinstance(self._source, str) else nullcontext(self._source)

    def _check_ratio(self, size: int) -> None:
        if size > self._most_bytes:
            times = formats.number(PARQUET_TEXT_RATIO)
            reason = f"its rows are more than {times} times as long as the file; write it as CSV"
            raise failures.parquet_unreadable(reason, self._member)

    def _plan(self, group: int, rows: int, readers: int) -> tuple[int, list[range]]:
        """Return how many rows of a row group may be decoded at once, by as many readers, and which columns together.

        Raises:
            FileLevelError: its pages are too large to be read.
            RecordTooLongError: it has a value that is too long.
            DamagedHeaderError: the headers of its pages cannot be read.
            TooManyPagesError: the file has too many pages.
        """
        with self._bytes() as file:
            pages = RowGroupPages(
                file, self._footer, self._file.metadata.schema, group, rows, PARQUET_PAGES - self._pages, _BUFFER_BYTES
            )
        if pages.long_value is not None:
            raise RecordTooLongError(sum(self._footer.rows[:group]) + pages.long_value - self.rows_read)
        self._pages += pages.count
        self._page_bytes += pages.size
        self._check_ratio(self._page_bytes)
        count = pages.rows_at_once()
        if self._needed(readers, pages.memory(count)) <= PARQUET_RESIDENT_BYTES:
            return count, [range(self.num_columns)]
        count = pages.rows_at_once_in_stripes()
        stripes = pages.stripes(count, PARQUET_RESIDENT_BYTES // readers - self._footer.memory)
        if len(stripes) > PARQUET_STRIPES:
            raise self._too_large(group, self._needed(readers, pages.memory(count)))
        for stripe in stripes:
            if (needed := self._needed(readers, pages.memory(count, stripe))) > PARQUET_RESIDENT_BYTES:
                name = self._file.schema_arrow.field(stripe.start).name
                mib = (needed >> 20, PARQUET_RESIDENT_BYTES >> 20)
                raise failures.parquet_column_is_too_large(name, group, *mib, self._member)
        return count, stripes

    def _needed(self, readers: int, size: int) -> int:
        """Return the bytes for so many readers that need `size` bytes each, with their footers."""
        return readers * (self._footer.memory + size)

    def _too_large(self, group: int, needed: int) -> failures.FileLevelError:
        return failures.parquet_unreadable(
            f"row group {group} needs {needed >> 20} MiB of memory at once, more than "
            f"{PARQUET_RESIDENT_BYTES >> 20} MiB; write the file with smaller row groups or pages",
            self._member,
        )

    def close(self) -> None:
        self._file.close(force=True)

    def _check_column(self, field: pa.Field) -> None:
        kind = _plain_type(field.type)
        if kind in _TYPE_NAMES or pa.types.is_fixed_size_binary(kind):
            name = _TYPE_NAMES.get(kind) or f"FixedSizeBinary({kind.byte_width})"
            if pa.types.is_dictionary(field.type):
                index = str(field.type.index_type).replace("int", "Int").replace("uInt", "UInt")
                name = f"Dictionary({index}, {name})"
            raise failures.parquet_column_is_binary(field.name, name, self._member)
        if pa.types.is_nested(kind):
            raise failures.parquet_column_is_nested(field.name, str(kind), self._member)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values behind extensions and dictionaries."""
    while isinstance(kind, pa.BaseExtensionType) or pa.types.is_dictionary(kind):
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind.storage_type
    return kind


def _is_text(kind: pa.DataType) -> bool:
    kind = _plain_type(kind)
    is_text: bool = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return is_text


def _first(batches: Iterator[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
    """Yield batches until they have `rows` rows; None: all."""
    read = 0
    for batch in batches:
        yield batch
        read += batch.num_rows
        if rows is not None and read >= rows:
            return


def _is_enough(batches: list[pa.RecordBatch], rows: int) -> bool:
    count: int = sum(batch.num_rows for batch in batches)
    size: int = sum(batch.nbytes for batch in batches)
    return count >= rows or size >= BLOCK_BYTES


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
