"""Steps about the text and its records: encoding, separator, headers, footer."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.recognise.table import headers
from datalab.ingest.repair.chunk import Chunk, Mask, as_mask, bytes_of, lines_of
from datalab.ingest.repair.step import Change, Look, Step, StepName, touched

_SEPARATOR_LINE = re.compile(r'"?sep=.?"?,?', re.IGNORECASE)
_MOST_HEADERS = 20
_ROWS = r"rows?|row\(s\)|records?|lines?|Zeilen?|Datens[aä]tze?|lignes?|filas?|registros?|righe|rijen"
_FOOTER = (
    rf"(?i)\s*\(?\s*[0-9][0-9.,']*\s+(?:{_ROWS})\b[^\n]{{0,60}}"
    r"|\(?(?:rows?|total|count)[a-z ]{0,20}[:=]?\s*[0-9.,']+\)?"
    r"|(?:SQL|psql|mysql|sqlite)>.{0,60}|Query OK\b.{0,80}|Completion time:.{0,60}|(?:Time|Elapsed):\s*[0-9:.]+.{0,20}"
    r"|\(END\)|--\s.{0,80}"
)
_SHOWN = re.compile(_FOOTER)


def is_footer(line: str) -> bool:
    """Return whether a line is a remark of the program that exported the file.

    >>> is_footer("(120 rows affected)"), is_footer("120 rows in set (0.01 sec)"), is_footer("u1,rows")
    (True, True, False)
    """
    return _SHOWN.fullmatch(line.strip().strip('"')) is not None


def _encoding(look: Look) -> Change | None:
    return _count_foreign if look.facts.encoding_is_guessed else None


def _count_foreign(chunk: Chunk) -> tuple[Chunk, int]:
    found = np.zeros(len(chunk.at), bool)
    for column in chunk.columns:
        if not bytes_of(column).isascii():
            found |= ~as_mask(pc.string_is_ascii(column.fill_null("")))
    return chunk, touched(found) + touched(~as_mask(pc.string_is_ascii(chunk.odd)))


def _separator(look: Look) -> Change | None:
    if look.facts.separator in (None, ","):
        return None
    return lambda chunk: (chunk, len(chunk.at))


def _header(look: Look) -> Change | None:
    if look.facts.separator is None:
        return None
    lines = _in_order(look.chunk)
    marks = [line for line in lines[:1] if look.facts.separator_line and _SEPARATOR_LINE.fullmatch(line)]
    rows = [list(row) for row in zip(*(column.to_pylist() for column in look.columns), strict=True)]
    if marks and rows and lines_of([pa.array([cell], pa.string()) for cell in rows[0]])[0].as_py() in marks:
        rows = rows[1:]
    names: list[list[str]] = []
    while rows and len(names) < _MOST_HEADERS and headers(rows):
        names.append(rows[0])
        rows = [row for row in rows if row != rows[0]]
    if not marks and not names:
        return None
    return lambda chunk: _without_headers(chunk, bool(marks), names)


def _in_order(chunk: Chunk) -> list[str]:
    """Return the first record as a line, if there is one."""
    text = chunk.kept(chunk.at == 0, chunk.odd_at == 0).text().decode()
    return [text.removesuffix("\n")] if text else []


def _without_headers(chunk: Chunk, has_mark: bool, names: list[list[str]]) -> tuple[Chunk, int]:
    rows = np.zeros(len(chunk.at), bool)
    odd = np.zeros(len(chunk.odd), bool)
    if has_mark and chunk.is_first:
        rows |= chunk.at == 0
        odd |= chunk.odd_at == 0
    for record in names:
        rows |= _equal(chunk, record)
    if not rows.any() and not odd.any():
        return chunk, 0
    return replace(chunk.kept(~rows, ~odd), names=_called(names, chunk)), touched(rows) + touched(odd)


def _called(names: list[list[str]], chunk: Chunk) -> tuple[str, ...]:
    return tuple(names[0]) if names and len(names[0]) == len(chunk.columns) else ()


def _equal(chunk: Chunk, record: list[str]) -> Mask:
    """Return which rows have the cells of a record; only the first cell is compared in all of them."""
    found = as_mask(pc.equal(chunk.columns[0], record[0]))
    for number in np.flatnonzero(found):
        found[number] = all(
            (column[int(number)].as_py() or "") == cell for column, cell in zip(chunk.columns, record, strict=True)
        )
    return found


def _footer(look: Look) -> Change | None:
    if look.chunk.is_last:
        return _without_footer if _without_footer(look.chunk)[1] else None
    return _without_footer if look.footer else None


def _without_footer(chunk: Chunk) -> tuple[Chunk, int]:
    """Leave out the last records that are remarks; rows of several columns are none."""
    if not chunk.is_last:
        return chunk, 0
    count = 0
    while chunk.records:
        last = chunk.odd_at[-1] if len(chunk.odd) else -1
        if len(chunk.at) and chunk.at[-1] > last:
            if len(chunk.columns) > 1 or not is_footer(chunk.columns[0][-1].as_py() or ""):
                break
            chunk = chunk.kept(np.arange(len(chunk.at)) < len(chunk.at) - 1)
        else:
            if not is_footer(chunk.odd[-1].as_py()):
                break
            every = np.ones(len(chunk.at), bool)
            chunk = chunk.kept(every, np.arange(len(chunk.odd)) < len(chunk.odd) - 1)
        count += 1
    return chunk, count


STEPS = (
    Step(StepName.ENCODING, "Write the text in UTF-8", _encoding, always=True),
    Step(StepName.SEPARATOR, "Separate the columns by commas", _separator),
    Step(StepName.HEADER, "Leave out the header", _header),
    Step(StepName.FOOTER, "Leave out the remark at the end", _footer),
)
