"""Rounding and noise: the only place where counts become what people may see (docs/spec/media.md#6-privacy)."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictInt

from datalab.lab import WireModel

Count = Annotated[StrictInt, Field(ge=0)]
_SCALE = 10.0
"""Of the Laplace distribution."""
_MOST = 0.2
"""Noise changes a count by at most this share of it."""


class Privacy(WireModel):
    """The limits of a room."""

    model_config = ConfigDict(alias_generator=None)

    audience_rounding: Count = 100
    """Counts of audiences are multiples of it."""
    segment_rounding: Count = 50
    """A cell of the insights needs a count that does not round to 0 by it."""
    min_overlap: Count = 100
    """How many matched users the insights of an audience type need."""
    min_export: Count = 100
    """How many users a user list needs."""
    min_training: Count = 100
    """How many users, and how many others, a lookalike audience needs."""
    noise: Literal["off", "laplace"] = "off"
    """Whether noise is added to the counts of insights."""

    def audience(self, count: int) -> int:
        """Return a count of an audience as it is published."""
        return rounded(count, self.audience_rounding)

    def is_empty(self, count: int) -> bool:
        """Return whether a count of an audience is published as 0."""
        return self.audience(count) == 0

    def hides_cell(self, matched: int) -> bool:
        """Return whether a cell of the insights with so many matched users is left out."""
        return rounded(matched, self.segment_rounding) == 0


def rounded(count: int, multiple: int) -> int:
    """Return the nearest multiple, of two the even one; a multiple up to 1 leaves the count.

    >>> [rounded(count, 100) for count in (50, 51, 150, 250)], rounded(7, 1)
    ([0, 100, 200, 200], 7)
    """
    if multiple <= 1:
        return count
    quotient, rest = divmod(count, multiple)
    return (quotient + (2 * rest > multiple or (2 * rest == multiple and quotient % 2 == 1))) * multiple


def ratio(numerator: float, denominator: float) -> float:
    """Return a quotient as it is published, with three digits."""
    return round(numerator / denominator, 3)


Noise = Callable[[int, str, Sequence[str], Sequence[str], str], int]
"""Takes a count, its audience type, columns, cell and name; returns the count to publish."""


def no_noise(count: int, audience_type: str, columns: Sequence[str], cell: Sequence[str], name: str) -> int:
    """Return the count."""
    return count


def laplace(secret: bytes, manifest_hashes: Sequence[str]) -> Noise:
    """Return noise whose only source is a secret and what is counted: the same input gives the same output."""

    def noise(count: int, audience_type: str, columns: Sequence[str], cell: Sequence[str], name: str) -> int:
        counted = json.dumps([list(manifest_hashes), audience_type, list(columns), list(cell), name])
        drawn = hmac.digest(secret, counted.encode(), hashlib.sha256)
        # The middle of one of 2^53 equal parts of (-1/2, 1/2): never an end, whose logarithm is infinite.
        uniform = ((int.from_bytes(drawn[:8], "big") >> 11) + 0.5) / (1 << 53) - 0.5
        shift = -math.copysign(_SCALE, uniform) * math.log(1 - 2 * abs(uniform))
        return round(count + max(-_MOST * count, min(_MOST * count, shift)))

    return noise
