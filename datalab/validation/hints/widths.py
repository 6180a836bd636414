"""Hints about the columns of a file: their number, their separator, and their order."""

from __future__ import annotations

from collections.abc import Iterator

from datalab.formats import counted, number
from datalab.ingest.recognise.words import SEPARATOR_NAMES
from datalab.results.validation import Hint
from datalab.validation.hints.evidence import NEARLY_ALL, Evidence, hint
from datalab.validation.marks import INVALID

_MOST_ROWS = 0.75
"""The share of rows with another separator from which it is the separator of the file, whatever the others hold."""
_SOME = 0.1


def hints(found: Evidence) -> Iterator[Hint]:
    """Yield the hints about columns."""
    if found.beginning.has_separator_line:
        yield hint("SEPARATOR_LINE", 1, "The first line is sep=, which only tells a spreadsheet the separator.")
    separators = list(_separators(found))
    yield from separators
    yield from _decimal_commas(found, with_separator=bool(separators))
    if not separators:
        yield from _wrong_width(found)
    yield from _order(found)


def _separators(found: Evidence) -> Iterator[Hint]:
    facts, wrong = found.facts, found.odd_widths.total()
    foreign, rows = facts.foreign_separator_rows, max(1, facts.rows)
    by_width = found.beginning.separator != "," and wrong >= _MOST_ROWS * rows
    if facts.foreign_separator_share > 0.5 or (found.width > 1 and foreign >= _MOST_ROWS * rows) or by_width:
        concerned = wrong if by_width and not foreign >= _MOST_ROWS * rows else foreign
        name = SEPARATOR_NAMES[found.beginning.separator] if found.beginning.separator != "," else "';', tabs or '|'"
        seen = f"In {counted(concerned, 'row')} {name} stand where commas should."
        yield hint("POSSIBLE_WRONG_SEPARATOR", concerned, seen)


def _decimal_commas(found: Evidence, *, with_separator: bool) -> Iterator[Hint]:
    numbered = found.schema.declared.number_of_columns(found.lab)
    in_cells, wrong = found.of("DECIMAL_COMMAS"), found.odd_widths.total()
    if in_cells and in_cells >= _SOME * found.of(INVALID):
        yield hint("DECIMAL_COMMAS", in_cells, f"In {counted(in_cells, 'row')} numbers have a decimal comma.")
    elif found.beginning.has_decimal_commas and with_separator:
        yield hint("DECIMAL_COMMAS", wrong, f"In {counted(wrong, 'row')} numbers have a decimal comma too.")
    elif numbered and _is_split_by_decimals(found):
        rows = found.odd_widths[found.width + numbered]
        seen = f"In {counted(rows, 'row')} a decimal comma splits each number in two columns."
        yield hint("DECIMAL_COMMAS", rows, seen)


def _is_split_by_decimals(found: Evidence) -> bool:
    numbered = found.schema.declared.number_of_columns(found.lab)
    rows = found.odd_widths[found.width + numbered] if numbered else 0
    return found.beginning.has_decimal_commas and rows >= NEARLY_ALL * max(1, found.facts.rows)


def _wrong_width(found: Evidence) -> Iterator[Hint]:
    beginning, rows, expected = found.beginning, found.facts.rows, found.width
    numbered = found.schema.declared.numbered
    if numbered and beginning.has_arrays and found.odd_widths.total() + found.of(INVALID) >= NEARLY_ALL * rows:
        wrong = found.odd_widths.total() + found.of(INVALID)
        seen = f"In {counted(wrong, 'row')} the last cell is an array of numbers in brackets."
        yield hint("ARRAY_IN_CELL", wrong, seen)
        return
    if not found.odd_widths or _is_split_by_decimals(found):
        return
    width, wrong = found.odd_widths.most_common(1)[0]
    if wrong < NEARLY_ALL * rows or (wrong < 2 and rows < 2 and width == 1):
        return
    all_rows = "Every row has" if wrong == rows else f"{number(wrong)} of {counted(rows, 'row')} have"
    texts = expected - found.schema.declared.number_of_columns(found.lab)
    if numbered and width > texts:
        length, wanted = width - texts, expected - texts
        seen = (
            f"{all_rows} {counted(length, 'number')} after the first {texts} columns; the lab's "
            f"{numbered.count_key} is {number(wanted)}.{_which(found)}"
        )
        yield hint("VECTORS_OF_OTHER_LENGTH", wrong, seen)
        return
    yield hint(
        "WRONG_WIDTH",
        wrong,
        f"{all_rows} {counted(width, 'column')} where {number(expected)} {'is' if expected == 1 else 'are'} expected: "
        f"{found.schema.declared.columns_text(found.lab)}.{_which(found)}",
    )


def _which(found: Evidence) -> str:
    """Say which column is too much, if it is known."""
    if found.beginning.counts_rows:
        return " The first column only counts the rows."
    return " The last column is always empty." if found.beginning.has_empty_end else ""


def _order(found: Evidence) -> Iterator[Hint]:
    if found.beginning.order:
        which = ", ".join(f"column {position + 1} holds {name}" for position, name in found.beginning.order)
        expected = found.schema.declared.columns_text(found.lab)
        seen = f"The columns are in another order: {which}; expected are {expected}."
        yield hint("COLUMNS_IN_OTHER_ORDER", found.facts.rows, seen)
