"""The first records of a text, of which only as many are read as are needed to see what the columns are."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from itertools import islice

from datalab.ingest.any_file import AnyFile
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.source import blocks_of, open_input
from datalab.ingest.split import Block, Splitter

_LONGEST_HEADER = 1 << 20
"""No record that names columns is longer."""
_BYTES, _RECORDS = 1 << 16, 500


def first_record(block: Block) -> list[str]:
    """Return the fields of the block's first record; of a very long one not all."""
    text = block.data[:_LONGEST_HEADER].replace(b"\r\n", b"\n").decode(errors="ignore")
    return next((row for row in csv.reader(io.StringIO(text, newline="")) if row), [])


def first_records(block: Block) -> tuple[str, list[list[str]]]:
    """Return the beginning of a block and its records; a record that the end of this beginning cuts off is left out."""
    text = block.data[:_BYTES].replace(b"\r\n", b"\n").decode(errors="ignore")
    read = (row for row in csv.reader(io.StringIO(text, newline="")) if row)
    records = list(islice(read, _RECORDS))
    if len(block.data) > _BYTES and 1 < len(records) < _RECORDS:
        records.pop()
    return text, records


def first_width(file: AnyFile) -> int | None:
    """Return how many columns the first record of a file has; None: it has no record.

    Raises:
        FileLevelError: the file is damaged, or of a kind that is not read.
        InputMissing: there is no such file.
    """
    with open_input(file) as source, closing(Splitter(1)) as splitter:
        for member in source.members():
            if isinstance(member, ParquetMember):
                if member.num_rows:
                    return member.num_columns
                continue
            for block in blocks_of(source, member.chunks(), splitter):
                if record := first_record(block):
                    return len(record)
    return None
