"""What a row of each sample dataset looks like, as CSV lines; nothing here writes a file or spoils a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from datalab.id_types import IdType
from datalab.kinds import DatasetKind
from datalab.sample.draw import Bytes, Positions, Words, choose, counts, hexadecimal, shuffled, uniform, words

MOST_DIMENSIONS = 1_024
"""Keeps the lines of a block below the 2 GiB that an Arrow array of text can hold."""

BLOCK_USERS = 32_768
"""Users drawn together; part of the definition of a sample, because each block has its share of the rows exactly."""

IDENTIFIERS: Sequence[tuple[str, IdType, float]] = (
    ("hashed_email", IdType.HASHED_EMAIL, 1.0),
    ("maid", IdType.MAID, 0.6),
    ("hashed_phone", IdType.HASHED_PHONE_NUMBER, 0.3),
    ("maid", IdType.MAID, 0.2),
    ("hashed_email", IdType.HASHED_EMAIL, 0.12),
    ("userId", IdType.STRING, 0.08),
    ("maid", IdType.MAID, 0.06),
)
"""What a user may be known by: name, type, how likely; a name stands as often as a user may have it."""

SEGMENTS: Sequence[str] = tuple(
    """News & Politics|Sports|Football|Travel|Food & Drink|Movies|Music|Technology|Automotive|Health|Weather
Personal Finance|Family|Home & Garden|Fashion|Video Games|Shopping|Recipes|Fitness|Pets|Real Estate|Careers
Education|Science|Beauty|Television|Celebrities|Local News|Economy|Stock Market|Insurance|Winter Sports
Formula 1|Tennis|Cycling|Running|Hiking|City Trips|Beach Holidays|Camping|Electric Vehicles|Used Cars
Smartphones|Photography|Streaming|Books|Podcasts|Theatre|Museums|Parenting|Weddings|Gardening|DIY
Interior Design|Vegan Cooking|Wine|Coffee|Luxury Watches|Sailing|Horse Riding
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
"""Interests in the manner of the IAB content taxonomy, the most popular first."""

_AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+", "")
_AGE_WEIGHTS = (0.11, 0.17, 0.19, 0.18, 0.16, 0.14, 0.05)
_GENDERS = ("f", "m", "d", "")
_GENDER_WEIGHTS = (0.46, 0.44, 0.02, 0.08)
_SCOPES = ("news", "sport", "video", "shop", "recipes")
_SCOPE_WEIGHTS = (1.0, 0.6, 0.3, 0.2, 0.1)
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
    def blocks(self) -> int:
        return -(-self.users // BLOCK_USERS)

    @property
    def most_rows(self) -> int:
        """How many different rows there can be."""
        return self.users * len(_SHAPES[self.kind].weights)

    def rows_before(self, block: int) -> int:
        """Return the number of the first row of `block`."""
        return self.rows * min(block * BLOCK_USERS, self.users) // self.users

    def lines(self, block: int) -> pa.BinaryArray:
        """Return the lines of `block`, each with its line end, in the order of the file."""
        shape = _SHAPES[self.kind]
        users = self._users(block)
        purpose = self.kind.value
        total = self.rows_before(block + 1) - self.rows_before(block)
        wanted = counts(self.seed, purpose, users, total, len(shape.weights), shape.spread)
        user, slot = choose(self.seed, purpose + ":slots", users, wanted, shape.weights)
        # Exports of a warehouse come in no order: the rows of a user do not stand side by side.
        order = shuffled(self.seed, f"{purpose}:order:{block}", total)
        return shape.lines(self, users[user[order]], slot[order])

    def _users(self, block: int) -> Words:
        """The users of `block`: an order of its own per dataset, and a range that only partly covers the others'."""
        shape = _SHAPES[self.kind]
        step = max(round(self.users * shape.stride), 1)
        while math.gcd(step, self.users) != 1:
            step += 1
        place = np.arange(block * BLOCK_USERS, min((block + 1) * BLOCK_USERS, self.users), dtype=np.uint64)
        return place * np.uint64(step) % np.uint64(self.users) + np.uint64(int(self.users * shape.shift))


@dataclass(frozen=True)
class _Shape:
    """How rows spread over users (`draw.counts`, `draw.choose`) and how they are spelled."""

    weights: Sequence[float]
    spread: float
    stride: float
    shift: float
    lines: Callable[[Dataset, Words, Positions], pa.BinaryArray]


def _identifier_lines(dataset: Dataset, users: Words, slot: Positions) -> pa.BinaryArray:
    seed = dataset.seed
    parts, rows_of_parts = [], []
    for number, (name, id_type, _) in enumerate(IDENTIFIERS):
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


def _segment_lines(dataset: Dataset, users: Words, slot: Positions) -> pa.BinaryArray:
    endings = pa.array([f",{segment}\n".encode() for segment in SEGMENTS])
    return _joined(_user_ids(dataset.seed, users), endings.take(pa.array(slot)))


def _demographics_lines(dataset: Dataset, users: Words, slot: Positions) -> pa.BinaryArray:
    endings = pa.array([f",{age},{gender}\n".encode() for age in _AGES for gender in _GENDERS])
    age = _weighted(words(dataset.seed, "age", users), _AGE_WEIGHTS)
    gender = _weighted(words(dataset.seed, "gender", users), _GENDER_WEIGHTS)
    return _joined(_user_ids(dataset.seed, users), endings.take(pa.array(age * len(_GENDERS) + gender)))


def _embedding_lines(dataset: Dataset, users: Words, slot: Positions) -> pa.BinaryArray:
    row = users * np.uint64(len(_SCOPES)) + slot.astype(np.uint64)
    scopes = pa.array([f",{scope}".encode() for scope in _SCOPES]).take(pa.array(slot))
    numbers = _numbers(dataset.seed, row, dataset.dimensions)
    return _joined(_user_ids(dataset.seed, users), scopes, numbers, pa.scalar(b"\n"))


def _numbers(seed: int, row: Words, dimensions: int) -> pa.BinaryArray:
    """`dimensions` numbers with seven decimals per row, each after a comma; bell-shaped around zero."""
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
    """Lines of one width: bytes stand in every line, a matrix has a row per line."""
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


_SHAPES = {
    DatasetKind.IDENTIFIERS: _Shape([weight for _, _, weight in IDENTIFIERS], 0.5, 0.618, 0.0, _identifier_lines),
    DatasetKind.SEGMENTS: _Shape(
        [1 / (rank + 1) ** 0.8 for rank in range(len(SEGMENTS))], 1.0, 0.414, 0.03, _segment_lines
    ),
    DatasetKind.DEMOGRAPHICS: _Shape([1.0], 0.0, 0.732, 0.05, _demographics_lines),
    DatasetKind.EMBEDDINGS: _Shape(_SCOPE_WEIGHTS, 0.0, 0.236, 0.0, _embedding_lines),
}
