"""Reads structs of Thrift's compact protocol, which the headers of Parquet pages are; pyarrow does not offer them.

It is strict: what no writer writes (fields out of order, a number beyond its width) is damage, so that no reader may
understand a struct differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

Fields: TypeAlias = "dict[int, int | Fields]"

STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(13)
_FIRST_READ = 1 << 12
_LONGEST = 16 << 20
_DEEPEST = 16
_MOST_ITEMS = 1_000
"""How many fields and items of lists a header has at most; the header of a page has about 20."""


class DamagedHeaderError(Exception):
    """The bytes are no struct, or one that needs more memory than a reader gives."""


class EndError(Exception):
    """A value continues behind the bytes that were read."""


def read_struct(file: BinaryIO, position: int) -> tuple[Fields, int]:
    """Return the struct at `position` and its length in bytes; only numbers of 32 bits, truths and structs are kept.

    Raises:
        DamagedHeaderError: there is none.
    """
    length = _FIRST_READ
    while True:
        file.seek(position)
        data = file.read(length)
        reader = Reader(data, _MOST_ITEMS)
        try:
            return reader.struct(0), reader.position
        except EndError:
            if len(data) < length or length >= _LONGEST:
                raise DamagedHeaderError from None
        length *= 16


def number(fields: Fields, field: int) -> int:
    """Return the whole number of a field, 0 if there is none."""
    value = fields.get(field, 0)
    return value if isinstance(value, int) else 0


def struct_of(fields: Fields, field: int) -> Fields:
    """Return the struct of a field, an empty one if there is none."""
    value = fields.get(field, {})
    return value if isinstance(value, dict) else {}


class Reader:
    """Reads values one after the other.

    Attributes:
        position: the index of the next byte.
    """

    def __init__(self, data: bytes, most_items: int) -> None:
        """Read `data`; more than `most_items` fields and items of lists are damage."""
        self._data = data
        self._left = most_items
        self.position = 0

    def struct(self, depth: int) -> Fields:
        """Read a struct.

        Raises:
            DamagedHeaderError: it is damaged, or nested too deeply.
        """
        fields: Fields = {}
        for field, kind in self.fields(depth):
            if kind == I32:
                fields[field] = self._number32()
            elif kind in (TRUE, FALSE):
                fields[field] = int(kind == TRUE)
            elif kind == STRUCT:
                fields[field] = self.struct(depth + 1)
            else:
                self.skip(kind, depth)
        return fields

    def fields(self, depth: int) -> Iterator[tuple[int, int]]:
        """Yield (id, type) of the fields of a struct; the caller reads each value.

        Raises:
            DamagedHeaderError: the fields do not ascend, or the struct is nested too deeply.
        """
        self._check_depth(depth)
        field = 0
        while head := self._byte():
            before = field
            field = field + (head >> 4) if head >> 4 else _signed(self.varint())
            if not before < field < 1 << 15:
                raise DamagedHeaderError
            self._count(1)
            yield field, head & 0x0F

    def items(self) -> tuple[int, int]:
        """Read the head of a list; return the type of its items and their number."""
        head = self._byte()
        count = head >> 4 if head >> 4 != 15 else self.varint()
        self._count(count)
        return head & 0x0F, count

    def _number32(self) -> int:
        value = self.varint()
        if value >> 32:
            raise DamagedHeaderError
        return _signed(value)

    def binary(self) -> bytes:
        """Read a text or bytes."""
        length = self.varint()
        begun = self.position
        self._advance(length)
        return self._data[begun : self.position]

    def skip(self, kind: int, depth: int) -> None:
        """Skip the value of a field, of type `kind`, in a struct at `depth`."""
        if kind not in (TRUE, FALSE):
            self.skip_item(kind, depth)

    def skip_item(self, kind: int, depth: int) -> None:
        """Skip an item of a list."""
        if kind in (TRUE, FALSE, BYTE):  # as items of a list they take a byte
            self._advance(1)
        elif kind in (I16, I32, I64):
            self.varint()
        elif kind == DOUBLE:
            self._advance(8)
        elif kind == BINARY:
            self._advance(self.varint())
        elif kind in (LIST, SET):
            self._check_depth(depth + 1)
            kind, count = self.items()
            for _ in range(count):
                self.skip_item(kind, depth + 1)
        elif kind == STRUCT:
            for _, inner in self.fields(depth + 1):
                self.skip(inner, depth + 1)
        else:
            raise DamagedHeaderError

    def varint(self) -> int:
        """Read a whole number without sign."""
        value = shift = 0
        while shift < 64:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise DamagedHeaderError

    def _check_depth(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise DamagedHeaderError

    def _count(self, items: int) -> None:
        self._left -= items
        if self._left < 0:
            raise DamagedHeaderError

    def _byte(self) -> int:
        self._advance(1)
        return self._data[self.position - 1]

    def _advance(self, count: int) -> None:
        self.position += count
        if self.position > len(self._data):
            raise EndError


def _signed(value: int) -> int:
    """Undo the zigzag encoding."""
    return (value >> 1) ^ -(value & 1)
