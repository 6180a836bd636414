"""The numbers by which the findings of one result are named: in the order of the causes, each before what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

from datalab.statistics.cause import Cause


def numbered(causes: Iterable[Cause]) -> list[Cause]:
    """Return the causes with their numbers, from 1."""
    numbers = count(1)
    found = []
    for cause in causes:
        number = next(numbers)
        below = tuple(replace(other, number=next(numbers)) for other in cause.follows)
        found.append(replace(cause, number=number, follows=below))
    return found


def every(causes: Iterable[Cause]) -> Iterator[Cause]:
    """Yield each cause, and what follows from it after it."""
    for cause in causes:
        yield cause
        yield from cause.follows
