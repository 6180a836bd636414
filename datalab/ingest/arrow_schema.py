"""How much memory the schema needs that Arrow keeps in the footer of a Parquet file, before Arrow reads it.

It is a flatbuffer: a name that ten thousand fields share is there once, and in memory ten thousand times.
"""

from __future__ import annotations

import struct

from datalab.ingest.thrift import DamagedHeaderError

_FIELD_BYTES = 600
_TIMESTAMP, _UNION = 10, 14


def arrow_schema_memory(message: bytes) -> int:
    """Return about how many bytes Arrow needs for a schema that is written as a message of Arrow.

    Raises:
        DamagedHeaderError: its parts are longer together than it is: several places share one.
        struct.error: it is cut off.
    """
    begin = 8 if message[:4] == b"\xff\xff\xff\xff" else 4
    return len(message) + _FIELD_BYTES * _Tables(message).fields_of_schema(begin)


class _Tables:
    """Reads the tables of a flatbuffer and counts their bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = len(data)

    def fields_of_schema(self, begin: int) -> int:
        """Return how many fields the schema of the message that begins at `begin` has, inner ones included."""
        message = self._table(begin)
        schema = self._table_at(message, 2)
        if schema is None:
            raise DamagedHeaderError
        self._key_values(schema, 2)
        waiting = self._vector(schema, 1)
        count = 0
        while waiting:
            field = self._table(waiting.pop())
            count += 1
            self._text(field, 0)
            self._key_values(field, 6)
            kind = self._place(field, 2)
            details = self._table_at(field, 3)
            if kind and details is not None and self._data[kind] == _TIMESTAMP:
                self._text(details, 1)
            elif kind and details is not None and self._data[kind] == _UNION:
                self._vector(details, 1)
            waiting += self._vector(field, 5)
        return count

    def _key_values(self, table: int, slot: int) -> None:
        for place in self._vector(table, slot):
            pair = self._table(place)
            self._text(pair, 0)
            self._text(pair, 1)

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise DamagedHeaderError

    def _number(self, form: str, place: int) -> int:
        if place < 0:
            raise DamagedHeaderError
        value: int = struct.unpack_from(form, self._data, place)[0]
        return value

    def _table(self, place: int) -> int:
        """Return where the table begins whose offset is at `place`."""
        table = place + self._number("<I", place)
        self._count(self._number("<H", table - self._number("<i", table) + 2))
        return table

    def _place(self, table: int, slot: int) -> int:
        """Return where the value of a slot is; 0 if there is none."""
        slots = table - self._number("<i", table)
        if 4 + 2 * slot >= self._number("<H", slots):
            return 0
        offset = self._number("<H", slots + 4 + 2 * slot)
        return table + offset if offset else 0

    def _table_at(self, table: int, slot: int) -> int | None:
        place = self._place(table, slot)
        return self._table(place) if place else None

    def _text(self, table: int, slot: int) -> None:
        if place := self._place(table, slot):
            self._count(4 + self._number("<I", place + self._number("<I", place)))

    def _vector(self, table: int, slot: int) -> list[int]:
        """Return where the items of a vector are; each has four bytes."""
        place = self._place(table, slot)
        if not place:
            return []
        vector = place + self._number("<I", place)
        count = self._number("<I", vector)
        self._count(4 + 4 * count)
        return [vector + 4 + 4 * index for index in range(count)]
