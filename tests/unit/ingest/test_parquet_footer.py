"""Nothing that the footer of a Parquet file says decides how much memory is used."""

from __future__ import annotations

import io
import struct as packing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.ingest.arrow_schema import arrow_schema_memory
from datalab.ingest.parquet_footer import LargeFooterError, read_footer
from datalab.ingest.thrift import DamagedHeaderError
from tests.unit.ingest.parquet_bytes import (
    MAGIC,
    Value,
    ended,
    footer,
    i32,
    i64,
    items,
    schema_element,
    struct,
    text,
    varint,
)
from tests.unit.ingest.parquet_files import (
    reason,
)


def chunks(count: int) -> Value:
    return items([struct((2, i64(0)))] * count)


def footer_file(*, columns: int = 1, count: int = 0, more: tuple[tuple[int, Value], ...] = ()) -> bytes:
    schema = [schema_element("s", (5, i32(columns))), *[schema_element("", (1, i32(2)))] * columns]
    group = [struct((1, chunks(count)), (2, i64(1)), (3, i64(1)))] if count else []
    return ended(MAGIC, footer(schema, 1, group, *more))


@pytest.mark.parametrize(
    "data",
    [
        footer_file(count=700_000),
        footer_file(columns=300_000),
        footer_file(more=((5, items([struct((1, text("")))] * 3_000_000)),)),
    ],
    ids=["chunks", "columns", "key values"],
)
def test_footers_that_become_large_in_memory_are_refused(data: bytes) -> None:
    with pytest.raises(LargeFooterError):
        read_footer(io.BytesIO(data))
    assert "its footer is too large" in reason(data)


@pytest.mark.parametrize(
    "metadata",
    [
        b"\x19\xfc" + varint(1 << 40) + b"\0" * 70_000,
        b"\x1c" * 70_000,
        b"\x19" * 70_000,
        b"\x18" + varint(1 << 40) + b"\0" * 70_000,
        b"\x05\x03" * 70_000,
        b"\x15\x02" * 70_000,
    ],
    ids=["items", "structs", "lists", "text", "fields", "end"],
)
def test_damaged_footers_are_refused(metadata: bytes) -> None:
    with pytest.raises((DamagedHeaderError, LargeFooterError)):
        read_footer(io.BytesIO(ended(MAGIC, metadata)))
    reason(ended(MAGIC, metadata))


def test_footers_are_measured_as_writers_write_them() -> None:
    table = pa.table(
        {
            "a": ["x"],
            "b": pa.array([1], pa.timestamp("ms", "Europe/Zurich")),
            "c": pa.array(["q"]).dictionary_encode(),
            "d": pa.array([[1]]),
            "e": pa.array([{"a": 1, "b": "x"}]),
            "f": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        }
    ).replace_schema_metadata({"pandas": "{}", "more": "x" * 100})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    assert 10_000 < read_footer(buffer).memory < 100_000


def test_a_name_that_many_fields_share_is_damage() -> None:
    """The parts of a schema in the metadata are longer together than the schema is."""
    schema = pa.schema([pa.field(f"column{number:05}", pa.string()) for number in range(50)])
    message = bytearray(schema.serialize())
    assert arrow_schema_memory(bytes(message)) > 50 * 600
    shared = message.index(b"column00000") - 4
    for number in range(1, 50):
        name = message.index(b"column%05d" % number) - 4
        for place in range(len(message) - 4):
            if place + packing.unpack_from("<I", message, place)[0] == name:
                packing.pack_into("<I", message, place, (shared - place) % (1 << 32))
    packing.pack_into("<I", message, shared, 400)
    with pytest.raises((DamagedHeaderError, packing.error)):
        arrow_schema_memory(bytes(message))
