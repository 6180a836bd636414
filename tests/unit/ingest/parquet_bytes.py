"""Writes Parquet files byte by byte, as no library would; no test is here."""

from __future__ import annotations

import io
import struct as packing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

MAGIC = b"PAR1"
BOOLEAN, INT32, INT64, BYTE_ARRAY = 0, 1, 2, 6
PLAIN, RLE, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, RLE_DICTIONARY = 0, 3, 6, 7, 8
UNCOMPRESSED, BROTLI, ZSTD = 0, 4, 6
UTF8 = 0


class Value(NamedTuple):
    """A value of Thrift's compact protocol."""

    kind: int
    data: bytes


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def zigzag(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else -number * 2 - 1)


def i32(number: int) -> Value:
    return Value(5, zigzag(number))


def i64(number: int) -> Value:
    return Value(6, zigzag(number))


def text(value: str | bytes) -> Value:
    data = value.encode() if isinstance(value, str) else value
    return Value(8, varint(len(data)) + data)


def items(values: Sequence[Value], kind: int | None = None) -> Value:
    """Return a list; `kind` is that of its items, if it has none."""
    kind = values[0].kind if kind is None else kind
    count = len(values)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    return Value(9, head + b"".join(value.data for value in values))


def struct(*fields: tuple[int, Value]) -> Value:
    """Return a struct of (field id, value), ascending."""
    data = bytearray()
    before = 0
    for number, value in fields:
        delta = number - before
        data += bytes([delta << 4 | value.kind]) if 0 < delta < 16 else bytes([value.kind]) + zigzag(number)
        data += value.data
        before = number
    return Value(12, bytes(data) + b"\0")


@dataclass(frozen=True)
class Page:
    """A page: its content as stored, and what its header says of it."""

    content: bytes
    count: int
    kind: int = 0
    encoding: int = PLAIN
    size: int | None = None
    """The size when not compressed; None is that of the content."""
    compressed: int | None = None
    """The stored size; None is the true one."""

    def data(self) -> bytes:
        details = struct((1, i32(self.count)), (2, i32(self.encoding)))
        if self.kind == 0:
            details = struct((1, i32(self.count)), (2, i32(self.encoding)), (3, i32(RLE)), (4, i32(RLE)))
        size = len(self.content) if self.size is None else self.size
        compressed = len(self.content) if self.compressed is None else self.compressed
        header = struct(
            (1, i32(self.kind)), (2, i32(size)), (3, i32(compressed)), (5 if self.kind == 0 else 7, details)
        )
        return header.data + self.content


def dictionary(content: bytes, count: int, size: int | None = None, compressed: int | None = None) -> Page:
    return Page(content, count, kind=2, size=size, compressed=compressed)


@dataclass(frozen=True)
class Column:
    """A required column of one row group."""

    pages: Sequence[Page]
    rows: int
    type: int = BYTE_ARRAY
    codec: int = UNCOMPRESSED
    name: str = "x"

    def named(self, name: str) -> Column:
        return replace(self, name=name)


def schema_element(name: str, *more: tuple[int, Value]) -> Value:
    return struct(*sorted([(4, text(name)), *more]))


def leaf(column: Column) -> Value:
    more = [(1, i32(column.type)), (3, i32(0))]
    if column.type == BYTE_ARRAY:
        more.append((6, i32(UTF8)))
    return schema_element(column.name, *more)


def footer(schema: Sequence[Value], rows: int, groups: Sequence[Value], *more: tuple[int, Value]) -> Value:
    return struct((1, i32(2)), (2, items(schema)), (3, i64(rows)), (4, items(groups, 12)), *more)


def ended(body: bytes, metadata: Value | bytes) -> bytes:
    """Return a file of pages and a footer."""
    data = metadata.data if isinstance(metadata, Value) else metadata
    return body + data + packing.pack("<L", len(data)) + MAGIC


def file_of(*columns: Column) -> bytes:
    """Return a file of one row group."""
    body = io.BytesIO()
    body.write(MAGIC)
    chunks = []
    for column in columns:
        start = body.tell()
        is_first = True
        facts: list[tuple[int, Value]] = []
        for page in column.pages:
            if page.kind == 2:
                facts = [(11, i64(start))]
            elif is_first:
                facts.insert(0, (9, i64(body.tell())))
                is_first = False
            body.write(page.data())
        size = body.tell() - start
        metadata = struct(
            (1, i32(column.type)), (2, items([i32(column.pages[-1].encoding)])), (3, items([text(column.name)])),
            (4, i32(column.codec)), (5, i64(column.rows)), (6, i64(size)), (7, i64(size)), *facts,
        )  # fmt: skip
        chunks.append(struct((2, i64(start)), (3, metadata)))
    group = struct((1, items(chunks)), (2, i64(body.tell())), (3, i64(columns[0].rows)))
    root = schema_element("schema", (5, i32(len(columns))))
    return ended(body.getvalue(), footer([root, *map(leaf, columns)], columns[0].rows, [group]))


def plain(*values: str) -> bytes:
    """Return texts in the encoding PLAIN."""
    return b"".join(packing.pack("<L", len(value.encode())) + value.encode() for value in values)


def delta(first: int, count: int) -> bytes:
    """Return `count` numbers that all are `first` in the encoding DELTA_BINARY_PACKED, in as few blocks as possible."""
    block = 1 << 31
    data = varint(block) + varint(1) + varint(count) + zigzag(first)
    return data + (zigzag(0) + b"\0") * -(-(count - 1) // block)


def delta_lengths(*values: str) -> bytes:
    """Return texts of the same length in the encoding DELTA_LENGTH_BYTE_ARRAY."""
    return delta(len(values[0].encode()), len(values)) + "".join(values).encode()
