"""How much memory the rows of a Parquet file need, from its pages; `thrift` reads their headers.

A page of a few bytes can hold a value of a mebibyte sixty thousand times: stored sizes say nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from datalab.ingest.limits import PARQUET_BATCH_BYTES, RECORD_BYTES
from datalab.ingest.parquet_footer import Chunk, Footer
from datalab.ingest.parquet_values import check_count, decompressed, longest_prefix, longest_text
from datalab.ingest.thrift import DamagedHeaderError, Fields, number, read_struct, struct_of

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_PLAIN, _BIT_PACKED = 0, 4
_DELTA_LENGTH_BYTE_ARRAY, _DELTA_BYTE_ARRAY = 6, 7
_DICTIONARY_ENCODINGS = (2, 8)
_UNCOMPRESSED = 0
_BYTE_ARRAY = "BYTE_ARRAY"
_ROW_BYTES = {"BOOLEAN": 12, "INT32": 24, "FLOAT": 24, "INT64": 40, "DOUBLE": 32, "INT96": 56, _BYTE_ARRAY: 9}
_WIDE_ROW_BYTES = 130
"""What Arrow keeps of a row, and of its text, by type; of texts, in addition to the value."""
_ENTRY_BYTES = 24
"""What Arrow keeps for each value of a dictionary, in addition to the value."""
_READER_BYTES = 16 << 10
"""What a reader of a column needs, in addition to pages and dictionary."""
_LARGEST_READ = 64 << 20
_LARGE_PAGE = 32 << 20
_LARGEST_PAGE_READ = 512 << 20
_SMALL_DICTIONARY = 65_536
_PADDING = 100
"""Readers look for pages so much behind the end of a column, as some old writers give it wrongly."""


class TooManyPagesError(Exception):
    """A file has more pages than any may have."""


class RowGroupPages:
    """What the pages of a row group need.

    Attributes:
        count: how many there are.
        size: the bytes of all, when not compressed.
        long_value: the first row of a page whose values are longer on average than any may be; None if there is none.
    """

    def __init__(
        self,
        file: BinaryIO,
        footer: Footer,
        schema: pq.ParquetSchema,
        group: int,
        rows: int,
        most_pages: int,
        buffer_bytes: int,
    ) -> None:
        """Read the headers of the pages.

        Args:
            file: the Parquet file.
            footer: its footer.
            schema: its columns; none is nested.
            group: the index of the row group.
            rows: how many rows are read at once at most.
            most_pages: how many pages it may have.
            buffer_bytes: what a reader of a column reads at once.

        Raises:
            DamagedHeaderError: they cannot be read.
            TooManyPagesError: there are too many.
        """
        self._rows = footer.rows[group]
        self._most: int = max(1, min(rows, self._rows))
        self._columns = []
        self.count = self.size = 0
        chunks = list(footer.chunks(group))
        if len(chunks) != len(schema) or any(chunk.values != footer.rows[group] for chunk in chunks):
            raise DamagedHeaderError
        for index, chunk in enumerate(chunks):
            column = _ColumnPages(file, chunk, schema.column(index), self._most, most_pages - self.count, buffer_bytes)
            self._columns.append(column)
            self.count += column.count
            self.size += column.size
        self._fixed = sum(column.row_bytes for column in self._columns)
        self._texts = [column for column in self._columns if column.starts]
        long_values = [column.long_value for column in self._columns if column.long_value is not None]
        self.long_value: int | None = min(long_values, default=None)

    def rows_at_once(self) -> int:
        """Return how many rows decode to about `PARQUET_BATCH_BYTES`, or to what one row may need."""
        budget = max(PARQUET_BATCH_BYTES, self._needed(1) * 5 // 4)
        count = self._most
        while count > 1 and self._needed(count) > budget:
            count //= 2
        return count

    def rows_at_once_in_stripes(self) -> int:
        """Return the same for columns of which each row is put together from stripes: their texts are read by then."""
        mean = max(self._fixed, self.size // max(1, self._rows))
        return max(1, min(self.rows_at_once(), PARQUET_BATCH_BYTES // max(1, mean)))

    def memory(self, rows: int, columns: range | None = None) -> int:
        """Return how many bytes are needed to read `rows` rows of neighbouring columns, None: of all, at once."""
        chosen = self._columns[columns.start : columns.stop] if columns else self._columns
        transient = max((column.transient for column in chosen), default=0)
        return transient + sum(column.memory(rows) for column in chosen)

    def stripes(self, rows: int, most: int) -> list[range]:
        """Divide the columns into stripes that need at most `most` bytes for `rows` rows; one column may need more."""
        ends = []
        size = transient = 0
        for index, column in enumerate(self._columns):
            size += (needed := column.memory(rows))
            transient = max(transient, column.transient)
            if size + transient > most and size > needed:
                ends.append(index)
                size, transient = needed, column.transient
        return [range(begin, end) for begin, end in pairwise([0, *ends, len(self._columns)])]

    def _needed(self, rows: int) -> int:
        """Return the most bytes to which `rows` rows in a row decode."""
        return self._fixed * rows + sum(column.needed(rows) for column in self._texts)


class _Page(NamedTuple):
    kind: int
    header: Fields
    content: int
    """Where the content begins."""
    size: int
    """The size when not compressed."""
    compressed: int
    values: int
    """How many it has."""
    encoding: int


class _ColumnPages:
    """What the pages of one column in a row group need.

    Attributes:
        count: how many pages there are.
        size: the bytes of all, when not compressed.
        resident: bytes that a reader of the column keeps: its largest page, its dictionary and what it reads ahead.
        transient: bytes that a reader needs while it reads a page.
        row_bytes: the most bytes of a row, in addition to those that its page contains as they are.
        starts: the first row of every page that decodes to at most its size.
        long_value: see `RowGroupPages`.
    """

    def __init__(
        self, file: BinaryIO, chunk: Chunk, column: pq.ColumnSchema, rows: int, most_pages: int, buffer_bytes: int
    ) -> None:
        self._file = file
        self._chunk = chunk
        self._rows = rows
        self._is_nullable = column.max_definition_level > 0
        self._is_text = column.physical_type == _BYTE_ARRAY
        self.count = self.size = 0
        self.transient = 0
        self.long_value: int | None = None
        self.starts = array("q")
        self._ends = array("q")
        self._sizes = array("q")
        self._largest = self._kept = self._longest = self._per_row = row = 0
        for page in _pages(file, chunk):
            self.count += 1
            if self.count > most_pages:
                raise TooManyPagesError
            self.size += page.size
            self._largest = max(self._largest, page.size)
            if chunk.codec == _UNCOMPRESSED:  # readers believe the other size
                self._largest = max(self._largest, page.compressed)
            else:
                self.transient = max(self.transient, page.compressed)
            if page.kind == _DICTIONARY:
                self._add_dictionary(page, row)
            elif page.kind in (_DATA, _DATA_V2):
                self._add_data(page, row)
                row += page.values
                if row > chunk.values:
                    raise DamagedHeaderError
        self.resident = self._largest + self._kept + min(buffer_bytes, chunk.stored) + _READER_BYTES
        self.row_bytes = self._per_row + _ROW_BYTES.get(column.physical_type, _WIDE_ROW_BYTES)

    def memory(self, rows: int) -> int:
        """Return how many bytes are needed to read `rows` rows at once, without those of `transient`."""
        return self.resident + self.row_bytes * rows + (self.needed(rows) if self.starts else 0)

    def needed(self, rows: int) -> int:
        """Return the most bytes that `rows` rows in a row take of pages that decode to at most their size."""
        starts, ends = np.frombuffer(self.starts, np.int64), np.frombuffer(self._ends, np.int64)
        sums = np.concatenate([[0], np.cumsum(np.frombuffer(self._sizes, np.int64))])
        firsts = np.searchsorted(ends, starts - rows, side="right")
        return int((sums[1:] - sums[firsts]).max(initial=0))

    def _add_dictionary(self, page: _Page, row: int) -> None:
        if page.values * (4 if self._is_text else 1) > page.size:
            raise DamagedHeaderError
        self._kept = max(self._kept, page.size + page.values * _ENTRY_BYTES)
        if not self._is_text:
            return
        self._note_mean(page, row)
        self._longest = max(self._longest, page.size)
        is_read = (
            page.size * self._rows > PARQUET_BATCH_BYTES
            and page.size + page.compressed <= _LARGEST_READ
            and page.values <= max(self._chunk.values, _SMALL_DICTIONARY)
        )
        if is_read:
            self._longest = longest_text(self._content(page), page.values)

    def _add_data(self, page: _Page, row: int) -> None:
        is_delta = page.encoding in (_DELTA_LENGTH_BYTE_ARRAY, _DELTA_BYTE_ARRAY)
        if is_delta:
            self._add_delta(page)
        if not self._is_text:
            return
        if page.encoding in _DICTIONARY_ENCODINGS:
            self._per_row = max(self._per_row, self._longest)
            return
        self._note_mean(page, row)
        if _LARGE_PAGE < page.size <= _LARGEST_PAGE_READ - page.compressed and page.encoding == _PLAIN:
            self._per_row = max(self._per_row, longest_text(self._values(page), page.values))
            return
        self.starts.append(row)
        self._ends.append(row + page.values)
        self._sizes.append(page.size)

    def _add_delta(self, page: _Page) -> None:
        if page.size + page.compressed > _LARGEST_READ:
            raise DamagedHeaderError
        values = self._values(page)
        self._kept = max(self._kept, 8 * page.values)
        if page.encoding == _DELTA_LENGTH_BYTE_ARRAY:
            check_count(values, page.values)
        else:
            self._per_row = max(self._per_row, longest_prefix(values, page.values))

    def _values(self, page: _Page) -> bytes:
        """Return the content of a data page without the levels before its values."""
        if page.kind == _DATA:
            content = self._content(page)
            if not self._is_nullable:
                return content
            if number(struct_of(page.header, 5), 3) == _BIT_PACKED:
                return content[(page.values + 7) // 8 :]
            return content[4 + int.from_bytes(content[:4], "little") :]
        details = struct_of(page.header, 8)
        levels = number(details, 5) + number(details, 6)
        if not 0 <= levels <= min(page.size, page.compressed):
            raise DamagedHeaderError
        stored = self._stored(page)[levels:]
        return decompressed(stored, self._chunk.codec, page.size - levels) if number(details, 7) else stored

    def _content(self, page: _Page) -> bytes:
        return decompressed(self._stored(page), self._chunk.codec, page.size)

    def _stored(self, page: _Page) -> bytes:
        self._file.seek(page.content)
        return self._file.read(page.compressed)

    def _note_mean(self, page: _Page, row: int) -> None:
        if self.long_value is None and page.size // max(1, page.values) > RECORD_BYTES + 64:
            self.long_value = row


def _pages(file: BinaryIO, chunk: Chunk) -> Iterator[_Page]:
    """Yield the pages that a reader reads, in order."""
    position = chunk.begin
    end = position + chunk.stored + _PADDING
    values = 0
    while values < chunk.values and 0 <= position < end:
        header, length = read_struct(file, position)
        kind = number(header, 1)
        details = struct_of(header, {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}.get(kind, 0))
        page = _Page(
            kind,
            header,
            position + length,
            number(header, 2),
            number(header, 3),
            number(details, 1),
            number(details, 4 if kind == _DATA_V2 else 2),
        )
        if min(page.size, page.compressed, page.values) < 0:
            raise DamagedHeaderError
        yield page
        if kind in (_DATA, _DATA_V2):
            values += page.values
        position = page.content + page.compressed
