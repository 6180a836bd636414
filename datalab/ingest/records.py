"""Reads a block of text into records: a fast reader for text that Arrow reads correctly, an exact one for the rest.

Both follow docs/spec/validation.md#7-records; a differential test compares them. `datalab.ingest.split` decides
where blocks begin.
"""

from __future__ import annotations

import array
import codecs
import contextlib
import csv
import io
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from datalab.ingest.blank_bytes import blank_bytes
from datalab.ingest.broken_quotes import NOT_BROKEN, BrokenQuotes, broken_quotes
from datalab.ingest.limits import BLOCK_BYTES
from datalab.ingest.numbers import NO_NUMBERS, Numbers, has_nan, may_have_blanks_around
from datalab.ingest.quotes import Quoting, swallows_line_ends, unquoted
from datalab.ingest.split import Block

Indexes = NDArray[np.int64]

csv.field_size_limit(sys.maxsize)  # fields of any length: docs/spec/validation.md#73-record-parser

MOST_FIELDS = 1 << 15
"""How many fields of a record of a wrong width are kept."""
_CELLS_AT_ONCE = 1 << 18
_ONE_AT_A_TIME = threading.Lock()
"""Held by what needs much more memory than its block has bytes: Python's `csv`, long records, rows of many widths."""
_FEW_ODD_ROWS = 10_000
"""Up to this number of rows of a wrong width in a block, one call for each is faster than a check of all rows."""
_FOREIGN_SEPARATOR = re.compile(r"[;\t|]")


def _no_indexes() -> Indexes:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one block, or of one batch of a Parquet file; index 0 is the block's first record."""

    rows: pa.RecordBatch
    """The records of the right width: columns `0`, `1`, …, strings or numbers; null where the field is empty."""
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
    odd_widths: Mapping[int, int] = field(default_factory=dict)
    """Wrong number of columns → how many records have it."""
    odd: pa.StringArray | pa.ListArray | None = None
    """The records of a wrong width in order, as CSV text or as lists of their fields; None unless they were wanted."""
    broken_quote: bool = False
    """Whether a quoted field that holds a line break ends in a broken way."""
    quotes: BrokenQuotes = NOT_BROKEN

    @property
    def has_numbers(self) -> bool:
        """Whether some columns were read as numbers, so that the text of their cells is not known."""
        return any(pa.types.is_floating(field.type) for field in self.rows.schema)


def row_schema(width: int, numbers: Numbers = NO_NUMBERS) -> pa.Schema:
    """Return the schema of `Records.rows`: `width` nullable columns, strings except for the columns of `numbers`."""
    return pa.schema([(str(column), pa.float64() if column in numbers else pa.string()) for column in range(width)])


def read_block(
    block: Block, width: int, *, count_text: bool = False, keep_odd: bool = False, numbers: Numbers = NO_NUMBERS
) -> Records:
    """Read the records of `block`.

    Args:
        block: the text.
        width: how many columns a row has; records of another width are only counted.
        count_text: whether the bytes of its text are counted too, which only files in containers need.
        keep_odd: whether the records of a wrong width are kept as text.
        numbers: columns to read as numbers; all of them are strings if a cell is none, or is a NaN.
    """
    with _ONE_AT_A_TIME if _is_heavy(block) else contextlib.nullcontext():
        text_bytes = len(block.data) - blank_bytes(block) if count_text else 0
        data = block.data
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        if block.quoting is Quoting.IRREGULAR:
            records = _read_exactly(data, width, text_bytes, keep_odd=keep_odd)
            broken = swallows_line_ends(data, records.count)
            quotes = broken_quotes(data) if broken or b'\\"' in data else NOT_BROKEN
            return replace(records, broken_quote=broken, quotes=quotes)
        if block.quoting is Quoting.NONE and b"\r" in data:
            data = data.replace(b"\r", b"\n")
        numbers = NO_NUMBERS if numbers and may_have_blanks_around(data) else numbers
        return _read_fast(data, width, text_bytes, keep_odd=keep_odd, numbers=numbers)


def _is_heavy(block: Block) -> bool:
    return block.quoting is Quoting.IRREGULAR or len(block.data) > 2 * BLOCK_BYTES


def _read_fast(data: bytes, width: int, text_bytes: int, *, keep_odd: bool, numbers: Numbers = NO_NUMBERS) -> Records:
    """Read with Arrow, which reports a few rows of a wrong width one by one; many are separated all at once."""
    odd: list[tuple[int, int]] = []
    texts: list[str] = []
    one_column = foreign = 0

    def note(row: pacsv.InvalidRow) -> str:
        nonlocal one_column, foreign
        odd.append((row.number - 1, row.actual_columns))
        if keep_odd:
            texts.append(row.text or "")
        if row.actual_columns == 1:
            one_column += 1
            foreign += _FOREIGN_SEPARATOR.search(row.text or "") is not None
        return "skip" if len(odd) <= _FEW_ODD_ROWS else "error"

    rows = _read_with_arrow(data, row_schema(width, numbers), note)
    if numbers and (rows is None or has_nan(rows, numbers)):
        return _read_fast(data, width, text_bytes, keep_odd=keep_odd)
    if rows is None:
        return _read_ragged(data, width, text_bytes, keep_odd=keep_odd)
    if width == 1:
        one_column += rows.num_rows
        foreign += _foreign_of(rows)
    if not odd:
        return Records(rows, rows.num_rows, one_column=one_column, foreign_separator=foreign, text_bytes=text_bytes)
    where = np.array([index for index, _ in odd])
    widths = np.array([columns for _, columns in odd])
    count = rows.num_rows + len(odd)
    return Records(
        rows,
        count,
        np.delete(np.arange(count), where),
        where[widths < width],
        where[widths > width],
        one_column,
        foreign,
        text_bytes,
        _frequencies(widths),
        pa.array(texts, pa.string()) if keep_odd else None,
    )


def _frequencies(widths: Indexes) -> dict[int, int]:
    return {int(width): int(count) for width, count in zip(*np.unique(widths, return_counts=True), strict=True)}


def _foreign_of(rows: pa.RecordBatch) -> int:
    """Return how many rows of a single column contain a separator of another dialect."""
    found: int = pc.sum(pc.match_substring_regex(rows.column(0), _FOREIGN_SEPARATOR.pattern), min_count=0).as_py()
    return found


def _read_with_arrow(
    data: bytes, schema: pa.Schema, on_odd_row: Callable[[pacsv.InvalidRow], str] | None = None
) -> pa.RecordBatch | None:
    """Read rows of `schema`; None if a row of another width, or a cell that is no number, stops the reader."""
    if data[:1] in b"\r\n" and not data.strip(b"\r\n"):
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


def _read_ragged(data: bytes, width: int, text_bytes: int, *, keep_odd: bool) -> Records:
    """Find the width of every record, then let Arrow read those of the correct width."""
    octets = np.frombuffer(data, np.uint8)
    free = unquoted(octets)
    is_end = (octets == 0x0A) | (octets == 0x0D)
    is_comma = octets == 0x2C
    if free is not None:
        is_end &= free
        is_comma &= free
    ends = np.flatnonzero(is_end)
    if not ends.size or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1])
    starts = starts[ends > starts]
    widths = _counts(is_comma, starts) + 1
    right = widths == width
    # Each record includes the line ends behind it.
    lengths = np.diff(starts, append=len(data))
    rows = _read_with_arrow(octets[starts[0] :][np.repeat(right, lengths)].tobytes(), row_schema(width))
    if rows is None:
        raise AssertionError("records of one width are uniform")
    narrow = widths == 1
    is_foreign = (octets == 0x3B) | (octets == 0x09) | (octets == 0x7C)
    return Records(
        rows,
        len(widths),
        np.flatnonzero(right),
        np.flatnonzero(widths < width),
        np.flatnonzero(widths > width),
        int(narrow.sum()),
        int(((_counts(is_foreign, starts) > 0) & narrow).sum()),
        text_bytes,
        _frequencies(widths[~right]),
        _texts(octets[starts[0] :], lengths, ~right) if keep_odd else None,
    )


def _texts(octets: NDArray[np.uint8], lengths: Indexes, wanted: NDArray[np.bool_]) -> pa.StringArray:
    """Return the wanted records, of these lengths one behind the other, as text without their line ends."""
    ends = np.concatenate([[0], np.cumsum(lengths[wanted])]).astype(np.int32)
    text = octets[np.repeat(wanted, lengths)].tobytes()
    records = pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(text))
    return pc.ascii_rtrim(records, characters="\r\n")


def _counts(marked: NDArray[np.bool_], starts: Indexes) -> Indexes:
    """Return how many bytes of each record are marked."""
    counted: Indexes = np.add.reduceat(marked.view(np.uint8), starts, dtype=np.int64)
    return counted


def _read_exactly(data: bytes, width: int, text_bytes: int, *, keep_odd: bool) -> Records:
    """Read with Python's `csv`, whose state machine is exactly that of 7.3; about ten times slower."""
    widths = array.array("q")
    batches = [row_schema(width).empty_table()]
    waiting: list[list[str]] = []
    texts: list[str] = []
    one_column = foreign = 0
    for record in csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")):
        if not record:
            continue
        widths.append(len(record))
        if len(record) == 1:
            one_column += 1
            foreign += _FOREIGN_SEPARATOR.search(record[0]) is not None
        if len(record) == width:
            waiting.append(record)
            if len(waiting) * width >= _CELLS_AT_ONCE:
                batches.append(_table(waiting, width))
                waiting = []
        elif keep_odd:
            texts.append(_as_text(record))
    batches.append(_table(waiting, width))
    found = np.frombuffer(widths, np.int64) if widths else _no_indexes()
    rows = pa.concat_tables(batches).combine_chunks().to_batches()
    return Records(
        rows[0] if rows else pa.RecordBatch.from_pylist([], schema=row_schema(width)),
        len(found),
        np.flatnonzero(found == width),
        np.flatnonzero(found < width),
        np.flatnonzero(found > width),
        one_column,
        foreign,
        text_bytes,
        _frequencies(found[found != width]),
        pa.array(texts, pa.string()) if keep_odd else None,
    )


def _as_text(record: list[str]) -> str:
    """Return a record as a line of CSV without its end; of one with very many fields, the first ones."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(record[:MOST_FIELDS])  # so that line ends are quoted
    return line.getvalue()[:-2]


def _table(records: list[list[str]], width: int) -> pa.Table:
    columns = list(zip(*records, strict=True)) or [()] * width
    arrays = [pa.array([value or None for value in column], pa.string()) for column in columns]
    return pa.table(arrays, schema=row_schema(width))
