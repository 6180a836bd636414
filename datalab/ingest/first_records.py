"""The first records of a text, of which only as many are read as are needed to see what the columns are."""

from __future__ import annotations

import csv
import io
from itertools import islice

from datalab.ingest.split import Block

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
