"""How many rows have each mark."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

INVALID = "invalid"
"""In place of a code: the invalid values of an identifier, or the rows with an invalid number."""


class Mark(NamedTuple):
    """What a count is about."""

    code: str
    """The code of the hint."""
    about: str = ""
    """The name of an identifier or a column; empty: the rows of the file."""


Counts = Counter[Mark]
"""Mark → number of rows; a row counts once for each mark."""

FORMS = ("first form", "second form")
"""In place of codes: the two forms in which valid ids of a type may be written."""
