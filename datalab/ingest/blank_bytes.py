"""Counts the bytes of the blank lines of a block of text; `datalab.ingest.split` decides where blocks begin."""

from __future__ import annotations

import re
from itertools import chain

import numpy as np

from datalab.ingest.quotes import Quoting, outside, quote_positions, quoted_spans
from datalab.ingest.split import Block

_BLANK_LINE = re.compile(
    rb"(?:[\t\v\f\r ]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)*+(?:\n|\Z)"
)
_MAY_BEGIN_BLANK_LINE = np.zeros(256, bool)
_MAY_BEGIN_BLANK_LINE[list(b"\t\n\v\f\r \xc2\xe1\xe2\xe3")] = True
_WINDOW = 1 << 20


def blank_bytes(block: Block) -> int:
    """Return the bytes of the lines, outside quotes, that are empty or white space only.

    See docs/spec/validation.md#75-originalfilesizebytes.
    """
    data = block.data
    octets = np.frombuffer(data, np.uint8)
    quotes = spans = None
    if block.quoting is Quoting.REGULAR:
        quotes = quote_positions(data)
    elif block.quoting is Quoting.IRREGULAR:
        spans = np.fromiter(chain.from_iterable(quoted_spans(data)), np.int32).reshape(-1, 2)
    blank = 0
    for window in range(0, len(data), _WINDOW):
        # A line begins at the very start and behind each LF.
        starts = np.flatnonzero(octets[window : min(window + _WINDOW, len(data) - 1)] == 0x0A).astype(np.int32)
        starts += np.int32(window + 1)
        if window == 0 and block.starts_line:
            starts = np.concatenate([np.zeros(1, np.int32), starts])
        starts = starts[_MAY_BEGIN_BLANK_LINE[octets[starts]]]
        if quotes is not None:
            starts = outside(starts, quotes)
        elif spans is not None:
            opened = np.searchsorted(spans[:, 0], starts)
            closed = np.searchsorted(spans[:, 1], starts)
            starts = starts[opened == closed]
        is_empty = octets[starts] == 0x0A
        blank += int(np.count_nonzero(is_empty))
        lines = (_BLANK_LINE.match(data, int(start)) for start in starts[~is_empty])
        blank += sum(len(line[0]) for line in lines if line)
    return blank
