"""Reads and checks the blocks of a file in parallel and yields them in file order; it adds nothing up.

A bounded number of blocks is in progress at any time, so memory does not grow with the file.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain

import numpy as np
import pyarrow as pa

from datalab.ingest.parquet import ParquetMember
from datalab.ingest.records import Records, first_record, read_block, row_schema
from datalab.ingest.source import Input
from datalab.ingest.split import Block, Splitter
from datalab.ingest.text import TextMember
from datalab.validation.check import Checked

WORKERS = max(2, min(8, os.cpu_count() or 2))
"""Threads that read and check blocks, in addition to the one that cuts and the one that writes."""
_WAITING_BLOCKS = 2


class Pipeline:
    """The blocks of one input, checked.

    Attributes:
        is_csv: whether all of the input was text; known at the end.
        header: the fields of the first record of a text; known with the first block.
        table_bytes: size of the Parquet tables of the input as CSV text; known at the end.
    """

    def __init__(self, source: Input, width: int, check: Callable[[Records], Checked]) -> None:
        self._source = source
        self._width = width
        self._check = check
        self.is_csv = True
        self.header: list[str] = []
        self.table_bytes = 0

    def __iter__(self) -> Iterator[Checked]:
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="check") as pool:
            under_way: deque[Future[Checked]] = deque()
            try:
                for read in self._readers():
                    under_way.append(pool.submit(self._read_and_check, read))
                    if len(under_way) >= WORKERS + _WAITING_BLOCKS:
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _read_and_check(self, read: Callable[[], Records]) -> Checked:
        return self._check(read())

    def _readers(self) -> Iterator[Callable[[], Records]]:
        """Yield, for every block of the input in order, a function that reads its records."""
        splitter = Splitter()
        for member in self._source.members():
            if isinstance(member, ParquetMember):
                self.is_csv = False
                for batch in member.batches():
                    yield partial(_table_records, batch, self._width)
                self.table_bytes += member.text_bytes
                continue
            for block in self._blocks(member, splitter):
                if not self.header:
                    self.header = first_record(block)
                yield partial(read_block, block, self._width, count_text=self._source.is_container)

    def _blocks(self, member: TextMember, splitter: Splitter) -> Iterator[Block]:
        chunks = member.chunks()
        first = next(chunks, b"")
        if self._source.bom_bytes and splitter.is_at_start:
            # The line that began with the removed mark is not blank, even if it holds nothing else.
            splitter.begin_inside_line()
        return splitter.split(chain([first], chunks))


def _table_records(batch: pa.RecordBatch, width: int) -> Records:
    """The records of a batch of a Parquet file, all of which have as many columns as the file."""
    if batch.num_columns == width:
        return Records(batch, batch.num_rows)
    every, none = np.arange(batch.num_rows), np.arange(0)
    is_narrow = batch.num_columns < width
    return Records(
        pa.RecordBatch.from_pylist([], schema=row_schema(width)),
        batch.num_rows,
        none,
        too_narrow=every if is_narrow else none,
        too_wide=none if is_narrow else every,
    )
