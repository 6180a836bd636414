"""A set of row numbers that needs one bit for each row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datalab.engines import Rows

_WINDOW = 1 << 20


class RowSet:
    """A set of row numbers, one bit for each row up to the largest.

    >>> rows = RowSet()
    >>> rows.add(np.array([3, 70]))
    >>> rows.contains(np.array([2, 3, 70, 500])).tolist(), rows.count, rows.first(1).tolist()
    ([False, True, True, False], 2, [3])
    """

    def __init__(self) -> None:
        self._bits = np.zeros(0, np.uint8)
        self.count = 0

    @classmethod
    def up_to(cls, count: int) -> RowSet:
        """Return the set of all rows from 0 to `count` - 1."""
        rows = cls()
        rows._bits = np.full((count + 7) >> 3, 0xFF, np.uint8)
        if count & 7:
            rows._bits[-1] = (1 << (count & 7)) - 1
        rows.count = count
        return rows

    def add(self, rows: Rows) -> None:
        """Add `rows`, none of which is in the set yet."""
        if not rows.size:
            return
        needed = (int(rows.max()) >> 3) + 1
        if needed > len(self._bits):
            self._bits = np.concatenate([self._bits, np.zeros(max(needed, len(self._bits)), np.uint8)])
        np.bitwise_or.at(self._bits, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))
        self.count += len(rows)

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Return for each of `rows` whether it is in the set."""
        known = (rows >> 3) < len(self._bits)
        found = np.zeros(len(rows), bool)
        found[known] = (self._bits[rows[known] >> 3] >> (rows[known] & 7)) & 1
        return found

    def first(self, count: int) -> Rows:
        """Return the `count` smallest rows."""
        held = np.zeros(0, np.int64)
        for start in range(0, len(self._bits), _WINDOW):
            held = np.concatenate([held, np.flatnonzero(self._bits[start : start + _WINDOW])[:count] + start])
            if len(held) >= count:
                break
        bits = np.unpackbits(self._bits[held], bitorder="little").reshape(-1, 8)
        places, offsets = np.nonzero(bits)
        return (held[places] * 8 + offsets)[:count]
