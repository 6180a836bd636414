"""How much memory the rows of a Parquet file need, from the headers of its pages; `thrift` reads the headers.

A page of a few bytes can hold a value of a mebibyte sixty thousand times: stored sizes say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from datalab.ingest.limits import PARQUET_BATCH_BYTES, RECORD_BYTES
from datalab.ingest.thrift import DamagedHeaderError, Fields, number, read_struct, struct_of

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_PLAIN_DICTIONARY, _DELTA_BYTE_ARRAY, _RLE_DICTIONARY = 2, 7, 8
_BYTE_ARRAY = "BYTE_ARRAY"
_WIDEST_NUMBER = 32
_ENTRY_BYTES = 20
"""What Arrow keeps for each value of a dictionary, in addition to the value."""
_LARGEST_READ_DICTIONARY = 64 << 20
_CODECS = {"UNCOMPRESSED": None, "LZ4": "lz4_raw", "LZ4_RAW": "lz4_raw"}


@dataclass(frozen=True, slots=True)
class _Page:
    """Values of one column: rows `first` to `first + count`, `size` bytes when not compressed."""

    first: int
    count: int
    size: int


class ColumnPages:
    """What the pages of one column in a row group need.

    Attributes:
        resident: bytes that a reader of the column keeps: its largest page and its dictionary.
        per_row: the most bytes of a value in pages that can decode to more than their size; 0 if there are none.
        long_value: the first row of a page whose values are longer on average than any may be; None if there is none.
    """

    def __init__(self, file: BinaryIO, column: pq.ColumnChunkMetaData, rows: int) -> None:
        """Read the headers of the pages.

        Raises:
            DamagedHeaderError: they cannot be read.
        """
        self.per_row = 0
        self.long_value: int | None = None
        self._plain: list[_Page] = []
        is_text = column.physical_type == _BYTE_ARRAY
        largest = dictionary = longest = row = 0
        for kind, header, content in _pages(file, column):
            size = max(number(header, 2), number(header, 3))
            if kind == _DICTIONARY:
                count = number(struct_of(header, 7), 1)
                dictionary = 2 * size + min(count, size) * _ENTRY_BYTES
                self._note_mean(size, count, row, is_text=is_text)
                longest = _longest_value(file, column, content, header, rows) if is_text else 0
                continue
            details = struct_of(header, 5 if kind == _DATA else 8)
            count, encoding = number(details, 1), number(details, 2 if kind == _DATA else 4)
            largest = max(largest, size)
            if not is_text:
                self.per_row = _WIDEST_NUMBER if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else 8
            elif encoding in (_PLAIN_DICTIONARY, _RLE_DICTIONARY):
                self.per_row = max(self.per_row, longest)
            elif encoding == _DELTA_BYTE_ARRAY:  # every value may repeat all of the one before
                self.per_row = max(self.per_row, size)
            else:
                self._plain.append(_Page(row, count, size))
            self._note_mean(size, count, row, is_text=is_text and encoding not in (_PLAIN_DICTIONARY, _RLE_DICTIONARY))
            row += count
        self.resident = largest + dictionary

    def needed(self, rows: int) -> int:
        """Return the most bytes to which `rows` rows in a row decode."""
        held = most = 0
        left = 0
        for page in self._plain:
            held += page.size
            while self._plain[left].first + self._plain[left].count + rows <= page.first:
                held -= self._plain[left].size
                left += 1
            most = max(most, held)
        return most + self.per_row * rows

    def _note_mean(self, size: int, count: int, row: int, *, is_text: bool) -> None:
        if is_text and self.long_value is None and size // max(1, count) > RECORD_BYTES + 64:
            self.long_value = row


def rows_at_once(columns: Sequence[ColumnPages], most: int) -> int:
    """Return how many rows, `most` at most, decode to about `PARQUET_BATCH_BYTES` or to what one row may need."""
    budget = max(PARQUET_BATCH_BYTES, sum(column.needed(1) for column in columns) * 5 // 4)
    count = max(1, most)
    while count > 1 and sum(column.needed(count) for column in columns) > budget:
        count //= 2
    return count


def _pages(file: BinaryIO, column: pq.ColumnChunkMetaData) -> Iterator[tuple[int, Fields, int]]:
    """Yield (type, header, where the content begins) of the pages that a reader reads, in order."""
    position = column.data_page_offset
    if column.has_dictionary_page and 0 < (column.dictionary_page_offset or 0) < position:
        position = column.dictionary_page_offset
    end = position + column.total_compressed_size
    values = 0
    while values < column.num_values and position < end:
        header, length = read_struct(file, position)
        content = position + length
        kind = number(header, 1)
        if kind in (_DATA, _DICTIONARY, _DATA_V2):
            yield kind, header, content
        if kind in (_DATA, _DATA_V2):
            values += number(struct_of(header, 5 if kind == _DATA else 8), 1)
        compressed = number(header, 3)
        if compressed < 0 or number(header, 2) < 0:
            raise DamagedHeaderError
        position = content + compressed


def _longest_value(file: BinaryIO, column: pq.ColumnChunkMetaData, content: int, header: Fields, rows: int) -> int:
    """Return the length of the longest text in a dictionary page, or a larger number where that does not matter."""
    size, compressed = number(header, 2), number(header, 3)
    if size * rows <= PARQUET_BATCH_BYTES or size > _LARGEST_READ_DICTIONARY:
        return size
    file.seek(content)
    data = file.read(compressed)
    codec = _CODECS.get(column.compression, column.compression.lower())
    try:
        if codec is not None:
            data = pa.decompress(data, decompressed_size=size, codec=codec, asbytes=True)
    except (pa.ArrowException, OSError, ValueError):
        return size
    longest = position = 0
    for _ in range(number(struct_of(header, 7), 1)):
        length = int.from_bytes(data[position : position + 4], "little")
        position += 4 + length
        if position > len(data):
            break
        longest = max(longest, length)
    return longest
