"""Reads from the footer of a Parquet file where its pages are, and how much memory Arrow needs for the footer.

A column chunk of three bytes becomes an object of 640 in Arrow: the length of a footer says little. What pyarrow offers
of a column chunk ends the process where a byte is wrong, so nothing of it is asked for.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from datalab.ingest.arrow_schema import arrow_schema_memory
from datalab.ingest.limits import PARQUET_FOOTER_BYTES, PARQUET_FOOTER_MEMORY_BYTES
from datalab.ingest.thrift import (
    BINARY,
    BYTE,
    DOUBLE,
    FALSE,
    I16,
    I32,
    I64,
    LIST,
    STRUCT,
    TRUE,
    DamagedHeaderError,
    EndError,
    Reader,
)

_TAIL_BYTES = 8
_ARROW_SCHEMA = b"ARROW:schema"
_SCHEMA, _ROW_GROUPS, _KEY_VALUES = 2, 4, 5
_CHUNKS, _ROWS = 1, 3
_METADATA = 3
_CODEC, _VALUES, _STORED, _DATA_PAGE, _DICTIONARY_PAGE = 4, 5, 7, 9, 11
_COLUMN_BYTES, _GROUP_BYTES, _CHUNK_BYTES, _STRUCT_BYTES, _ITEM_BYTES = 1500, 500, 750, 150, 40
_DEEPEST = 16
_LARGEST_SHIFT = 63
_WHOLE = (I16, I32, I64)


class LargeFooterError(Exception):
    """The footer, or what Arrow makes of it, is larger than any may be."""


class Chunk(NamedTuple):
    """One column of one row group; `codec` is a number, -1 where the footer has none."""

    codec: int
    values: int
    stored: int
    """Bytes of its pages in the file."""
    begin: int
    """Where the first page begins."""


def read_footer(file: BinaryIO) -> Footer:
    """Read the footer of a Parquet file.

    Raises:
        LargeFooterError: it is too large.
        DamagedHeaderError: it cannot be read, or is made to be larger in memory than in the file.
    """
    size = file.seek(0, io.SEEK_END)
    if size < _TAIL_BYTES:
        raise DamagedHeaderError
    file.seek(-_TAIL_BYTES, io.SEEK_END)
    length = int.from_bytes(file.read(4), "little")
    if length > size - _TAIL_BYTES:
        raise DamagedHeaderError
    if length > PARQUET_FOOTER_BYTES:
        raise LargeFooterError
    file.seek(size - _TAIL_BYTES - length)
    try:
        return Footer(file.read(length))
    except (EndError, struct.error, binascii.Error, IndexError):
        raise DamagedHeaderError from None


class Footer:
    """What a footer says of pages.

    Attributes:
        memory: about how many bytes Arrow needs for it.
        rows: how many rows each row group has.
    """

    def __init__(self, data: bytes) -> None:
        """Read a footer; it reads Thrift faster than `thrift` does, as a wide table has ten thousand column chunks."""
        self.memory = 2 * len(data)
        self.rows = array("q")
        self._first_chunks = array("q")
        self._facts = array("q")
        self._data = data
        reader = Reader(data, PARQUET_FOOTER_BYTES)
        for field, kind in reader.fields(0):
            if kind == LIST and field == _SCHEMA:
                reader.position = self._list(reader.position, 1, _COLUMN_BYTES)
            elif kind == LIST and field == _ROW_GROUPS:
                reader.position = self._row_groups(reader.position)
            elif kind == LIST and field == _KEY_VALUES:
                self._key_values(reader)
            elif kind == LIST:
                reader.position = self._list(reader.position, 1, _STRUCT_BYTES)
            else:
                reader.skip(kind, 0)
        self._data = b""

    def chunks(self, group: int) -> Iterator[Chunk]:
        """Yield the column chunks of a row group."""
        ends = [*self._first_chunks[group + 1 : group + 2], len(self._facts) // len(Chunk._fields)]
        for index in range(self._first_chunks[group], ends[0]):
            yield Chunk(*self._facts[index * len(Chunk._fields) : (index + 1) * len(Chunk._fields)])

    def _add(self, size: int) -> None:
        self.memory += size
        if self.memory > PARQUET_FOOTER_MEMORY_BYTES:
            raise LargeFooterError

    def _row_groups(self, at: int) -> int:
        kind, count, at = self._list_head(at)
        self._add(count * _GROUP_BYTES)
        for _ in range(count):
            if kind != STRUCT:
                raise DamagedHeaderError
            self._first_chunks.append(len(self._facts) // len(Chunk._fields))
            facts: dict[tuple[int, int], int] = {}
            at = self._struct(at, 1, facts, chunks=_CHUNKS)
            self.rows.append(_signed(facts.get((_ROWS, I64), 0)))
        return at

    def _chunk(self, at: int) -> int:
        facts: dict[tuple[int, int], int] = {}
        at = self._struct(at, 2, facts, metadata=_METADATA)
        begin = _signed(facts.get((_DATA_PAGE, I64), 0))
        dictionary = _signed(facts.get((_DICTIONARY_PAGE, I64), 0))
        chunk = Chunk(
            _signed(facts.get((_CODEC, I32), 1)),
            _signed(facts.get((_VALUES, I64), 0)),
            _signed(facts.get((_STORED, I64), 0)),
            dictionary if 0 < dictionary < begin else begin,
        )
        self._facts.extend(chunk)
        return at

    def _struct(
        self,
        at: int,
        depth: int,
        facts: dict[tuple[int, int], int] | None = None,
        *,
        chunks: int | None = None,
        metadata: int | None = None,
    ) -> int:
        """Add a struct and return where it ends.

        Args:
            at: where it begins.
            depth: how many structs and lists it is in.
            facts: gets its whole numbers, by field and type.
            chunks: the field that is a list of column chunks.
            metadata: the field whose whole numbers are added to `facts` instead of those of this struct.
        """
        data = self._data
        if depth > _DEEPEST:
            raise DamagedHeaderError
        field = 0
        while head := data[at]:
            at += 1
            kind = head & 0x0F
            if head >> 4:
                field += head >> 4
            else:
                before = field
                field, at = self._varint(at)
                field = _signed(field)
                if field <= before or field >> 15:
                    raise DamagedHeaderError
            if kind in _WHOLE:
                if facts is not None and metadata is None:
                    facts[field, kind], at = self._varint(at)
                else:
                    while data[at] >= 0x80:
                        at += 1
                    at += 1
            elif kind == BINARY:
                size, at = self._varint(at)
                at += size
            elif kind == STRUCT:
                at = self._struct(at, depth + 1, facts if field == metadata else None)
            elif kind == LIST:
                at = self._chunks(at) if field == chunks else self._list(at, depth + 1, _STRUCT_BYTES)
            elif kind in (BYTE, DOUBLE):
                at += 1 if kind == BYTE else 8
            elif kind not in (TRUE, FALSE):
                raise DamagedHeaderError
        return at + 1

    def _chunks(self, at: int) -> int:
        kind, count, at = self._list_head(at)
        self._add(count * _CHUNK_BYTES)
        for _ in range(count):
            if kind != STRUCT:
                raise DamagedHeaderError
            at = self._chunk(at)
        return at

    def _list(self, at: int, depth: int, struct_bytes: int) -> int:
        """Add a list, whose structs need `struct_bytes` each; return where it ends."""
        data = self._data
        kind, count, at = self._list_head(at)
        self._add(count * (struct_bytes if kind == STRUCT else _ITEM_BYTES))
        for _ in range(count):
            if kind == STRUCT:
                at = self._struct(at, depth)
            elif kind in _WHOLE:
                while data[at] >= 0x80:
                    at += 1
                at += 1
            elif kind == BINARY:
                size, at = self._varint(at)
                at += size
            elif kind in (TRUE, FALSE, BYTE, DOUBLE):
                at += 8 if kind == DOUBLE else 1
            else:
                raise DamagedHeaderError
        return at

    def _list_head(self, at: int) -> tuple[int, int, int]:
        """Return the type of the items of a list, their number and where they begin."""
        kind, count = self._data[at] & 0x0F, self._data[at] >> 4
        if count == 15:
            count, at = self._varint(at + 1)
            return kind, count, at
        return kind, count, at + 1

    def _varint(self, at: int) -> tuple[int, int]:
        """Return a whole number without sign and where it ends."""
        value = shift = 0
        while (byte := self._data[at]) >= 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            at += 1
            if shift > _LARGEST_SHIFT:
                raise DamagedHeaderError
        value |= byte << shift
        if value >> 64:
            raise DamagedHeaderError
        return value, at + 1

    def _key_values(self, reader: Reader) -> None:
        kind, count = reader.items()
        self._add(count * _STRUCT_BYTES)
        for _ in range(count):
            if kind != STRUCT:
                raise DamagedHeaderError
            texts = {}
            for field, inner in reader.fields(1):
                if inner == BINARY:
                    texts[field] = reader.binary()
                else:
                    reader.skip(inner, 1)
            if texts.get(1) == _ARROW_SCHEMA:
                self._add(arrow_schema_memory(base64.b64decode(texts.get(2, b""), validate=True)))


def _signed(value: int) -> int:
    """Undo the zigzag encoding."""
    return (value >> 1) ^ -(value & 1)
