"""The records of a text whose separator is not known: they are read with each, and the one that fits is kept."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from datalab.ingest.recognise.facts import MOST

csv.field_size_limit(sys.maxsize)  # a field that is too long is no error here

SEPARATORS = (",", ";", "\t", "|")
"""The comma, which is the right one, and the separators of other dialects."""

_SEPARATOR_LINE = re.compile(r"\A\ufeff?\"?sep=(.?)\"?\r?\n", re.IGNORECASE)
MOST_RECORDS = 20_000
"""How many records are read at most."""

MOST_CELLS = 500_000
"""How many cells are read at most."""

_MOST_LINES = 4 * MOST_RECORDS
_LONGEST_LINE = 1 << 20
_SWALLOWED = 100
"""A field with more lines than this begins with a quote that is never closed."""


@dataclass(frozen=True, slots=True)
class Split:
    """A text read with one separator."""

    separator: str
    records: list[list[str]]
    width: int
    """The most frequent number of columns."""
    share: float
    """The share of records that have it."""

    @property
    def fits(self) -> bool:
        return self.width > 1 and self.share >= MOST

    def rows(self) -> list[list[str]]:
        """Return the records of the right width."""
        return [record for record in self.records if len(record) == self.width]


def split(text: str, *, is_whole: bool) -> tuple[Split, bool]:
    """Read the records of a text; return them and whether its first line says `sep=`.

    Args:
        text: the text, or its beginning.
        is_whole: whether it ends where the file ends; if not, the last record is left out.
    """
    line = _SEPARATOR_LINE.match(text)
    text = text[line.end() :] if line else text.removeprefix("\ufeff")
    text = text.lstrip("\r\n")
    best = _read(text, ",", is_whole=is_whole)
    for separator in SEPARATORS[1:]:
        if separator in text:
            other = _read(text, separator, is_whole=is_whole)
            if other.fits and not _is_in_ids(other) and (not best.fits or _comes_first(other, best)):
                best = other
    return best, line is not None


def _is_in_ids(split: Split) -> bool:
    """Return whether what is separated is a prefix that user ids share, such as `auth0|5f3e`."""
    rows = split.rows()
    return split.separator == "|" and 10 * len({row[0] for row in rows}) < len(rows)


def _comes_first(other: Split, best: Split) -> bool:
    """Return whether the separator of `other` is the first one in nearly all records.

    User ids can contain bars, so that a bar must also make more columns than a comma.
    """
    if other.separator == "|" and other.width <= best.width:
        return False
    rows = best.rows()
    return sum(other.separator in row[0] for row in rows) >= MOST * len(rows)


def _read(text: str, separator: str, *, is_whole: bool) -> Split:
    records, at_end = _records(text, separator, csv.QUOTE_MINIMAL)
    if any(field.count("\n") > _SWALLOWED for record in records[-1:] for field in record):
        records, at_end = _records(text, separator, csv.QUOTE_NONE)
    if at_end and not is_whole and len(records) > 1:
        records.pop()
    widths = Counter(map(len, records)).most_common(1)
    width, count = widths[0] if widths else (0, 0)
    return Split(separator, records, width, count / max(1, len(records)))


def _records(text: str, separator: str, quoting: int) -> tuple[list[list[str]], bool]:
    """Return the records that are not blank, and whether the last one may end with the text."""
    lines = (line[:_LONGEST_LINE] for line in islice(io.StringIO(text, newline=""), _MOST_LINES))
    records: list[list[str]] = []
    cells = 0
    for record in csv.reader(lines, delimiter=separator, quoting=quoting):  # type: ignore[arg-type]
        if len(record) > 1 or (record and record[0].strip()):
            records.append(record)
            cells += len(record)
            if len(records) >= MOST_RECORDS or cells >= MOST_CELLS:
                return records, False
    return records, True
