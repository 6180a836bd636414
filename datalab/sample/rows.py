"""The rows of each sample dataset as CSV lines; this module writes no file and no faults."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datalab.id_types import IdType
from datalab.kinds import KINDS, Column, DatasetKind, IdFormat, Kind
from datalab.sample.draw import Bytes, Positions, Words, choose, counts, hexadecimal, shuffled, uniform, words

MOST_DIMENSIONS = 1_024
"""Limit that keeps the lines of a block below 2 GiB, the maximum of an Arrow array of text."""

BLOCK_USERS = 32_768
"""Users drawn together. Another value gives another sample, because each block has exactly its share of the rows."""

ID_TYPES = {
    "hashed_email": IdType.HASHED_EMAIL,
    "maid": IdType.MAID,
    "hashed_phone": IdType.HASHED_PHONE_NUMBER,
    "userId": IdType.STRING,
}
"""The identifiers of a sample lab."""

_NUMBERS_AT_ONCE = 1 << 17
_THOUSANDS = np.frombuffer("".join(f"{n:04d}" for n in range(10_000)).encode(), dtype=np.uint8).reshape(-1, 4)
_UNITS = np.frombuffer("".join(f"{n:03d}" for n in range(1_000)).encode(), dtype=np.uint8).reshape(-1, 3)


@dataclass(frozen=True)
class Dataset:
    """A sample dataset: `rows` rows over `users` users, drawn in blocks of `BLOCK_USERS`."""

    kind: DatasetKind
    seed: int
    users: int
    rows: int
    dimensions: int

    @property
    def declared(self) -> Kind:
        """The declaration of the kind."""
        return KINDS[self.kind]

    @property
    def slots(self) -> list[tuple[str, float]]:
        """The values that distinguish the rows of a user, with weights: those of a column of the key, if any."""
        columns = [column for column in self.declared.columns if _is_drawn_by_slot(self.declared, column)]
        return [*columns[0].sample] if columns else [("", 1.0)]

    @property
    def blocks(self) -> int:
        return -(-self.users // BLOCK_USERS)

    @property
    def most_rows(self) -> int:
        """The maximum number of different rows."""
        return self.users * len(self.slots)

    def rows_before(self, block: int) -> int:
        """Return the number of the first row of `block`."""
        return self.rows * min(block * BLOCK_USERS, self.users) // self.users

    def lines(self, block: int) -> pa.BinaryArray:
        """Return the lines of `block`, each with its line end, in the order of the file."""
        users = self._users(block)
        purpose, weights = self.kind.value, [weight for _, weight in self.slots]
        total = self.rows_before(block + 1) - self.rows_before(block)
        wanted = counts(self.seed, purpose, users, total, len(weights), self.declared.sample.spread)
        user, slot = choose(self.seed, purpose + ":slots", users, wanted, weights)
        # Exports of a warehouse have no order: the rows of a user are not adjacent.
        order = shuffled(self.seed, f"{purpose}:order:{block}", total)
        has_ids = any(column.id_format is IdFormat.NAMED_ID for column in self.declared.columns)
        return (_identifier_lines if has_ids else _lines)(self, users[user[order]], slot[order])

    def _users(self, block: int) -> Words:
        """Return the users of `block`; each dataset has its own order, and its users are only partly in the others."""
        sample = self.declared.sample
        step = max(round(self.users * sample.stride), 1)
        while math.gcd(step, self.users) != 1:
            step += 1
        place = np.arange(block * BLOCK_USERS, min((block + 1) * BLOCK_USERS, self.users), dtype=np.uint64)
        return place * np.uint64(step) % np.uint64(self.users) + np.uint64(int(self.users * sample.shift))


def _identifier_lines(dataset: Dataset, users: Words, slot: Positions) -> pa.BinaryArray:
    seed = dataset.seed
    parts, rows_of_parts = [], []
    for number, (name, _) in enumerate(dataset.slots):
        id_type = ID_TYPES[name]
        rows = np.flatnonzero(slot == number)
        mine = users[rows]
        user = _user_digits(seed, mine)
        # Some households share an address or a device.
        shared = words(seed, f"shared:{number}", mine) % np.uint64(32) == 0
        holder = np.where(shared, mine ^ np.uint64(1), mine)
        digits = [hexadecimal(words(seed, f"id:{number}:{part}", holder)) for part in range(4)]
        if id_type is IdType.STRING:
            value: list[bytes | Bytes] = [b"u-", user]
        elif id_type is IdType.MAID:
            first, second = digits[:2]
            variant = np.frombuffer(b"89ab", dtype=np.uint8)[holder % np.uint64(4)][:, None]
            value = [first[:, :8], b"-", first[:, 8:12], b"-4", first[:, 13:], b"-", variant, second[:, 1:4], b"-"]
            value += [second[:, 4:]]
        else:
            value = list(digits)
        parts.append(_fixed_width(len(rows), b"u-", user, b",", name.encode(), b",", *value, b"\n"))
        rows_of_parts.append(rows)
    place = np.empty(len(users), dtype=np.int64)
    place[np.concatenate(rows_of_parts)] = np.arange(len(users))
    return pa.concat_arrays(parts).take(pa.array(place))


def _lines(dataset: Dataset, users: Words, slot: Positions) -> pa.BinaryArray:
    """Return lines with the cells of the declared columns, then of the numbered ones; the first column is the user."""
    declared = dataset.declared
    parts: list[Any] = [_user_ids(dataset.seed, users)]
    for column in declared.columns[1:]:
        end = "\n" if column is declared.columns[-1] and not declared.numbered else ""
        cells = pa.array([f",{value}{end}".encode() for value, _ in column.sample or ((column.example, 1.0),)])
        if _is_drawn_by_slot(declared, column):
            drawn = slot
        else:
            drawn = _weighted(words(dataset.seed, column.name, users), [weight for _, weight in column.sample])
        parts.append(cells.take(pa.array(drawn)))
    if declared.numbered:
        row = users * np.uint64(len(dataset.slots)) + slot.astype(np.uint64)
        parts += [_numbers(dataset.seed, row, dataset.dimensions), pa.scalar(b"\n")]
    return _joined(*parts)


def _is_drawn_by_slot(declared: Kind, column: Column) -> bool:
    return bool(column.sample) and column.name in declared.key


def _numbers(seed: int, row: Words, dimensions: int) -> pa.BinaryArray:
    """Return `dimensions` numbers with seven decimals per row, each after a comma; bell-shaped around zero."""
    at_once = max(_NUMBERS_AT_ONCE // dimensions, 1)
    starts = range(0, max(len(row), 1), at_once)
    return pa.concat_arrays([_few_numbers(seed, row[start : start + at_once], dimensions) for start in starts])


def _few_numbers(seed: int, row: Words, dimensions: int) -> pa.BinaryArray:
    where = row[:, None] * np.uint64(dimensions) + np.arange(dimensions, dtype=np.uint64)
    word = words(seed, "embedding", where).ravel()
    bell = word.astype("<u8", copy=False).view("<u2").reshape(-1, 4).sum(axis=1, dtype=np.int64) - 131_070
    value = bell * 46 + (word % np.uint64(46)).astype(np.int64)
    negative = value < 0
    thousands, units = np.divmod(np.abs(value), 1_000)
    text = np.empty((len(value), 11), dtype=np.uint8)
    text[:, :4] = np.frombuffer(b",-0.", dtype=np.uint8)
    text[:, 4:8] = _THOUSANDS[thousands]
    text[:, 8:] = _UNITS[units]
    kept = np.ones(text.shape, dtype=bool)
    kept[:, 1] = negative
    ends = np.concatenate([[0], np.cumsum(10 * dimensions + negative.reshape(-1, dimensions).sum(axis=1))])
    return _binary(ends, text[kept])


def _weighted(word: Words, weights: Sequence[float]) -> Positions:
    return np.searchsorted(np.cumsum(weights)[:-1], uniform(word), side="right")


def _user_digits(seed: int, users: Words) -> Bytes:
    return hexadecimal(words(seed, "userId", users))


def _user_ids(seed: int, users: Words) -> pa.BinaryArray:
    return _fixed_width(len(users), b"u-", _user_digits(seed, users))


def _joined(*parts: Any) -> pa.BinaryArray:
    return pc.binary_join_element_wise(*parts, pa.scalar(b""))


def _fixed_width(length: int, *parts: bytes | Bytes) -> pa.BinaryArray:
    """Return lines of equal width; a part is either bytes, repeated in every line, or a matrix with a row per line."""
    columns = [np.frombuffer(part, dtype=np.uint8)[None, :] if isinstance(part, bytes) else part for part in parts]
    width = sum(column.shape[1] for column in columns)
    text = np.empty((length, width), dtype=np.uint8)
    start = 0
    for column in columns:
        text[:, start : start + column.shape[1]] = column
        start += column.shape[1]
    return _binary(np.arange(length + 1) * width, text)


def _binary(ends: npt.NDArray[Any], text: Bytes) -> pa.BinaryArray:
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(text))]
    return pa.Array.from_buffers(pa.binary(), len(ends) - 1, buffers)
