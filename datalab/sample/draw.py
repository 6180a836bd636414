"""Reproducible draws: every random number is a hash of (seed, purpose, position); this module does not know datasets.

There is no generator state, so a row does not depend on what was drawn before it: chunks, threads, the machine and the
version of numpy (whose distributions may change between releases) make no difference.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

_HEX_PAIRS = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint16)
_EXPONENTIAL_UNIT = 1 << 14
# Whole numbers, because the last bit of a logarithm depends on the machine.
_EXPONENTIAL = np.round(-np.log((np.arange(65_536) + 0.5) / 65_536) * _EXPONENTIAL_UNIT).astype(np.uint32)
_SLOT_BITS = 6
MOST_SLOTS = 1 << _SLOT_BITS
_POSITION_BITS = np.uint64(24)


def words(seed: int, purpose: str, positions: npt.NDArray[Any]) -> Words:
    """Return a uniform 64-bit word per position; distinct positions give distinct words (SplitMix64).

    >>> import numpy as np
    >>> words(0, "demo", np.array([1, 2])).tolist() == words(0, "demo", np.array([1, 2, 3])).tolist()[:2]
    True
    """
    start = hashlib.blake2b(f"{seed}:{purpose}".encode(), digest_size=8).digest()
    word = positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    word += np.uint64(int.from_bytes(start, "little"))
    word ^= word >> np.uint64(30)
    word *= np.uint64(0xBF58476D1CE4E5B9)
    word ^= word >> np.uint64(27)
    word *= np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return word


def uniform(word: Words) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) per word."""
    return (word >> np.uint64(11)).astype(np.float64) * np.float64(2.0**-53)


def hexadecimal(word: Words) -> Bytes:
    """Return the 16 lower-case hexadecimal digits of each word, a row of ASCII bytes each."""
    pairs = _HEX_PAIRS[word.astype(">u8").view(np.uint8)]
    return pairs.view(np.uint8).reshape(-1, 16)


def shuffled(seed: int, purpose: str, length: int) -> Positions:
    """Return the positions 0 to `length` - 1 in random order; `length` may be up to 2 ** 24."""
    position = np.arange(length, dtype=np.uint64)
    key = (words(seed, purpose, position) >> _POSITION_BITS << _POSITION_BITS) | position
    key.sort()
    return (key & np.uint64((1 << 24) - 1)).astype(np.int64)


def counts(seed: int, purpose: str, users: Words, total: int, most: int, spread: float) -> Positions:
    """Return the number of rows of each user: `total` together, at most `most` each.

    `spread` is between 0 (every user near the average) and 1 (few users have many rows, many have few or none).
    """
    mean = total / max(len(users), 1)
    size = _EXPONENTIAL[words(seed, purpose + ":size", users) & np.uint64(0xFFFF)] / _EXPONENTIAL_UNIT
    rounding = uniform(words(seed, purpose + ":rounding", users))
    result: Positions = np.floor(mean * ((1 - spread) + spread * size) + rounding).astype(np.int64).clip(0, most)
    for attempt in itertools.count():
        gap = total - int(result.sum())
        if gap == 0:
            break
        open_users = np.flatnonzero(result < most if gap > 0 else result > 0)
        order = shuffled(seed, f"{purpose}:gap:{attempt}:{int(users[0])}", len(open_users))
        result[open_users[order[: abs(gap)]]] += 1 if gap > 0 else -1
    return result


def choose(
    seed: int, purpose: str, users: Words, wanted: Positions, weights: Sequence[float]
) -> tuple[Positions, Positions]:
    """Draw `wanted[i]` different slots for user `i`; a slot with a greater weight is more likely.

    Returns:
        For each drawn pair the position in `users` and the slot, ordered by user.
    """
    slots = len(weights)
    width = -(-slots // 4)
    where = users[:, None] * np.uint64(width) + np.arange(width, dtype=np.uint64)
    parts = words(seed, purpose, where).astype("<u8", copy=False).view("<u2")[:, :slots]
    # Weighted drawing without replacement takes the smallest of exponential times divided by weights. The slot is
    # in the low bits of the key, so that one sort orders the slots and has no ties.
    handicap = np.array([min(round(max(weights) / weight * 4), 255) for weight in weights], dtype=np.uint32)
    keys = (_EXPONENTIAL[parts] * handicap) << np.uint32(_SLOT_BITS) | np.arange(slots, dtype=np.uint32)
    keys.sort(axis=1)
    taken = np.arange(slots) < wanted[:, None]
    slot = (keys[taken] & np.uint32(MOST_SLOTS - 1)).astype(np.int64)
    return np.repeat(np.arange(len(users)), wanted), slot
