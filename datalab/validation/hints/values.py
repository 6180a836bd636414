"""Hints about values of any column: blanks, invisible characters, quotes, and how programs write that there is none."""

from __future__ import annotations

from collections.abc import Iterator

from datalab.kinds import KINDS, MATCHING, ReportForm
from datalab.results.validation import Hint
from datalab.validation.hints.evidence import NEARLY_ALL, Evidence, hint, in_rows
from datalab.validation.marks import INVALID

_WORDS = {
    "BLANKS_AROUND": "Blanks stand around values, which would be valid or known without them, in",
    "QUOTES_IN_VALUES": "Quotes are part of the values in",
    "PYTHON_BYTES": "Values are bytes as Python writes them, b'…', in",
}
_ALWAYS = {
    "INVISIBLE_CHARACTERS": "Invisible characters (zero width, byte order mark or no-break space) are in",
    "NULL_WORDS": "A missing value is written out as a word (NULL, None, nan or \\N) in",
}
"""Marks that no right value has."""
_ID_NAME = KINDS[MATCHING].columns[1].file_name
"""The column of names that a definition has: one that is known without blanks is certainly meant."""
_ID = KINDS[MATCHING].columns[2].file_name
_SOME = 0.1
"""The share of the invalid values of an identifier from which a mark explains them."""


def hints(found: Evidence) -> Iterator[Hint]:
    """Yield the hints about values."""
    for code, seen in (_WORDS | _ALWAYS).items():
        marked = found.about(code)
        if code not in _ALWAYS:
            marked = {about: rows for about, rows in marked.items() if _is(found, code, about)}
        if len(marked) > 1 and any(found.of(INVALID, about) for about in marked):
            marked.pop(_ID, None)  # its identifiers are named
        if marked:
            rows, where = in_rows(marked)
            yield hint(code, rows, f"{seen} {where}.")


def _is(found: Evidence, code: str, about: str) -> bool:
    """Return whether enough values have a mark that a right value can have too."""
    rows, invalid = found.of(code, about), found.of(INVALID, about)
    if invalid and rows >= _SOME * invalid:
        return True
    is_name = found.schema.report_form is ReportForm.IDS and about == _ID_NAME
    return is_name or rows >= NEARLY_ALL * (found.facts.rows - found.odd_widths.total())
