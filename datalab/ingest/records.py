"""Reads a block of text into records: a fast reader for text that Arrow reads correctly, an exact one for the rest.

Both follow docs/spec/validation.md#7-records; a differential test compares them. `datalab.ingest.split` decides
where blocks begin.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from datalab.ingest.split import Block, Quoting, outside, quote_positions, quoted_spans, record_ends

Indexes = NDArray[np.int64]

csv.field_size_limit(sys.maxsize)  # fields of any length: docs/spec/validation.md#73-record-parser

_BLANK_LINE = re.compile(
    rb"(?:[\t\v\f\r ]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)*+(?:\n|\Z)"
)
_MAY_BEGIN_BLANK_LINE = np.zeros(256, bool)
_MAY_BEGIN_BLANK_LINE[list(b"\t\n\v\f\r \xc2\xe1\xe2\xe3")] = True
_FEW_ODD_ROWS = 10_000
"""Up to this number of rows of a wrong width in a block, one call for each is faster than a check of all rows."""
_FOREIGN_SEPARATOR = re.compile(r"[;\t|]")


def _no_indexes() -> Indexes:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one block, or of one batch of a Parquet file; index 0 is the block's first record."""

    rows: pa.RecordBatch
    """The records of the right width: string columns `0`, `1`, …; null where the field is empty."""
    count: int
    """How many records there are, wrong widths included."""
    indexes: Indexes | None = None
    """Indexes of the rows among the records; None if every record is a row."""
    too_narrow: Indexes = field(default_factory=_no_indexes)
    too_wide: Indexes = field(default_factory=_no_indexes)
    one_column: int = 0
    """How many records have exactly one field."""
    foreign_separator: int = 0
    """How many of those contain a semicolon, a tab or a bar."""
    text_bytes: int = 0
    """UTF-8 bytes of the block without its blank lines (docs/spec/validation.md#75-originalfilesizebytes)."""


def row_schema(width: int) -> pa.Schema:
    """Return the schema of `Records.rows`: `width` nullable string columns."""
    return pa.schema([(str(column), pa.string()) for column in range(width)])


def read_block(block: Block, width: int, *, count_text: bool = False) -> Records:
    """Read the records of `block`; the correct width is `width` columns.

    With `count_text` the bytes of its text are counted too, which only files in containers need.
    """
    text_bytes = len(block.data) - _blank_bytes(block) if count_text else 0
    data = block.data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if block.quoting is Quoting.IRREGULAR:
        return _read_exactly(data, width, text_bytes)
    if block.quoting is Quoting.NONE and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    return _read_fast(data, width, text_bytes)


def first_record(block: Block) -> list[str]:
    """Return the fields of the block's first record."""
    text = block.data.replace(b"\r\n", b"\n").decode()
    return next((row for row in csv.reader(io.StringIO(text, newline="")) if row), [])


def _read_fast(data: bytes, width: int, text_bytes: int) -> Records:
    """Read with Arrow, which reports a few rows of a wrong width one by one; many are separated all at once."""
    odd: list[tuple[int, int, str]] = []

    def note(row: pacsv.InvalidRow) -> str:
        odd.append((row.number - 1, row.actual_columns, row.text or ""))
        return "skip" if len(odd) <= _FEW_ODD_ROWS else "error"

    rows = _read_with_arrow(data, width, note)
    if rows is None:
        return _read_ragged(data, width, text_bytes)
    if not odd:
        return Records(
            rows,
            rows.num_rows,
            one_column=rows.num_rows if width == 1 else 0,
            foreign_separator=_foreign_of(rows),
            text_bytes=text_bytes,
        )
    where = np.array([index for index, _, _ in odd])
    widths = np.array([columns for _, columns, _ in odd])
    count = rows.num_rows + len(odd)
    narrow = [text for _, columns, text in odd if columns == 1]
    return Records(
        rows,
        count,
        np.delete(np.arange(count), where),
        where[widths < width],
        where[widths > width],
        len(narrow) + (rows.num_rows if width == 1 else 0),
        sum(1 for text in narrow if _FOREIGN_SEPARATOR.search(text)) + _foreign_of(rows),
        text_bytes,
    )


def _foreign_of(rows: pa.RecordBatch) -> int:
    """Return how many rows of a single column contain a separator of another dialect; 0 for several columns."""
    if rows.num_columns != 1:
        return 0
    found: int = pc.sum(pc.match_substring_regex(rows.column(0), _FOREIGN_SEPARATOR.pattern), min_count=0).as_py()
    return found


def _read_with_arrow(
    data: bytes, width: int, on_odd_row: Callable[[pacsv.InvalidRow], str] | None = None
) -> pa.RecordBatch | None:
    """Read rows of `width` columns; None if a row of another width stops the reader."""
    schema = row_schema(width)
    if not data.strip(b"\r\n"):
        return pa.RecordBatch.from_pylist([], schema=schema)
    if data.startswith(codecs.BOM_UTF8):
        # Arrow would drop a mark here, but it is data; Arrow skips the empty line.
        data = b"\n" + data
    try:
        table = pacsv.read_csv(
            pa.py_buffer(data),
            read_options=pacsv.ReadOptions(column_names=schema.names, use_threads=False, block_size=len(data) + 1),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=on_odd_row),
            convert_options=pacsv.ConvertOptions(
                check_utf8=False,
                column_types=schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=schema)


def _read_ragged(data: bytes, width: int, text_bytes: int) -> Records:
    """Find the width of every record, then let Arrow read those of the correct width."""
    quotes = quote_positions(data)
    ends = record_ends(data, quotes)
    if not ends.size or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1])
    filled = ends > starts
    starts, ends = starts[filled], ends[filled]
    array = np.frombuffer(data, np.uint8)
    commas = outside(np.flatnonzero(array == 0x2C), quotes)
    widths = np.searchsorted(commas, ends) - np.searchsorted(commas, starts) + 1
    right = widths == width
    # Each record includes the line ends behind it.
    lengths = np.diff(starts, append=len(data))
    rows = _read_with_arrow(array[starts[0] :][np.repeat(right, lengths)].tobytes(), width)
    if rows is None:
        raise AssertionError("records of one width are uniform")
    narrow = widths == 1
    return Records(
        rows,
        len(widths),
        np.flatnonzero(right),
        np.flatnonzero(widths < width),
        np.flatnonzero(widths > width),
        int(narrow.sum()),
        _count_foreign(array, starts[narrow], ends[narrow]),
        text_bytes,
    )


def _count_foreign(array: NDArray[np.uint8], starts: Indexes, ends: Indexes) -> int:
    """Return how many of the records contain a separator of another dialect."""
    separators = np.flatnonzero((array == 0x3B) | (array == 0x09) | (array == 0x7C))
    return int((np.searchsorted(separators, ends) > np.searchsorted(separators, starts)).sum())


def _read_exactly(data: bytes, width: int, text_bytes: int) -> Records:
    """Read with Python's `csv`, whose state machine is exactly that of 7.3; about ten times slower."""
    rows = [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]
    widths = np.fromiter(map(len, rows), np.int64, len(rows))
    columns = list(zip(*(row for row in rows if len(row) == width), strict=True)) or [()] * width
    narrow = [row[0] for row in rows if len(row) == 1]
    return Records(
        pa.record_batch(
            [pa.array([value or None for value in column], pa.string()) for column in columns],
            schema=row_schema(width),
        ),
        len(rows),
        np.flatnonzero(widths == width),
        np.flatnonzero(widths < width),
        np.flatnonzero(widths > width),
        len(narrow),
        sum(1 for value in narrow if _FOREIGN_SEPARATOR.search(value)),
        text_bytes,
    )


def _blank_bytes(block: Block) -> int:
    """Return the bytes of the lines, outside quotes, that are empty or white space only.

    See docs/spec/validation.md#75-originalfilesizebytes.
    """
    data = block.data
    array = np.frombuffer(data, np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(array[:-1] == 0x0A) + 1])
    if not block.starts_line:
        starts = starts[1:]
    starts = starts[_MAY_BEGIN_BLANK_LINE[array[starts]]]
    if block.quoting is Quoting.REGULAR:
        starts = outside(starts, quote_positions(data))
    elif block.quoting is Quoting.IRREGULAR:
        spans = np.array(quoted_spans(data), np.int64).reshape(-1, 2)
        opened = np.searchsorted(spans[:, 0], starts)
        closed = np.searchsorted(spans[:, 1], starts)
        starts = starts[opened == closed]
    lines = (_BLANK_LINE.match(data, int(start)) for start in starts)
    return sum(len(line[0]) for line in lines if line)
