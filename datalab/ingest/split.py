"""Cuts decoded text into blocks of whole records, so that blocks can be read in parallel.

The definition of a record is docs/spec/validation.md#7-records: this module only finds where records end;
`datalab.ingest.records` reads them. However a text is made, blocks stay small, and so does what is kept between them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from datalab.ingest import limits
from datalab.ingest.blank import BlankLines
from datalab.ingest.limits import BLOCK_BYTES, BLOCK_RECORDS, RecordTooLongError
from datalab.ingest.quotes import (
    Quoting,
    first_long_record,
    is_regular,
    last_end,
    last_unquoted_end,
    quote_positions,
    quoted_spans,
    quoting_of,
    stretches,
)

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Unicode White_Space: what a blank line may consist of (docs/spec/validation.md#72-line-pass)."""
_ASCII_WHITE_SPACE = b"\t\n\v\f\r "
_WINDOW = 1 << 18
_LAST_SPANS = 4096
"""A record almost always ends behind one of these; if not, all quoted fields are walked a second time."""


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

    Args:
        records: how many records a block has at most, roughly.
        directory: where many blank lines are kept.
    """

    def __init__(self, records: int = BLOCK_RECORDS, directory: Path | None = None) -> None:
        self._records = records
        self._blank = BlankLines(directory)
        self._starts_line = True
        self.is_at_start = True
        """Whether no text was read yet."""

    def close(self) -> None:
        """Free what is kept of blank lines."""
        self._blank.close()

    def begin_inside_line(self) -> None:
        """Treat the first line as not blank."""
        self._starts_line = False

    def split(self, chunks: Iterator[bytes]) -> Iterator[Block]:
        """Yield the blocks of one member; an open quote ends with its member.

        See docs/spec/validation.md#q14-an-open-quote-at-the-end-of-a-zip-member.

        Raises:
            RecordTooLongError: the record behind those yielded is too long.
        """
        parts: list[bytes] = []
        size = tried = lines = 0
        for chunk in chunks:
            for piece, ends in _pieces(chunk, self._records):
                parts.append(piece)
                size += len(piece)
                lines += ends
                # A record longer than a chunk is scanned again only when its length has doubled: linear, not
                # quadratic. What is kept stays small, too: that lines may be records, or that one is too long.
                if size < 2 * tried and size <= limits.RECORD_BYTES and lines < self._records:
                    continue
                data = b"".join(parts)
                end, quoting = cut(data)
                if len(data) > limits.RECORD_BYTES:
                    yield from self._up_to_long_record(data)
                yield from self._blocks(data[:end], quoting)
                parts, size, tried, lines = [data[end:]], len(data) - end, len(data) - end, 0
        data = b"".join(parts)
        if len(data) > limits.RECORD_BYTES:
            yield from self._up_to_long_record(data)
        if data:
            yield from self._blocks(data, quoting_of(data), is_end=True)

    def _up_to_long_record(self, data: bytes) -> Iterator[Block]:
        """Yield the records before one that is too long, then raise; do nothing if all are short enough."""
        start = first_long_record(data)
        if start is None:
            return
        yield from self._blocks(data[:start], quoting_of(data[:start]))
        yield from self._kept_blocks(data[start:])
        raise RecordTooLongError

    def _blocks(self, data: bytes, quoting: Quoting, *, is_end: bool = False) -> Iterator[Block]:
        if not data:
            return
        self.is_at_start = False
        keep = len(data) if is_end and _ends_inside_quotes(data, quoting) else self._end_of_content(data)
        if keep:
            yield from self._kept_blocks(data)
            yield Block(data[:keep], quoting, self._starts_line)
            self._starts_line = data.endswith(b"\n", 0, keep)
        if keep < len(data):
            self._blank.add(data[keep:])

    def _kept_blocks(self, following: bytes) -> Iterator[Block]:
        """Yield the whitespace-only lines that were kept back: text follows, so they are records.

        The last of them may continue in what follows, and is blank only if its rest is.
        """
        goes_on_blank = self._blank.ends_line or _begins_blank(following)
        for is_whole, pieces in groupby(self._blank.release(), key=itemgetter(1)):
            starts_line = is_whole or goes_on_blank
            rest = b""
            for piece, _ in pieces:
                rest += piece
                if end := cut(rest)[0]:
                    yield Block(rest[:end], Quoting.NONE, starts_line)
                    rest = rest[end:]
            if rest:
                yield Block(rest, Quoting.NONE, starts_line)
            self._starts_line = starts_line

    def _end_of_content(self, data: bytes) -> int:
        """Return the end of the last line of `data` that is not blank; 0 if all are."""
        content = len(data.rstrip(_ASCII_WHITE_SPACE))
        if content and data[content - 1] >= 0x80:
            content = len(data.decode().rstrip(WHITE_SPACE).encode())
        if content == 0 and self._starts_line:
            return 0
        newline = data.find(b"\n", content)
        return len(data) if newline < 0 else newline + 1


def _begins_blank(text: bytes) -> bool:
    """Return whether the first line of `text` holds nothing but white space."""
    line = text[: text.find(b"\n") + 1 or len(text)].lstrip(_ASCII_WHITE_SPACE)
    return not line or (line[0] >= 0x80 and not line.decode().strip(WHITE_SPACE))


def _pieces(chunk: bytes, lines: int) -> Iterator[tuple[bytes, int]]:
    """Yield `chunk` in pieces that are not too long and have about `lines` line ends at most, with that number."""
    ends = _line_ends(chunk)
    if len(chunk) < 2 or (len(chunk) <= BLOCK_BYTES and ends <= lines):
        yield chunk, ends
        return
    half = len(chunk) // 2
    yield from _pieces(chunk[:half], lines)
    yield from _pieces(chunk[half:], lines)


def _line_ends(data: bytes) -> int:
    """Return how many lines end in `data`, by LF or by CR, whichever is more frequent; window by window for speed."""
    array = np.frombuffer(data, np.uint8)
    windows = [array[start : start + _WINDOW] for start in range(0, len(array), _WINDOW)]
    found = sum(int(np.count_nonzero(window == 0x0A)) for window in windows)
    if b"\r" in data:
        found = max(found, sum(int(np.count_nonzero(window == 0x0D)) for window in windows))
    return found


def cut(data: bytes) -> tuple[int, Quoting]:
    """Return where the last complete record of `data` ends (0: nowhere) and how the part before is quoted.

    `data` begins at the start of a record and may end anywhere.
    """
    if b'"' not in data:
        # Behind LF if there is one: then the next block begins a line.
        return data.rfind(b"\n") + 1 or last_end(data, 0, len(data)), Quoting.NONE
    quotes = quote_positions(data)
    if is_regular(data, quotes):
        return last_unquoted_end(data, quotes), Quoting.REGULAR
    return _last_irregular_end(data), Quoting.IRREGULAR


def _last_irregular_end(data: bytes) -> int:
    last = deque(quoted_spans(data), maxlen=_LAST_SPANS)
    right = len(data)
    for opening, closing in reversed(last):
        if end := last_end(data, closing + 1, right):
            return end
        right = opening
    if len(last) < _LAST_SPANS:
        return last_end(data, 0, right)
    found = 0
    for left, stop in stretches(data):
        found = last_end(data, left, stop) or found
    return found


def _ends_inside_quotes(data: bytes, quoting: Quoting) -> bool:
    if quoting is not Quoting.IRREGULAR:
        return False
    last = deque(quoted_spans(data), maxlen=1)
    return bool(last) and last[0][1] == len(data)
