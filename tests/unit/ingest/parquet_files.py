"""Reads Parquet files that tests made, and writes some as libraries do; no test is here."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.ingest.failures import FileLevelError
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.parquet_footer import read_footer
from datalab.ingest.parquet_pages import RowGroupPages

LZ4_OF_HADOOP = 5
MIB = 1 << 20
TWO_GIB = (1 << 31) - 1
ALL_FIRST = b"\x01\x06\x00"
"""Three times the first value of a dictionary."""


class Counted(io.BytesIO):
    """A file that notes the most bytes that were asked for at once."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "the whole file"
        self.most = max(self.most, size)
        return super().read(size)


def rows(data: bytes) -> list[list[str | None]]:
    return [list(row.values()) for batch in ParquetMember(io.BytesIO(data)).batches() for row in batch.to_pylist()]


def reason(data: bytes) -> str:
    """The reason why a file cannot be read."""
    with pytest.raises(FileLevelError) as failure:
        rows(data)
    assert failure.value.code == "PARQUET_READ_ERROR"
    return failure.value.message


def pages_of(data: bytes, most: int = 65_536) -> RowGroupPages:
    file = Counted(data)
    pages = RowGroupPages(
        file, read_footer(file), pq.read_metadata(io.BytesIO(data)).schema, 0, most, 1_000_000, 1 << 16
    )
    assert file.most < 2 * MIB
    return pages


def written(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


IDS = [f"user-{number % 1000:06}@example.org" for number in range(30_000)]
