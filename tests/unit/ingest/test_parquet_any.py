"""Any change of a Parquet file, and any pages, end in rows or in a reason."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalab.ingest.failures import FileLevelError
from datalab.ingest.limits import PARQUET_RESIDENT_BYTES, RecordTooLongError
from datalab.ingest.parquet import ParquetMember
from tests.unit.ingest.parquet_bytes import (
    BOOLEAN,
    BROTLI,
    BYTE_ARRAY,
    INT32,
    INT64,
    UNCOMPRESSED,
    ZSTD,
    Column,
    Page,
    delta,
    file_of,
    plain,
)
from tests.unit.ingest.parquet_files import (
    ALL_FIRST,
    IDS,
    MIB,
    TWO_GIB,
    written,
)


def samples() -> Iterator[bytes]:
    table = pa.table({"x": [*IDS[:40], None], "y": [f"s{n % 3}" for n in range(41)], "n": [n / 7 for n in range(41)]})
    for options in ({}, {"data_page_version": "2.0", "compression": "zstd"}, {"use_dictionary": False}):
        yield written(table, **options)  # type: ignore[arg-type]
    yield written(table, use_dictionary=False, column_encoding={"x": "DELTA_BYTE_ARRAY"})
    yield written(table.append_column("d", pa.array(table["y"]).dictionary_encode()))


SAMPLES = list(samples())


CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=6)
SIZES = st.none() | st.sampled_from([-1, 0, 1, 7, 4096, MIB, 1 << 28, TWO_GIB, -TWO_GIB])
PAGES = st.builds(
    Page,
    st.sampled_from([b"", plain("a"), plain("abc") * 50, ALL_FIRST, delta(0, 3), delta(5, 70), delta(0, TWO_GIB)])
    | st.binary(max_size=40),
    st.sampled_from([0, 1, 3, 70, MIB, TWO_GIB, -1]),
    kind=st.sampled_from([0, 0, 0, 1, 2, 3]),
    encoding=st.sampled_from([*range(10)]),
    size=SIZES,
    compressed=SIZES,
)
COLUMNS = st.builds(
    Column,
    st.lists(PAGES, min_size=1, max_size=4),
    st.sampled_from([1, 3, 70, MIB, TWO_GIB]),
    st.sampled_from([BOOLEAN, INT32, INT64, BYTE_ARRAY]),
    st.sampled_from([UNCOMPRESSED, BROTLI, ZSTD]),
)


def ends(data: bytes) -> None:
    """Read at most two batches of a file, however many it says that it has."""
    before = pa.default_memory_pool().max_memory()
    try:
        for batch in islice(ParquetMember(io.BytesIO(data)).batches(), 2):
            assert batch.num_rows
    except (FileLevelError, RecordTooLongError) as error:
        assert isinstance(error, RecordTooLongError) or error.code == "PARQUET_READ_ERROR"
    assert pa.default_memory_pool().max_memory() <= max(before, PARQUET_RESIDENT_BYTES)


def ends_when_changed(data: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(data)
    for place, value in changes:
        changed[4 + place % (len(data) - 8)] = value
    ends(bytes(changed))


@given(st.sampled_from(SAMPLES), CHANGES)
def test_any_change_of_a_file_ends_in_rows_or_a_reason(data: bytes, changes: list[tuple[int, int]]) -> None:
    ends_when_changed(data, changes)


@given(COLUMNS, st.booleans())
def test_any_pages_end_in_rows_or_a_reason(column: Column, twice: bool) -> None:
    ends(file_of(column, column.named("y")) if twice else file_of(column))


@pytest.mark.long
@settings(max_examples=3_000)
@given(st.sampled_from(SAMPLES), CHANGES)
def test_many_changes_of_a_file_end_in_rows_or_a_reason(data: bytes, changes: list[tuple[int, int]]) -> None:
    ends_when_changed(data, changes)


@pytest.mark.long
@settings(max_examples=3_000)
@given(COLUMNS, st.booleans())
def test_many_pages_end_in_rows_or_a_reason(column: Column, twice: bool) -> None:
    ends(file_of(column, column.named("y")) if twice else file_of(column))
