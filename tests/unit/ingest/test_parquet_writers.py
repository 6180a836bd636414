"""What libraries write into Parquet files is read, many rows at once."""

from __future__ import annotations

import io
import struct as packing
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.ingest.parquet_values import decompressed, longest_prefix, longest_text
from datalab.ingest.thrift import DamagedHeaderError, read_struct
from tests.unit.ingest.parquet_bytes import plain
from tests.unit.ingest.parquet_files import (
    IDS,
    LZ4_OF_HADOOP,
    pages_of,
    rows,
    written,
)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_differences_of_texts_are_read_many_at_once(encoding: str, version: str, codec: str) -> None:
    values: list[str | None] = [*IDS[:5_000], None, "", *sorted(IDS[:3_000])]
    table = pa.table({"x": values})
    options = {"use_dictionary": False, "column_encoding": {"x": encoding}, "data_page_size": 20_000}
    data = written(table, compression=codec, data_page_version=version, **options)
    assert [value for [value] in rows(data)] == [value or None for value in values]
    assert pages_of(data).rows_at_once() == len(values)


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zstd"}, {"use_dictionary": False}, {"data_page_version": "2.0"}, {"data_page_size": 4096}],
    ids=["as it is", "zstd", "plain", "version 2", "small pages"],
)
def test_what_writers_write_is_read_many_rows_at_once(options: dict[str, Any]) -> None:
    table = pa.table({"x": IDS, "y": [f"segment {len(value) % 7}" for value in IDS], "n": list(range(len(IDS)))})
    data = written(table, **options)
    assert pages_of(data).rows_at_once() == len(IDS)
    assert len(rows(data)) == len(IDS)


@given(st.lists(st.integers(0, 3) | st.just(2), max_size=9), st.integers(0, 9), st.integers(0, 12))
def test_the_longest_text_is_found(lengths: list[int], more: int, cut: int) -> None:
    texts = [plain("v" * length) for length in lengths]
    assert longest_text(b"".join(texts), len(texts)) == max(lengths, default=0)
    data = b"".join(texts)[: max(0, sum(map(len, texts)) - cut)]
    whole = [length for index, length in enumerate(lengths) if sum(map(len, texts[: index + 1])) <= len(data)]
    assert longest_text(data, len(texts) + more) == max(whole, default=0)


@given(st.lists(st.text("abcü", max_size=12), min_size=1, max_size=300))
def test_repeated_prefixes_are_measured(values: list[str]) -> None:
    texts = [value.encode() for value in values]
    longest = 0
    for before, value in zip([b"", *texts], texts, strict=False):
        same = next(
            (i for i, (a, b) in enumerate(zip(before, value, strict=False)) if a != b), min(len(before), len(value))
        )
        longest = max(longest, same)
    data = written(
        pa.table({"x": pa.array(values)}, pa.schema([pa.field("x", pa.string(), nullable=False)])),
        use_dictionary=False,
        column_encoding={"x": "DELTA_BYTE_ARRAY"},
        compression="none",
    )
    chunk = pq.read_metadata(io.BytesIO(data)).row_group(0).column(0)
    header, length = read_struct(io.BytesIO(data), chunk.data_page_offset)
    content = data[chunk.data_page_offset + length :]
    assert header[1] == 0
    assert longest_prefix(content, len(values)) == longest


def test_blocks_of_hadoop_are_decompressed() -> None:
    content = b"some text " * 50
    block = pa.compress(content, "lz4_raw", asbytes=True)
    framed = packing.pack(">2L", len(content), len(block)) + block
    assert decompressed(framed * 2, LZ4_OF_HADOOP, 2 * len(content)) == 2 * content
    assert decompressed(block, LZ4_OF_HADOOP, len(content)) == content
    with pytest.raises(DamagedHeaderError):
        decompressed(b"no block at all", LZ4_OF_HADOOP, 100)
