"""Which user and which of their rows a row of a file belongs to: exact numbers, no order; this module makes no text.

Rows are numbered layer by layer: layer 0 holds the first row of every user, layer 1 the second row of those who have
one, and so on. No two rows have the same user and layer, so keys are unique.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from datalab.sample.draw import Positions

_GOLDEN = 0.618


def coprime(number: int, modulus: int) -> int:
    """Return the next number from `number` that has no divisor in common with `modulus`."""
    number = max(number, 1)
    while math.gcd(number, modulus) != 1:
        number += 1
    return number


def scattered(positions: Positions, length: int, share: float = _GOLDEN) -> Positions:
    """Return for each of `positions` below `length` another one: a permutation that leaves no neighbours together.

    >>> scattered(np.arange(7), 7).tolist()
    [0, 4, 1, 5, 2, 6, 3]
    """
    return positions * coprime(round(length * share), length) % length


@dataclass(frozen=True)
class Layers:
    """The rows of `users` users, who have between none and twice the average of them."""

    users: int
    starts: Positions
    """The first row of each layer, and behind them the number of rows."""

    @classmethod
    def of(cls, rows: int, users: int) -> Layers:
        """Return the layers of `rows` rows; no layer is longer than the one before."""
        mean = rows / users
        count = max(math.ceil(2 * mean - 1), 1)
        shares = np.cumsum(np.arange(count, 0, -1)) / (count * (count + 1) / 2)
        starts = np.concatenate([[0], np.floor(shares * rows + 1e-6)]).astype(np.int64)
        return cls(users, starts)

    @property
    def rows(self) -> int:
        return int(self.starts[-1])

    def find(self, rows: Positions) -> tuple[Positions, Positions]:
        """Return the layer of each row, and its position in that layer, which stands for a user."""
        layer = np.searchsorted(self.starts, rows, side="right") - 1
        return layer, rows - self.starts[layer]
