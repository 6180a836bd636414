"""The error codes of whole rows, and the order in which a report lists codes."""

from __future__ import annotations

from collections import Counter

from datalab.kinds import EMPTY_CELL, INVALID_FLOAT_FORMAT

NOT_ENOUGH = "NOT_ENOUGH_COLUMNS_PROVIDED"
TOO_MANY = "TOO_MANY_COLUMNS_PROVIDED"
DUPLICATE_VALUES = "DUPLICATE_VALUES"

_CELLS = (EMPTY_CELL, INVALID_FLOAT_FORMAT)
_ROWS = (NOT_ENOUGH, TOO_MANY, DUPLICATE_VALUES)


def in_order(counts: Counter[str]) -> dict[str, int]:
    """Return the counts that are not 0 in the order of a report: cells, formats of ids from A to Z, whole rows.

    The rule: docs/spec/scale.md#7-exactness-why-both-engines-agree.

    >>> in_order(Counter({DUPLICATE_VALUES: 1, "Z": 2, "B": 1, EMPTY_CELL: 3, "A": 0}))
    {'EMPTY_CELL': 3, 'B': 1, 'Z': 2, 'DUPLICATE_VALUES': 1}
    """
    formats = sorted(counts.keys() - {*_CELLS, *_ROWS})
    return {code: counts[code] for code in (*_CELLS, *formats, *_ROWS) if counts[code]}
