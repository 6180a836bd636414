"""Cuts decoded text into blocks of whole records, so that blocks can be read in parallel.

The definition of a record is docs/spec/validation.md#7-records: this module only finds where records end;
`datalab.ingest.records` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Unicode White_Space: what a blank line may consist of (docs/spec/validation.md#72-line-pass)."""
_ASCII_WHITE_SPACE = b"\t\n\v\f\r "
_OPENING_QUOTE = re.compile(rb'(?:\A|(?<=[,\r\n]))"')
_CLOSING_QUOTE = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')


class Quoting(Enum):
    """How a block is quoted, which decides the reader."""

    NONE = "none"
    """No quote at all."""
    REGULAR = "regular"
    """Every quote opens, closes or doubles where a CSV writer would put it; odd ones are inside."""
    IRREGULAR = "irregular"
    """Anything else; only the exact reader can read it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records in UTF-8; line ends as in the text."""

    data: bytes
    quoting: Quoting
    starts_line: bool = True
    """False if the block begins behind a single CR, in the middle of a line of the line pass."""


class Splitter:
    """Cuts the members of one text into blocks and keeps whitespace-only lines back until other text follows.

    Lines of white space at the very end of the text are no records (docs/spec/validation.md#72-line-pass); `split` is
    called once per member and keeps them until the next member, or the next chunk, shows that the text continues.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._starts_line = True
        self.is_at_start = True
        """Whether no text was read yet."""

    def begin_inside_line(self) -> None:
        """Treat the first line as not blank."""
        self._starts_line = False

    def split(self, chunks: Iterator[bytes]) -> Iterator[Block]:
        """Yield the blocks of one member; an open quote ends with its member.

        See docs/spec/validation.md#q14-an-open-quote-at-the-end-of-a-zip-member.
        """
        parts: list[bytes] = []
        size = tried = 0
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            # A record longer than a chunk is scanned again only when its length has doubled: linear, not quadratic.
            if size < 2 * tried:
                continue
            data = b"".join(parts)
            end, quoting = cut(data)
            yield from self._blocks(data[:end], quoting)
            parts, size, tried = [data[end:]], len(data) - end, len(data) - end
        data = b"".join(parts)
        if data:
            yield from self._blocks(data, quoting_of(data), is_end=True)

    def _blocks(self, data: bytes, quoting: Quoting, *, is_end: bool = False) -> Iterator[Block]:
        if not data:
            return
        self.is_at_start = False
        keep = len(data) if is_end and _ends_inside_quotes(data, quoting) else self._end_of_content(data)
        if keep:
            yield Block(b"".join([*self._held, data[:keep]]), quoting, self._starts_line)
            self._held = []
            self._starts_line = data.endswith(b"\n", 0, keep)
        if keep < len(data):
            self._held.append(data[keep:])

    def _end_of_content(self, data: bytes) -> int:
        """Return the end of the last line of `data` that is not blank; 0 if all are."""
        content = len(data.rstrip(_ASCII_WHITE_SPACE))
        if content and data[content - 1] >= 0x80:
            content = len(data.decode().rstrip(WHITE_SPACE).encode())
        if content == 0 and self._starts_line:
            return 0
        newline = data.find(b"\n", content)
        return len(data) if newline < 0 else newline + 1


def cut(data: bytes) -> tuple[int, Quoting]:
    """Return where the last complete record of `data` ends (0: nowhere) and how the part before is quoted.

    `data` begins at the start of a record and may end anywhere.
    """
    if b'"' not in data:
        return _last_end(data, len(data)), Quoting.NONE
    quotes = quote_positions(data)
    if _is_regular(data, quotes):
        ends = record_ends(data, quotes)
        # Behind the last byte the next may be LF (of a CRLF) or a quote: the very last byte ends a record only as LF.
        while ends.size and ends[-1] == len(data) - 1 and data[ends[-1]] != 0x0A:
            ends = ends[:-1]
        return (int(ends[-1]) + 1 if ends.size else 0), Quoting.REGULAR
    limit = len(data)
    spans = quoted_spans(data)
    while spans:
        start, end = spans.pop()
        position = _last_end(data, limit)
        if position > end:
            return position, Quoting.IRREGULAR
        limit = start
    return _last_end(data, limit), Quoting.IRREGULAR


def _last_end(data: bytes, limit: int) -> int:
    """Return where the last unquoted record before `limit` ends: behind LF, else behind a single CR."""
    newline = data.rfind(b"\n", 0, limit) + 1
    if newline:
        return newline
    # A CR at the very end may be half of a CRLF.
    return data.rfind(b"\r", 0, min(limit, len(data) - 1)) + 1


def quoting_of(data: bytes) -> Quoting:
    """Return how `data`, the rest of a text, is quoted; an open quote at its end is irregular."""
    if b'"' not in data:
        return Quoting.NONE
    quotes = quote_positions(data)
    return Quoting.REGULAR if quotes.size % 2 == 0 and _is_regular(data, quotes) else Quoting.IRREGULAR


def quote_positions(data: bytes) -> NDArray[np.int64]:
    positions: NDArray[np.int64] = np.flatnonzero(np.frombuffer(data, np.uint8) == 0x22)
    return positions


def _is_regular(data: bytes, quotes: NDArray[np.int64]) -> bool:
    """Return whether counting quotes is enough to find the quoted parts.

    Even quotes must open (behind a separator, or right behind the quote they double), odd ones must close (before a
    separator or the quote that doubles them): then the record parser and the count agree, by induction over the quotes.
    A quote at either end of `data` counts as next to a separator.
    """
    around = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    before = around[quotes[0::2]]
    after = around[quotes[1::2] + 2]
    return bool(_SEPARATOR_OR_QUOTE[before].all() and _SEPARATOR_OR_QUOTE[after].all())


_SEPARATOR_OR_QUOTE = np.zeros(256, bool)
_SEPARATOR_OR_QUOTE[list(b',\n\r"')] = True


def outside(positions: NDArray[np.int64], quotes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the `positions` that are outside regular `quotes`."""
    inside = np.searchsorted(quotes, positions) % 2 == 1
    kept: NDArray[np.int64] = positions[~inside] if quotes.size else positions
    return kept


def record_ends(data: bytes, quotes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of all LF and CR outside regular `quotes` (the LF of a CRLF and blank lines included)."""
    array = np.frombuffer(data, np.uint8)
    ends = array == 0x0A
    if b"\r" in data:
        ends |= array == 0x0D
    return outside(np.flatnonzero(ends), quotes)


def quoted_spans(data: bytes) -> list[tuple[int, int]]:
    """Return (opening, closing) quote positions of the quoted fields by the record parser's rules.

    See docs/spec/validation.md#73-record-parser.

    An unterminated field closes at the end of `data`.
    """
    spans = []
    position = 0
    while opening := _OPENING_QUOTE.search(data, position):
        closing = _CLOSING_QUOTE.match(data, opening.end())
        position = closing.end() if closing else len(data)
        spans.append((opening.start(), position - 1 if closing else position))
    return spans


def _ends_inside_quotes(data: bytes, quoting: Quoting) -> bool:
    if quoting is not Quoting.IRREGULAR:
        return False
    spans = quoted_spans(data)
    return bool(spans) and spans[-1][1] == len(data)
