"""The table of causes: which finding follows from which, and which cause is the strongest.

It is that of docs/spec/portal.md#2-states; `datalab.statistics.causes` applies it.
"""

from __future__ import annotations

from datalab.codes import FILE_ERRORS, HINTS
from datalab.kinds import MATCHING, DatasetKind
from datalab.results.status import EMPTY_DATASET
from datalab.statistics.cause import ARRAYS, WIDE, WRONG_KIND, Cause, Severity

GUESSED_ENCODING, HEADER = "GUESSED_ENCODING", "POSSIBLE_HEADER_ROW"

DROPS = frozenset({"HEADLINE_DROP", "HEADLINE_GONE"})

_OTHER_FORMS = (WIDE, ARRAYS)
"""A file whose rows are not those of its kind."""
_OF_FEW_VALUES = ("REPLACED_CHARACTERS", GUESSED_ENCODING, HEADER)
"""What explains a finding only if nothing stronger does."""
_OF_MOST_ROWS = frozenset({*FILE_ERRORS, "POSSIBLE_WRONG_SEPARATOR", *HINTS}) - {
    *_OF_FEW_VALUES,
    "UNKNOWN_ID_NAMES",
    "NULL_WORDS",
    "INVISIBLE_CHARACTERS",
    "FOOTER_ROW",
    "SEPARATOR_LINE",
    "REPEATED_HEADERS",
    "QUOTES_WITH_BACKSLASH",
    "ZERO_IDS",
    "HASHES_OF_NOTHING",
    "PHONES_IN_TWO_FORMS",
    "MIXED_CASE_IDS",
}
FILE_PROBLEMS = _OF_MOST_ROWS.union(_OF_FEW_VALUES)
"""What explains other findings; other hints, which are about a few rows, do not."""

_OVERLAPS = frozenset({"NO_USER_ID_OVERLAP", "LOW_USER_ID_OVERLAP"})
_OF_USERS = _OVERLAPS | {"USERS_NOT_IN_IDENTIFIERS"}
FROM_FILE_PROBLEM = frozenset({"HIGH_INVALID_SHARE", EMPTY_DATASET, "TOO_FEW_SEGMENTS", "NO_MATCHING_IDS", *_OVERLAPS})
_FROM_EMPTY = frozenset({"HIGH_INVALID_SHARE", "NO_MATCHING_IDS", *_OVERLAPS, *DROPS})
_RANKS = (
    WRONG_KIND,
    *_OTHER_FORMS,
    *sorted(_OF_MOST_ROWS),
    *_OF_FEW_VALUES,
    EMPTY_DATASET,
    "NO_USER_ID_OVERLAP",
    "LOW_USER_ID_OVERLAP",
    "NAMES_WITHHELD",
)


def is_of_file(cause: Cause) -> bool:
    """Return whether a cause is a problem of a file that its validation reads all the same."""
    return cause.code in FILE_PROBLEMS or cause.code in _OTHER_FORMS


def strength(cause: Cause) -> tuple[int, int]:
    """Order findings, the strongest first, so that a cause precedes what follows from it."""
    rank = _RANKS.index(cause.code) if cause.code in _RANKS else len(_RANKS)
    return (_kind_order(cause), rank) if rank < len(_RANKS) else (len(DatasetKind), rank)


def _kind_order(cause: Cause) -> int:
    """Identifiers first: they are the cause of what others have not in common with them."""
    return list(DatasetKind).index(cause.dataset) if cause.dataset else len(DatasetKind)


def follows(other: Cause, cause: Cause) -> bool:
    """Return whether `other` follows from `cause`."""
    about_it = other.dataset is cause.dataset
    through_identifiers = cause.dataset is MATCHING and other.code in _OVERLAPS
    if cause.code == WRONG_KIND:
        return about_it or through_identifiers or other.dataset in cause.exchanged
    if cause.code == WIDE:
        return other.code != GUESSED_ENCODING and (about_it or through_identifiers)
    if cause.code == ARRAYS:
        return about_it and other.code not in {GUESSED_ENCODING, HEADER, *_OF_USERS}
    if cause.code in FILE_PROBLEMS:
        if cause.code == HEADER and about_it and other.figures[:1] == (1,):
            return not is_of_file(other)  # the one row that it counts is the header
        return other.code in FROM_FILE_PROBLEM and (about_it or through_identifiers)
    if cause.code == EMPTY_DATASET:
        return other.code in _FROM_EMPTY and (about_it or through_identifiers)
    if cause.code in _OVERLAPS:
        return other.code in DROPS and about_it
    if cause.code == "NAMES_WITHHELD":
        return other.code == "SEGMENT_NAME_TOO_LONG" and about_it
    return False


def order(cause: Cause) -> tuple[int, bool]:
    """Order causes: those of errors first; the strength of the cause keeps its order within."""
    explains = cause.code in (WRONG_KIND, EMPTY_DATASET) or is_of_file(cause)
    return list(Severity).index(cause.worst), not explains
