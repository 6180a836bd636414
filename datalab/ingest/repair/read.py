"""From the bytes of a file to chunks of its records, whatever separates the columns; nothing is changed here.

Another separator and the comma are exchanged before the text is read and exchanged back in the cells: so records end,
and quotes count, exactly as docs/spec/validation.md#7-records says.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.limits import BLOCK_BYTES, BLOCK_CELLS, BLOCK_RECORDS
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.quotes import Quoting, unquoted
from datalab.ingest.records import Indexes, read_block
from datalab.ingest.repair.chunk import Chunk, bytes_of, line_of
from datalab.ingest.source import Input, blocks_of
from datalab.ingest.split import Block, Splitter
from datalab.ingest.text import TextMember

_TABLE_ROWS = 65_536
_LINES_AT_ONCE = 65_536
_FEW = 1000
_WIDENING_BYTES = 1 << 20


@dataclass(frozen=True)
class Reading:
    """How the records of a file are read."""

    separator: str = ","
    width: int = 1
    """How many columns a row has."""
    is_widening: bool = False
    """Whether a step makes much more text of its rows: then less is read at once."""
    records: int = BLOCK_RECORDS
    """How many records are read at once, at most."""

    @property
    def chunk_bytes(self) -> int:
        """How many bytes of text are read at once."""
        return _WIDENING_BYTES if self.is_widening else BLOCK_BYTES

    @property
    def block_records(self) -> int:
        """How many records a block has at most."""
        return max(1, min(self.records, BLOCK_CELLS // max(1, self.width)))

    def exchanged(self, data: bytes) -> bytes:
        """Return text with the separator and the comma exchanged; twice is the same as never."""
        if self.separator == ",":
            return data
        both = ("," + self.separator).encode()
        return data.translate(bytes.maketrans(both, both[::-1]))


Read = Callable[[], Chunk]


def reads(source: Input, reading: Reading, scratch: Path | None = None) -> Iterator[tuple[Read, int]]:
    """Yield for every block of a file a function that reads it, and its size in bytes.

    Raises:
        FileLevelError: the file is damaged.
        RecordTooLongError: the record behind those yielded is too long.
    """
    waiting: tuple[partial[Chunk], int] | None = None
    is_first = True
    for read, size in _blocks(source, reading, scratch):
        if waiting:
            yield partial(waiting[0], is_first=is_first), waiting[1]
            is_first = False
        waiting = read, size
    if waiting:
        yield partial(waiting[0], is_first=is_first, is_last=True), waiting[1]


def _blocks(source: Input, reading: Reading, scratch: Path | None) -> Iterator[tuple[partial[Chunk], int]]:
    table_bytes = 0
    with closing(Splitter(reading.block_records, scratch)) as splitter:
        for member in source.members():
            if isinstance(member, ParquetMember):
                rows = min(reading.block_records, _TABLE_ROWS)
                for batch in member.batches(rows, text_bytes_before=table_bytes):
                    yield partial(_of_table, batch, reading), batch.nbytes
                table_bytes += member.text_bytes
            else:
                for block in _text_blocks(source, member, splitter, reading):
                    yield partial(_of_block, block, reading), len(block.data)


def _text_blocks(source: Input, member: TextMember, splitter: Splitter, reading: Reading) -> Iterator[Block]:
    chunks = map(reading.exchanged, member.chunks(reading.chunk_bytes))
    return blocks_of(source, chunks, splitter)


def first_text(source: Input, records: int) -> bytes:
    """Return about so many of the first records as text in UTF-8; empty for Parquet."""
    reading = Reading(records=records)
    with closing(Splitter(reading.block_records)) as splitter:
        for member in source.members():
            if isinstance(member, ParquetMember):
                return b""
            for block in _text_blocks(source, member, splitter, reading):
                return block.data
    return b""


def usual_width(text: bytes) -> int:
    """Return how many columns most of the first records have, separated by commas."""
    lines = io.StringIO(text.decode(errors="replace"), newline="")
    widths = Counter(len(record) for record in islice(csv.reader(lines), _FEW) if record)
    return widths.most_common(1)[0][0] if widths else 1


def _of_table(batch: pa.RecordBatch, reading: Reading, *, is_first: bool = False, is_last: bool = False) -> Chunk:
    columns = tuple(batch.columns)
    chunk = Chunk(columns, np.arange(batch.num_rows), is_first=is_first, is_last=is_last)
    return chunk if len(columns) == reading.width else chunk.with_unchanged(np.ones(batch.num_rows, bool))


def _of_block(block: Block, reading: Reading, *, is_first: bool = False, is_last: bool = False) -> Chunk:
    if block.quoting is Quoting.IRREGULAR:
        chunk = _exactly(block, reading)
    else:
        records = read_block(block, reading.width)
        columns = tuple(_back(column, reading) for column in records.rows.columns)
        if records.indexes is None:
            chunk = Chunk(columns, np.arange(records.count))
        else:
            odd_at = np.sort(np.concatenate([records.too_narrow, records.too_wide]))
            chunk = Chunk(columns, records.indexes, _lines_at(block.data, odd_at, reading), odd_at)
    return replace(chunk, is_first=is_first, is_last=is_last)


def _back(column: pa.StringArray, reading: Reading) -> pa.StringArray:
    """Return the cells with separator and comma as in the file."""
    validity, offsets, data = column.buffers()
    if reading.separator == "," or data is None:
        return column
    buffers = [validity, offsets, pa.py_buffer(reading.exchanged(data.to_pybytes()))]
    return pa.Array.from_buffers(pa.string(), len(column), buffers, offset=column.offset)


def _lines_at(data: bytes, which: Indexes, reading: Reading) -> pa.StringArray:
    """Return some records of a regularly quoted block as lines."""
    data = data.replace(b"\r\n", b"\n")
    octets = np.frombuffer(data, np.uint8)
    is_end = (octets == 0x0A) | (octets == 0x0D)
    free = unquoted(octets)
    if free is not None:
        is_end &= free
    ends = np.flatnonzero(is_end)
    if not ends.size or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1])
    is_record = ends > starts
    starts, ends = starts[is_record][which], ends[is_record][which]
    text = b"\n".join(data[start:end] for start, end in zip(starts, ends, strict=True))
    return _lines(csv.reader(io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")), reading)


def _lines(records: Iterator[list[str]], reading: Reading) -> pa.StringArray:
    table = str.maketrans(f",{reading.separator}", f"{reading.separator},")
    lines = (line_of([cell.translate(table) for cell in record]) for record in records if record)
    parts = [pa.array([], pa.string())]
    while part := list(islice(lines, _LINES_AT_ONCE)):
        parts.append(pa.array(part, pa.string()))
    return pa.concat_arrays(parts)


def _exactly(block: Block, reading: Reading) -> Chunk:
    """Read with Python's `csv`; only such text needs it whose quotes are irregular."""
    data = block.data.replace(b"\r\n", b"\n")
    records = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline=""))
    lines = _lines(records, replace(reading, separator=","))
    # The lines are quoted regularly now, so that the fast reader can read them.
    text = bytes_of(pc.binary_join_element_wise(lines, "", "\n"))
    return _of_block(Block(text, Quoting.REGULAR), reading)
