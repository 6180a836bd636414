"""Nothing that the pages of a Parquet file say decides how much memory is used."""

from __future__ import annotations

import io
import struct as packing
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.ingest.failures import FileLevelError
from datalab.ingest.limits import RECORD_BYTES, RecordTooLongError
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.thrift import DamagedHeaderError, read_struct
from tests.unit.ingest.parquet_bytes import (
    DELTA_BYTE_ARRAY,
    DELTA_LENGTH_BYTE_ARRAY,
    INT64,
    RLE_DICTIONARY,
    UNCOMPRESSED,
    ZSTD,
    Column,
    Page,
    delta,
    delta_lengths,
    dictionary,
    file_of,
    plain,
    varint,
)
from tests.unit.ingest.parquet_files import (
    ALL_FIRST,
    IDS,
    MIB,
    TWO_GIB,
    pages_of,
    reason,
    rows,
    written,
)


def test_a_file_made_by_hand_is_read() -> None:
    data = file_of(
        Column([Page(plain("a", "bb", "c"), 3)], 3),
        Column([dictionary(plain("q", "r"), 2), Page(ALL_FIRST, 3, encoding=RLE_DICTIONARY)], 3, name="y"),
        Column([Page(delta_lengths("ab", "cd", "ef"), 3, encoding=DELTA_LENGTH_BYTE_ARRAY)], 3, name="z"),
        Column([Page(delta(0, 3) + delta_lengths("u", "v", "w"), 3, encoding=DELTA_BYTE_ARRAY)], 3, name="p"),
        Column([Page(packing.pack("<3q", 1, 2, 3), 3)], 3, INT64, name="n"),
    )
    assert rows(data) == [["a", "q", "ab", "u", "1"], ["bb", "q", "cd", "v", "2"], ["c", "q", "ef", "w", "3"]]


@pytest.mark.parametrize(
    "page",
    [
        dictionary(plain("a"), 1, compressed=-1),
        dictionary(plain("a"), 1, size=-1),
        dictionary(plain("a"), -1),
        dictionary(plain("a"), TWO_GIB),
        Page(plain("a"), -1),
        Page(plain("a"), 1, compressed=-5),
        Page(b"", 0, kind=1, compressed=-5),
    ],
    ids=["stored", "size", "entries", "more entries than bytes", "values", "data", "index"],
)
@pytest.mark.parametrize("codec", [UNCOMPRESSED, ZSTD])
def test_negative_sizes_are_refused_before_anything_is_read(page: Page, codec: int) -> None:
    data = file_of(Column([page, Page(ALL_FIRST, 3, encoding=RLE_DICTIONARY)], 3, codec=codec))
    with pytest.raises(DamagedHeaderError):
        pages_of(data)
    assert "the data pages are damaged" in reason(data)


def test_the_stored_size_of_a_dictionary_is_limited_too() -> None:
    data = file_of(
        Column(
            [dictionary(plain("a") * 500, 500, compressed=TWO_GIB), Page(ALL_FIRST, 3, encoding=RLE_DICTIONARY)],
            3,
            codec=ZSTD,
        )
    )
    assert pages_of(data).memory(1) > TWO_GIB
    assert "MiB of memory at once" in reason(data)


@pytest.mark.parametrize("codec", [UNCOMPRESSED, ZSTD])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_the_stored_size_of_any_page_is_limited(kind: int, codec: int) -> None:
    page = Page(plain("a"), 1, kind=kind, size=5, compressed=TWO_GIB)
    assert pages_of(file_of(Column([page, Page(plain("a"), 1)], 1, codec=codec))).memory(1) > TWO_GIB


def test_pages_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datalab.ingest.parquet.PARQUET_PAGES", 3)
    column = Column([Page(plain("a"), 1)] * 2, 2)
    assert rows(file_of(column)) == [["a"], ["a"]]
    assert "it has more than 3 pages" in reason(file_of(column, column.named("y")))


def test_a_page_needs_no_object() -> None:
    data = file_of(Column([*[Page(b"", 0)] * 4_000, Page(plain("a"), 1)], 1))
    tracemalloc.start()
    pages = pages_of(data)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pages.rows_at_once() == 1
    assert kept < 4_000 * 40


@pytest.mark.parametrize(
    "header",
    [
        b"\x19" * 5_000,
        b"\x1c" * 5_000,
        b"\x19\xfc" + varint(1 << 60),
        b"\x19\xf1" + varint(2_000) + b"\1" * 2_000,
        b"\x15\x02\x05\x02\x02",
        b"\x15" + varint(1 << 33),
        b"\x05" + varint(1 << 17) + b"\0",
        b"\x1b\0\0",
        b"",
    ],
    ids=["lists", "structs", "items", "too many items", "twice", "wide number", "wide field", "map", "nothing"],
)
def test_headers_that_readers_could_understand_differently_are_damage(header: bytes) -> None:
    with pytest.raises(DamagedHeaderError):
        read_struct(io.BytesIO(header), 0)


def test_lists_in_lists_are_damage_of_the_pages() -> None:
    page = Page(plain("a"), 1)
    data = file_of(Column([page], 1)).replace(page.data(), (b"\x19" * 3_000)[: len(page.data())])
    assert "the data pages are damaged" in reason(data)


@pytest.mark.parametrize("encoding", [DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY])
def test_no_more_lengths_are_unpacked_than_a_page_has_values(encoding: int) -> None:
    content = delta(0, TWO_GIB)
    assert len(content) < 100
    assert "the data pages are damaged" in reason(file_of(Column([Page(content, 3, encoding=encoding)], 3)))
    content = delta(0, 3) + delta(0, TWO_GIB)
    assert "the data pages are damaged" in reason(file_of(Column([Page(content, 3, encoding=DELTA_BYTE_ARRAY)], 3)))


def test_rows_are_read_by_what_they_decode_to() -> None:
    value = "v" * MIB
    data = file_of(
        Column(
            [dictionary(plain(value), 1), Page(b"\1" + varint(60_000 << 1) + b"\0", 60_000, encoding=RLE_DICTIONARY)],
            60_000,
        )
    )
    pages = pages_of(data)
    assert 16 <= pages.rows_at_once() <= 64
    assert pages.memory(pages.rows_at_once()) < 80 * MIB


def test_a_table_is_not_much_longer_than_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datalab.ingest.parquet.PARQUET_TEXT_BYTES", 2 * MIB)
    monkeypatch.setattr("datalab.ingest.parquet.PARQUET_TEXT_RATIO", 1)
    value, count = "v" * 10_000, 1_000
    pages = [dictionary(plain(value), 1), Page(b"\1" + varint(count << 1) + b"\0", count, encoding=RLE_DICTIONARY)]
    data = file_of(Column(pages, count))
    assert "times as long as the file" in reason(data)
    monkeypatch.setattr("datalab.ingest.parquet.PARQUET_TEXT_BYTES", 20 * MIB)
    assert len(rows(data)) == count
    with pytest.raises(FileLevelError):
        list(ParquetMember(io.BytesIO(data)).batches(text_bytes_before=15 * MIB))


def test_the_longest_value_of_a_large_page_is_looked_for() -> None:
    values = ["v" * (MIB // 2) for _ in range(80)]
    data = written(pa.table({"x": values}), use_dictionary=False, data_page_size=100 * MIB, compression="zstd")
    assert 80 <= 2 * pages_of(data).rows_at_once() <= 160
    data = written(pa.table({"x": IDS * 40}), use_dictionary=False, data_page_size=100 * MIB, compression="zstd")
    assert pages_of(data).rows_at_once() == 65_536
    assert pages_of(data).memory(65_536) < 50 * MIB


def test_pages_are_not_much_longer_than_their_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datalab.ingest.parquet.PARQUET_TEXT_BYTES", 2 * MIB)
    padded = plain("a") + bytes(MIB)
    page = Page(pa.compress(padded, "zstd", asbytes=True), 1, size=len(padded))
    assert len(rows(file_of(Column([page], 1, codec=ZSTD)))) == 1
    assert "times as long as the file" in reason(file_of(Column([page] * 8, 8, codec=ZSTD)))


def test_rows_are_limited() -> None:
    count = 1_000_000_001
    pages = [Page(b"\1" + varint(count << 1) + b"\0", count, encoding=RLE_DICTIONARY)]
    assert "more than 1,000,000,000 rows" in reason(file_of(Column(pages, count)))


def long_row(data: bytes | pa.Table) -> int:
    if isinstance(data, pa.Table):
        buffer = io.BytesIO()
        pq.write_table(data, buffer, compression="zstd")
        data = buffer.getvalue()
    member = ParquetMember(io.BytesIO(data))
    with pytest.raises(RecordTooLongError) as failure:
        list(member.batches())
    return member.rows_read + failure.value.offset


def test_a_value_that_is_too_long_is_found_at_its_row() -> None:
    long = "v" * (RECORD_BYTES + 1)
    assert long_row(pa.table({"x": ["a", "b", long, "c"]})) == 2
    assert long_row(file_of(Column([Page(plain(long + "v" * 100), 1)], 1))) == 0


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (1, False)])
def test_the_values_of_a_row_count_together_as_they_would_in_a_csv(spare: int, fits: bool) -> None:
    quoted = '"' * 10
    rest = RECORD_BYTES - (MIB + 2 + 2 * len(quoted)) - 2 + spare
    columns = {"x": ["a", "v" * MIB + quoted], "y": ["b", "w" * rest], "n": [1, 2]}
    # The record is "x",y,n: two separators, the digit of n, two quotes and each quote of x twice.
    columns["y"][1] = columns["y"][1][1:]
    if fits:
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer)
        assert len(rows(buffer.getvalue())) == 2
    else:
        assert long_row(pa.table(columns)) == 1
