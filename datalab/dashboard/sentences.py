"""The words of causes, which `datalab.statistics.causes` computes.

Every code of a finding has a sentence with its figures. Where the figures are withheld, its meaning is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from datalab.codes import FILE_ERRORS, ROW_ERRORS, explain
from datalab.dashboard.short import SHORT
from datalab.dashboard.texts import DATASETS, metric_name
from datalab.formats import Cell, counted, figures_in_text, listed, number, share
from datalab.kinds import MATCHING, DatasetKind
from datalab.statistics.cause import ARRAYS, DROPS_OF_DATASET, WIDE, WRONG_KIND, Cause, Severity

_IDENTIFIERS = DATASETS[MATCHING][0]


def sentence(cause: Cause) -> str:
    """Return what a cause says, as a sentence with its figures and its dataset.

    >>> sentence(Cause("NO_USER_ID_OVERLAP", Severity.ERROR, "segments", DatasetKind.SEGMENTS, (0, 19007)))
    'None of the 19,007 users in Segments is in Identifiers.'
    """
    if cause.code in FILE_ERRORS:
        return f"{_title(cause)} cannot be read: {explain(cause.code).reason}."
    if cause.code in ROW_ERRORS:
        rows = counted(cause.figures[0], "row") if cause.figures and isinstance(cause.figures[0], int) else "Rows"
        are = "is" if rows.startswith("1 ") else "are"
        return f"{rows} of {_title(cause)} {are} invalid, and this Datalab accepts none: {explain(cause.code).reason}."
    words = _SENTENCES.get(cause.code)
    if words is None or len(cause.figures) < words[0]:
        return _without_figures(cause)
    return f"{words[1](cause)}.{_reason(cause)}"


def short(cause: Cause) -> str:
    """Return what to do about a cause, in a line of a list.

    >>> short(Cause("NO_USER_ID_OVERLAP", Severity.ERROR, "segments", DatasetKind.SEGMENTS, (0, 19007)))
    'Fix Segments: no user in common with Identifiers'
    """
    if cause.exchanged:
        return action(cause)
    what = SHORT.get(cause.code) or explain(cause.code).reason
    return f"Fix {_title(cause)}: {what.format(subject=cause.subject)}"


def action(cause: Cause) -> str:
    """Return the words of the button for a cause.

    >>> action(Cause("EMPTY_DATASET", Severity.ERROR, "segments", DatasetKind.SEGMENTS))
    'Replace Segments'
    """
    if cause.exchanged:
        verb = "Swap" if len(cause.exchanged) == 2 else "Exchange"
        return f"{verb} {_titles(cause.exchanged)}"
    return f"Replace {_title(cause)}"


def consequences(cause: Cause) -> str:
    """Return how many findings follow from a cause; empty: none.

    >>> drop = Cause("HEADLINE_DROP", Severity.CHANGE, "segments.valid_rows", DatasetKind.SEGMENTS, (9, 3, "-66.7%"))
    >>> consequences(Cause("NO_USER_ID_OVERLAP", Severity.ERROR, "segments", DatasetKind.SEGMENTS, follows=(drop,)))
    '1 further finding follows from it.'
    """
    if not cause.follows or cause.code == DROPS_OF_DATASET:
        return ""
    verb = "follows" if len(cause.follows) == 1 else "follow"
    return f"{counted(len(cause.follows), 'further finding')} {verb} from it."


def advice(cause: Cause) -> str:
    """Return what to do about a cause, in sentences."""
    if cause.exchanged:
        return "Put each dataset into the slot of its kind."
    if cause.code in _ADVICE:
        return _ADVICE[cause.code]
    if cause.names:
        return f"No row has this id name. Names must match exactly: {', '.join(cause.names)}."
    if cause.reason and cause.is_of_format:
        return explain(cause.reason.code).advice
    return explain("HEADLINE_DROP" if cause.code == DROPS_OF_DATASET else cause.code).advice


def first_error(causes: Iterable[Cause]) -> Cause | None:
    """Return why a lab is not Ready; None: no data error keeps it from being so."""
    return next((cause for cause in causes if cause.worst is Severity.ERROR), None)


def _titles(kinds: Iterable[DatasetKind]) -> str:
    return listed([DATASETS[kind][0] for kind in kinds])


def _title(cause: Cause) -> str:
    return DATASETS[cause.dataset][0] if cause.dataset else cause.subject


def _without_figures(cause: Cause) -> str:
    """Return the meaning of a code, and what its text says beyond the figures; codes of later versions too."""
    words = explain(cause.code)
    text = cause.finding.message.partition(": ")[2] if cause.finding and cause.figures else ""
    return f"{_title(cause)}: {words.reason}{f' ({figures_in_text(text)})' if text else ''}."


def _reason(cause: Cause) -> str:
    if cause.reason is None:
        return ""
    rows = f"{number(cause.reason.rows)} {'row' if cause.reason.rows == 1 else 'rows'}"
    return f" Most frequent reason: {explain(cause.reason.code).reason}, {rows}."


def _of(part: Cell, whole: Cell) -> str:
    """Return a part of a whole in percent.

    >>> _of(1044, 19589)
    '5.3%'
    """
    return share(part / whole) if isinstance(part, int) and isinstance(whole, int) and whole else share(None)


def _usual(cause: Cause) -> str:
    """Return a limit that is a share, in percent."""
    return share(float(cause.limit)).replace(".0%", "%") if cause.limit else ""


def _empty(cause: Cause) -> str:
    if cause.reason is None:
        return f"{_title(cause)} has no valid row"
    return f"No row of {_title(cause)} is valid"


def _no_overlap(cause: Cause) -> str:
    if len(cause.figures) < 2:
        return f"No user in {_title(cause)} is in {_IDENTIFIERS}"
    if cause.figures[1] == 1:
        return f"The only user in {_title(cause)} is not in {_IDENTIFIERS}"
    return f"None of the {_users(cause.figures[1])} in {_title(cause)} is in {_IDENTIFIERS}"


def _wrong_kind(cause: Cause) -> str:
    if len(cause.exchanged) == 2:
        return f"{_titles(cause.exchanged)} are swapped: each is in the slot of the other"
    if cause.exchanged:
        return f"{_titles(cause.exchanged)} are in each other's slots"
    return f"{_title(cause)} holds what looks like {DATASETS[DatasetKind(str(cause.figures[0]))][0]}"


def _low_overlap(cause: Cause) -> str:
    outside, users = cause.figures[:2]
    assert isinstance(outside, int) and isinstance(users, int), "figures that are withheld are none"
    are = "is" if users - outside == 1 else "are"
    return (
        f"Only {number(users - outside)} of {_users(users)} in {_title(cause)} {are} in {_IDENTIFIERS} "
        f"({_of(users - outside, users)})"
    )


def _withheld(cause: Cause) -> str:
    hold, are = (
        ("holds ids of users or is one", "is") if cause.figures[0] == 1 else ("hold ids of users or are ids", "are")
    )
    return f"{_count(cause, 'name')} in {_title(cause)} {hold}, and {are} not shown"


def _fewer(what: str) -> Callable[[Cause], str]:
    def words(cause: Cause) -> str:
        return f"{_title(cause)} has {_count(cause, what)}; at least {number(int(cause.limit))} are needed"

    return words


def _more(what: str) -> Callable[[Cause], str]:
    def words(cause: Cause) -> str:
        return f"{_title(cause)} has {_count(cause, what)}; up to {number(int(cause.limit))} are allowed"

    return words


def _count(cause: Cause, what: str) -> str:
    count = cause.figures[0]
    return counted(count, what) if isinstance(count, int) else f"{count} {what}s"


def _drop(cause: Cause) -> str:
    before, now, relative = cause.figures[:3]
    return f"{_metric(cause)} fell from {number(before)} to {number(now)} ({str(relative).replace('-', '−')})"


def _metric(cause: Cause) -> str:
    dataset, name = metric_name(cause.subject)
    return f"{name} ({dataset})"


_ADVICE = {
    WRONG_KIND: "Replace it by the dataset that belongs here.",
    WIDE: "Write a row for each id: the userId, the name of the identifier, the id.",
    ARRAYS: "Write a row for each segment: the userId, the segment.",
}
"""Of causes that are no finding."""

_SENTENCES: dict[str, tuple[int, Callable[[Cause], str]]] = {
    WRONG_KIND: (1, _wrong_kind),
    WIDE: (0, lambda c: f"{_title(c)} has one row per user, with a column for each identifier"),
    ARRAYS: (0, lambda c: f"{_title(c)} has all segments of a user in one cell, as a JSON array"),
    "EMPTY_DATASET": (0, _empty),
    "NO_MATCHING_IDS": (0, lambda c: f"No valid {c.subject} is left in {_title(c)}"),
    "NO_USER_ID_OVERLAP": (0, _no_overlap),
    "LOW_USER_ID_OVERLAP": (2, _low_overlap),
    "TOO_FEW_SEGMENTS": (1, _fewer("segment")),
    "TOO_MANY_SEGMENTS": (1, _more("segment")),
    "SEGMENT_NAME_TOO_LONG": (
        1,
        lambda c: f"{_title(c)} has {_count(c, 'name')} of more than {number(int(c.limit))} characters",
    ),
    "NAMES_WITHHELD": (1, _withheld),
    "TOO_MANY_AGES": (1, _more("age")),
    "TOO_MANY_GENDERS": (1, _more("gender")),
    "TOO_FEW_EMBEDDINGS": (1, _fewer("column")),
    "TOO_MANY_EMBEDDINGS": (1, _more("column")),
    "USERS_NOT_IN_IDENTIFIERS": (
        2,
        lambda c: (
            f"{number(c.figures[0])} of {_users(c.figures[1])} in {_title(c)} are not in {_IDENTIFIERS} "
            f"({_of(*c.figures[:2])}; up to {_usual(c)} is usual)"
        ),
    ),
    "LOW_MATCHABLE_SHARE": (
        2,
        lambda c: (
            f"{number(c.figures[0])} of {_users(c.figures[1])} can be matched by {c.subject} "
            f"({_of(*c.figures[:2])}; at least {_usual(c)} is usual)"
        ),
    ),
    "SHARED_ID": (
        1,
        lambda c: f"One {c.subject} belongs to {_users(c.figures[0])}; up to {number(int(c.limit))} is usual",
    ),
    "HIGH_INVALID_SHARE": (
        2,
        lambda c: (
            f"{number(c.figures[0])} of {number(c.figures[1])} rows in {_title(c)} are invalid "
            f"({_of(*c.figures[:2])}; up to {_usual(c)} is usual)"
        ),
    ),
    "UNKNOWN_ID_NAME": (1, lambda c: f"{_rows(c)} of {_title(c)} name an id that this Datalab does not know"),
    "USER_ID_MISMATCH": (1, lambda c: f"{_rows(c)} of {_title(c)} hold two different userIds"),
    "EMPTY_EMBEDDINGS": (1, lambda c: f"{_rows(c)} of {_title(c)} have no value at all"),
    "POSSIBLE_HEADER_ROW": (0, lambda c: f"The first row of {_title(c)} looks like a header"),
    "POSSIBLE_WRONG_SEPARATOR": (0, lambda c: f"The columns of {_title(c)} seem not to be separated by commas"),
    "GUESSED_ENCODING": (0, lambda c: f"{_title(c)} is not UTF-8, and its encoding was guessed"),
    "REPLACED_CHARACTERS": (0, lambda c: f"{_title(c)} holds broken characters, which were replaced"),
    "UPPER_CASE_IDS": (0, lambda c: f"{_ids(c)} of {_title(c)} would be valid in lower case"),
    "HEADLINE_DROP": (3, _drop),
    "HEADLINE_GONE": (1, lambda c: f"{_metric(c)} was {number(c.figures[0])} and is no longer in the result"),
    DROPS_OF_DATASET: (1, lambda c: f"{_count(c, 'number')} of {_title(c)} fell since last time"),
}
"""Code → how many figures its sentence needs, and the sentence without its stop."""


def _users(count: Cell) -> str:
    return counted(count, "user") if isinstance(count, int) else f"{count} users"


def _ids(cause: Cause) -> str:
    return _count(cause, "id") if cause.figures else "Ids"


def _rows(cause: Cause) -> str:
    return _count(cause, "row")
