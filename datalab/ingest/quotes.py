"""Where the quotes of a text are, and what is outside of them; memory is a few bytes per byte of text at most.

The rules are those of docs/spec/validation.md#73-record-parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from datalab.ingest import limits

Positions = NDArray[np.int32]
"""Positions in a block, ascending."""

_OPENING_QUOTE = re.compile(rb'(?:\A|(?<=[,\r\n]))"')
_CLOSING_QUOTE = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')
_AFTER_A_FIELD = (b"", b",", b"\r", b"\n")
_WINDOW = 1 << 20
_QUOTE, _LF, _CR = 0x22, 0x0A, 0x0D


class Quoting(Enum):
    """How a block is quoted, which decides the reader."""

    NONE = "none"
    """No quote at all."""
    REGULAR = "regular"
    """Every quote opens, closes or doubles where a CSV writer would put it; odd ones are inside."""
    IRREGULAR = "irregular"
    """Anything else; only the exact reader can read it."""


def quoting_of(data: bytes) -> Quoting:
    """Return how `data`, the rest of a text, is quoted; an open quote at its end is irregular."""
    if b'"' not in data:
        return Quoting.NONE
    quotes = quote_positions(data)
    return Quoting.REGULAR if quotes.size % 2 == 0 and is_regular(data, quotes) else Quoting.IRREGULAR


def quote_positions(data: bytes) -> Positions:
    """Return the positions of all quotes."""
    array = np.frombuffer(data, np.uint8)
    parts = [
        np.flatnonzero(array[start : start + _WINDOW] == _QUOTE).astype(np.int32) + np.int32(start)
        for start in range(0, len(array), _WINDOW)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def is_regular(data: bytes, quotes: Positions) -> bool:
    """Return whether counting quotes is enough to find the quoted parts.

    Even quotes must open (behind a separator, or right behind the quote they double), odd ones must close (before a
    separator or the quote that doubles them): then the record parser and the count agree, by induction over the quotes.
    A quote at either end of `data` counts as next to a separator.
    """
    around = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    before = around[quotes[0::2]]
    after = around[quotes[1::2] + np.int32(2)]
    return bool(_SEPARATOR_OR_QUOTE[before].all() and _SEPARATOR_OR_QUOTE[after].all())


_SEPARATOR_OR_QUOTE = np.zeros(256, bool)
_SEPARATOR_OR_QUOTE[list(b',\n\r"')] = True


def outside(positions: Positions, quotes: Positions) -> Positions:
    """Return the `positions` that are outside regular `quotes`."""
    inside = np.searchsorted(quotes, positions) % 2 == 1
    kept: Positions = positions[~inside] if quotes.size else positions
    return kept


def unquoted(array: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Return for every byte of regularly quoted text whether it is outside quotes; None if there are no quotes."""
    quotes = array == _QUOTE
    if not quotes.any():
        return None
    counted = np.add.accumulate(quotes.view(np.uint8), dtype=np.uint8)
    counted &= 1
    outside_quotes: NDArray[np.bool_] = counted == 0
    return outside_quotes


def last_unquoted_end(data: bytes, quotes: Positions) -> int:
    """Return where the last record outside regular `quotes` ends, behind its LF or CR; 0: nowhere."""
    if b"\n" not in data and b"\r" not in data:
        return 0
    right, count = len(data), len(quotes)
    if count % 2:
        right, count = int(quotes[-1]), count - 1
    for stop in range(count, 0, -_QUOTES_AT_ONCE):
        part = quotes[max(0, stop - _QUOTES_AT_ONCE) : stop]
        lefts, rights = part[1::2] + 1, np.append(part[2::2], np.int32(right))
        for gap in np.flatnonzero(rights > lefts)[::-1].tolist():  # quotes side by side leave none
            if end := last_end(data, int(lefts[gap]), int(rights[gap])):
                return end
        right = int(part[0])
    return last_end(data, 0, right)


_QUOTES_AT_ONCE = 8192


def last_end(data: bytes, left: int, right: int) -> int:
    """Return the position behind the last LF or CR of the unquoted stretch from `left` to `right`; 0: it has none.

    A CR at the very end of `data` ends no record yet: an LF may follow.
    """
    newline = data.rfind(b"\n", left, right)
    return max(newline, data.rfind(b"\r", max(left, newline), min(right, len(data) - 1))) + 1


def quoted_spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (opening, closing) quote positions of the quoted fields by the record parser's rules, in order.

    An unterminated field closes at the end of `data`.
    """
    position = 0
    while opening := _OPENING_QUOTE.search(data, position):
        closing = _CLOSING_QUOTE.match(data, opening.end())
        position = closing.end() if closing else len(data)
        yield opening.start(), position - 1 if closing else position


def swallows_line_ends(data: bytes, records: int) -> bool:
    """Return whether a quoted field that holds a line break ends in a broken way.

    It does if the text ends inside the quotes, or if another character than a separator or a line end follows them.
    Where each of the `records` of the text is a line, only the last one can be such a field, and no other is searched.

    >>> swallows_line_ends(b'u1,"a\\nu2,b\\n', 1), swallows_line_ends(b'u1,"a\\nb"c\\n', 1)
    (True, True)
    >>> swallows_line_ends(b'u1,"a\\nb"\\nu2,a"\\n', 2), swallows_line_ends(b'u1,"a"b\\n', 1)
    (False, False)
    """
    if records == _lines(data):
        content = data.rstrip(b"\r\n")
        data = data[max(content.rfind(b"\n"), content.rfind(b"\r")) + 1 :]
    return any(True for _ in swallowing_spans(data))


def swallowing_spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield those of `quoted_spans` that hold a line break and end in a broken way."""
    for opening, closing in quoted_spans(data):
        is_broken = closing == len(data) or data[closing + 1 : closing + 2] not in _AFTER_A_FIELD
        if is_broken and (data.find(b"\n", opening, closing) >= 0 or data.find(b"\r", opening, closing) >= 0):
            yield opening, closing


def _lines(data: bytes) -> int:
    """Return how many lines hold anything, inside quotes too."""
    array = np.frombuffer(b"\n" + data, np.uint8)
    ends = (array == _LF) | (array == _CR)
    return int(np.count_nonzero(ends[:-1] & ~ends[1:]))


def stretches(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the unquoted stretches of `data` begin and end, in order."""
    left = 0
    for opening, closing in quoted_spans(data) if b'"' in data else ():
        yield left, opening
        left = closing + 1
    yield min(left, len(data)), len(data)


def first_long_record(data: bytes) -> int | None:
    """Return where the first record longer than `RECORD_BYTES` begins, None if there is none.

    `data` begins at the start of a record; what is cut off at its end counts as a record.
    """
    start = 0
    for left, right in stretches(data):
        ends = [end for end in (data.find(b"\n", left, right), data.find(b"\r", left, right)) if end >= 0]
        if not ends:
            continue
        if min(ends) - start > limits.RECORD_BYTES:
            return start
        start = min(ends) + 1
        while right - start > limits.RECORD_BYTES:
            behind = _end_within(data, start, start + limits.RECORD_BYTES + 1)
            if not behind:
                return start
            start = behind
        start = _end_within(data, start, right) or start
    return start if len(data) - data.endswith(b"\r") - start > limits.RECORD_BYTES else None


def _end_within(data: bytes, left: int, right: int) -> int:
    return max(data.rfind(b"\n", left, right), data.rfind(b"\r", left, right)) + 1
