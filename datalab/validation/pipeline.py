"""Reads and checks the blocks of a file in parallel and yields them in file order; it adds nothing up.

A bounded number of blocks is in progress at any time, so memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from datalab.ingest.failures import record_too_long
from datalab.ingest.first_records import first_record, first_records
from datalab.ingest.in_order import in_order
from datalab.ingest.limits import BLOCK_CELLS, BLOCK_RECORDS, RecordTooLongError
from datalab.ingest.numbers import NO_NUMBERS, Numbers
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.records import MOST_FIELDS, Records, read_block, row_schema
from datalab.ingest.source import Input, blocks_of
from datalab.ingest.split import Block, Splitter
from datalab.validation.check import Checked, TextNeededError
from datalab.validation.invalid_rows import lists_of_rows

_TABLE_ROWS = 65_536
"""Rows of a Parquet file that are read at once; their values may be long."""
_FIRST_CELLS = 2_000
_BLOCKS_AS_TEXT = 16
"""How many blocks are read as text after one that was read as numbers for nothing."""
_TAIL_BYTES = 4_096

Read = Callable[[Numbers], Records]
"""Reads the records of a block; the columns named are read as numbers if each of their cells is one."""


class Pipeline:
    """The blocks of one input, checked.

    Attributes:
        records: how many records were handed out.
        is_csv: whether all of the input was text; known at the end.
        header: the fields of the first record of a text; known with the first block.
        tail: the end of the last text; known at the end.
        table_bytes: size of the Parquet tables of the input as CSV text; known at the end.
    """

    def __init__(
        self,
        source: Input,
        width: int,
        check: Callable[[Records], Checked],
        *,
        block_records: int = BLOCK_RECORDS,
        scratch: Path | None = None,
        begin: Callable[[str, list[list[str]]], object] = lambda _text, _records: None,
        keep_odd: Callable[[], bool] = lambda: False,
        numbers: Callable[[], Numbers] = lambda: NO_NUMBERS,
    ) -> None:
        """Read `source`.

        Args:
            source: the input.
            width: how many columns a row has.
            check: checks the records of a block.
            block_records: how many records of the right width a block has at most.
            scratch: a private directory.
            begin: called before the first check with the beginning of the text, if it is one, and the first records.
            keep_odd: whether the records of a wrong width are still wanted as text.
            numbers: the columns that may be read as numbers; asked after `begin`.
        """
        self._source = source
        self._width = width
        self._check = check
        self._block_records = max(1, min(block_records, BLOCK_CELLS // width))
        self._scratch = scratch
        self._begin = begin
        self._has_begun = False
        self._keep_odd = keep_odd
        self._numbers = numbers
        # The first block too: so the pandera schema judges cells of every file.
        self._blocks_as_text = 1
        self._too_long: RecordTooLongError | None = None
        self.records = 0
        self.is_csv = True
        self.header: list[str] = []
        self.tail = b""
        self.table_bytes = 0

    def __iter__(self) -> Iterator[Checked]:
        """Yield the checked blocks.

        Raises:
            FileLevelError: the file is damaged, or a record is too long; what was yielded must not be used.
        """
        checks = ((partial(self._read_and_check, read, numbers), weight) for read, numbers, weight in self._readers())
        for checked in in_order(checks, "check"):
            self.records += checked.records.count
            yield checked
        if self._too_long:
            number = self.records + self._too_long.offset
            raise record_too_long(number, self._source.detected_file_type)

    def _read_and_check(self, read: Read, numbers: Numbers) -> Checked:
        records = read(numbers)
        if numbers and not records.has_numbers:
            self._blocks_as_text = _BLOCKS_AS_TEXT
        try:
            return self._check(records)
        except TextNeededError:
            self._blocks_as_text = _BLOCKS_AS_TEXT
            return self._check(read(NO_NUMBERS))

    def _readers(self) -> Iterator[tuple[Read, Numbers, int]]:
        """Yield how to read the records of every block of the input in order: function, numbers, bytes.

        The blocks end before a record that is too long.
        """
        try:
            yield from self._members()
        except RecordTooLongError as error:
            self._too_long = error

    def _members(self) -> Iterator[tuple[Read, Numbers, int]]:
        with closing(Splitter(self._block_records, self._scratch)) as splitter:
            for member in self._source.members():
                if isinstance(member, ParquetMember):
                    self.is_csv = False
                    rows = min(self._block_records, _TABLE_ROWS)
                    for batch in member.batches(rows, text_bytes_before=self.table_bytes, scratch=self._scratch):
                        if not self._has_begun:
                            self._start("", _first_rows(batch))
                        yield partial(self._table_records, batch), NO_NUMBERS, batch.nbytes
                    self.table_bytes += member.text_bytes
                    continue
                for block in blocks_of(self._source, member.chunks(), splitter):
                    if not self.header:
                        self.header = first_record(block)
                    if not self._has_begun:
                        self._start(*first_records(block))
                    self.tail = (self.tail + block.data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
                    yield partial(self._text_records, block), self._numbers_of_next_block(), len(block.data)

    def _start(self, text: str, records: list[list[str]]) -> None:
        self._has_begun = True
        self._begin(text, records)

    def _numbers_of_next_block(self) -> Numbers:
        if self._blocks_as_text:
            self._blocks_as_text -= 1
            return NO_NUMBERS
        return self._numbers()

    def _text_records(self, block: Block, numbers: Numbers) -> Records:
        count_text, keep_odd = self._source.is_container, self._keep_odd()
        return read_block(block, self._width, count_text=count_text, keep_odd=keep_odd, numbers=numbers)

    def _table_records(self, batch: pa.RecordBatch, _: Numbers) -> Records:
        """The records of a batch of a Parquet file, all of which have as many columns as the file."""
        if batch.num_columns == self._width:
            return Records(batch, batch.num_rows)
        every, none = np.arange(batch.num_rows), np.arange(0)
        is_narrow = batch.num_columns < self._width
        return Records(
            pa.RecordBatch.from_pylist([], schema=row_schema(self._width)),
            batch.num_rows,
            none,
            too_narrow=every if is_narrow else none,
            too_wide=none if is_narrow else every,
            odd_widths={batch.num_columns: batch.num_rows} if batch.num_rows else {},
            odd=lists_of_rows(batch.columns[:MOST_FIELDS]) if self._keep_odd() else None,
        )


def _first_rows(batch: pa.RecordBatch) -> list[list[str]]:
    rows = batch.slice(0, max(1, _FIRST_CELLS // max(1, batch.num_columns)))
    columns = [column.cast(pa.string()).fill_null("").to_pylist() for column in rows.columns]
    return [list(row) for row in zip(*columns, strict=True)]
