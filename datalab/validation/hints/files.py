"""Hints about the whole file: what is no row of it, its quotes and its encoding."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from datalab.formats import counted, number
from datalab.results.validation import Hint
from datalab.validation.hints.evidence import Evidence, hint

_ROWS = r"(?:rows?|records?|lines?|results?|tuples?|zeilen?|datens[aä]tze?|lignes?|filas?|registros?|righe|rijen)"
_NUMBER = r"\d[\d.,' ]*"
_REMARK = re.compile(
    rf"\(?\s*{_NUMBER}\s*{_ROWS}\b.*"
    rf"|(?:total|count|sum|summe|anzahl|gesamt|fetched|selected|returned|exported|unloaded|copy|select)\W*"
    rf"(?:{_ROWS}\W*)?(?:of\W*)?{_NUMBER}(?:\s*{_ROWS})?\.?"
    rf"|{_ROWS}\s*(?:selected|affected|returned|fetched|exported|count)?\s*[:=]\s*{_NUMBER}"
    r"|(?:time|time taken|elapsed|completion time|execution time|query ok|query executed|executed in|took)\b.*"
    r"|-- ?.*|#+ .*|={3,}.*|-{3,}.*|\\\.|\(end\)|end of (?:file|report|data)\W*|eof|(?:commit|set|quit|exit|bye)[;.]?"
    r"|sql>.*|(?:pl/sql|disconnected|statement|command|generated|created|exported|report) .*",
    re.IGNORECASE,
)
_REMARK_LINES = 5


def hints(found: Evidence) -> Iterator[Hint]:
    """Yield the hints about the file."""
    yield from _headers(found)
    yield from _quotes(found)
    yield from _footer(found)
    if found.guessed_encoding:
        yield hint(
            "GUESSED_ENCODING",
            found.facts.rows,
            f"The file is not UTF-8: it was read ({counted(found.facts.rows, 'row')}) as {found.guessed_encoding}, "
            "which is a guess.",
        )
    if found.replaced_characters:
        rows = min(found.replaced_characters, found.facts.rows)
        yield hint(
            "REPLACED_CHARACTERS",
            rows,
            f"{number(found.replaced_characters)} broken characters were replaced, in at most {counted(rows, 'row')}.",
        )


def not_data(found: Evidence) -> Iterator[Hint]:
    """Yield the hint that the file is something else."""
    rows = found.facts.rows
    yield hint("NOT_DATA", rows, f"The file is {found.beginning.not_data}, not rows of {found.title}.")


def _headers(found: Evidence) -> Iterator[Hint]:
    repeated = found.of("REPEATED_HEADERS")
    if repeated <= 1 and (found.facts.first_record_is_header or found.beginning.header):
        yield hint("POSSIBLE_HEADER_ROW", 1, "The first row looks like names of columns and was read as data (1 row).")
    elif repeated:
        seen = f"A header row (names of the columns) stands in {counted(repeated, 'row')} and was read as data."
        yield hint("REPEATED_HEADERS", repeated, seen)


def _quotes(found: Evidence) -> Iterator[Hint]:
    quotes = found.quotes
    if quotes.backslashes:
        seen = f"In {counted(quotes.backslashes, 'line')} a backslash stands before a quote."
        yield hint("QUOTES_WITH_BACKSLASH", quotes.backslashes, seen)
    if quotes.swallowed:
        more = f"; so does {counted(quotes.swallowed - 1, 'other value')}" if quotes.swallowed > 1 else ""
        seen = (
            f"A quote is not closed in row {number(quotes.first + 1)} (row {number(quotes.first)} in the report, which "
            f"counts from 0): its value continues over line breaks and holds the rows behind it{more}."
        )
        yield hint("QUOTE_NOT_CLOSED", quotes.swallowed, seen)


def _footer(found: Evidence) -> Iterator[Hint]:
    """Yield a hint about remarks of the program that exported the file, in its last rows."""
    if not found.tail or found.quotes.swallowed:
        return
    text = found.tail.decode(errors="ignore")
    last = [row for row in csv.reader(io.StringIO(text, newline="")) if row][-_REMARK_LINES:]
    remarks = 0
    for row in reversed(last):
        if len(row) == found.width and found.width > 1 and all(cell.strip() for cell in row[1:]):
            break
        if not _REMARK.fullmatch(",".join(row).strip().strip(",")):
            break
        remarks += 1
    if remarks and remarks < found.facts.rows:
        which = "The last row is" if remarks == 1 else f"The last {remarks} rows are"
        seen = f"{which} a remark of the program that exported the file (a footer such as a row count), not data."
        yield hint("FOOTER_ROW", remarks, seen)
