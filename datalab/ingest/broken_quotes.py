"""Quotes that are not where a CSV writer puts them: one that is never closed, and those escaped with a backslash.

Only counts leave this module. The rules of quotes are those of docs/spec/validation.md#73-record-parser.
"""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

from datalab.ingest.quotes import quoted_spans

_ESCAPED = re.compile(rb'\\"(?!(?:[,\r\n]|\Z))')
_AFTER_A_FIELD = b",\r\n"


class BrokenQuotes(NamedTuple):
    """The broken quotes of a block."""

    swallowed: int = 0
    """How many quoted fields hold a line break and end in a broken way."""
    first: int = 0
    """The index of the first record with such a field, if there is one."""
    backslashes: int = 0
    """In how many lines a backslash escapes a quote."""


NOT_BROKEN = BrokenQuotes()


def broken_quotes(data: bytes) -> BrokenQuotes:
    """Return what is broken in an irregularly quoted text.

    >>> broken_quotes(b'u1,a\\nu2,"b\\nu3,c\\n')
    BrokenQuotes(swallowed=1, first=1, backslashes=0)
    """
    swallowed, first = 0, None
    for opening, closing in quoted_spans(data):
        if _is_broken(data, closing) and (b"\n" in data[opening:closing] or b"\r" in data[opening:closing]):
            swallowed += 1
            first = opening if first is None else first
    lines = {data.count(b"\n", 0, found.start()) for found in _ESCAPED.finditer(data)} if b'\\"' in data else ()
    return BrokenQuotes(swallowed, 0 if first is None else _index_of(data, first), len(lines))


def _is_broken(data: bytes, closing: int) -> bool:
    """Return whether the text ends inside the quotes, or another character follows the closing one."""
    return closing == len(data) or (closing + 1 < len(data) and data[closing + 1] not in _AFTER_A_FIELD)


def _index_of(data: bytes, position: int) -> int:
    """Return the index of the record in which `position` is."""
    text = io.TextIOWrapper(io.BytesIO(data[:position]), "utf-8", errors="replace", newline="")
    records = sum(bool(record) for record in csv.reader(text))
    return records if position == 0 or data[position - 1] in b"\r\n" else records - 1
