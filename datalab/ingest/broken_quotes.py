"""Quotes that are not where a CSV writer puts them: one that is never closed, and those escaped with a backslash.

Only counts leave this module. The rules of quotes are those of docs/spec/validation.md#73-record-parser.
"""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

import numpy as np

from datalab.ingest.quotes import swallowing_spans

_ESCAPED = re.compile(rb'\\"(?!(?:[,\r\n]|\Z))')


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
    swallowing = [opening for opening, _ in swallowing_spans(data)]
    first = _index_of(data, swallowing[0]) if swallowing else 0
    return BrokenQuotes(len(swallowing), first, _lines_with_escapes(data))


def _lines_with_escapes(data: bytes) -> int:
    if b'\\"' not in data:
        return 0
    escapes = [found.start() for found in _ESCAPED.finditer(data)]
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    return np.unique(np.searchsorted(ends, escapes)).size


def _index_of(data: bytes, position: int) -> int:
    """Return the index of the record in which `position` is."""
    text = io.TextIOWrapper(io.BytesIO(data[:position]), "utf-8", errors="replace", newline="")
    records = sum(bool(record) for record in csv.reader(text))
    return records if position == 0 or data[position - 1] in b"\r\n" else records - 1
