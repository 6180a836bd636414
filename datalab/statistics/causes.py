"""The causes of a lab's state: findings that follow from another are put below it; codes and figures only, no words.

A finding follows from another where the cause table says so for the same subject (docs/spec/portal.md#2-states);
otherwise it stands alone. `datalab.statistics.slots` says what is wrong with which dataset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from datalab.codes import FILE_ERRORS, HINTS
from datalab.formats import Cell
from datalab.kinds import MATCHING, DatasetKind
from datalab.results.statistics import Finding, StatisticsResultV2
from datalab.results.status import EMPTY_DATASET, ValidationStatus
from datalab.statistics.compare import Comparison

WRONG_KIND = "wrong-kind"
"""A dataset is certainly of another kind than its slot: a cause that is no finding, so it has no code."""
DROPS_OF_DATASET = "drops-of-dataset"
"""Several numbers of one dataset fell: one cause, whose consequences are the numbers."""

_FILE_PROBLEMS = frozenset({*FILE_ERRORS, "POSSIBLE_WRONG_SEPARATOR", "POSSIBLE_HEADER_ROW", *HINTS}) - {
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
"""What explains other findings; hints on a few rows do not."""
_DROPS = frozenset({"HEADLINE_DROP", "HEADLINE_GONE"})
_OVERLAPS = frozenset({"NO_USER_ID_OVERLAP", "LOW_USER_ID_OVERLAP"})
_FROM_FILE_PROBLEM = frozenset({"HIGH_INVALID_SHARE", EMPTY_DATASET, "TOO_FEW_SEGMENTS", "NO_MATCHING_IDS", *_OVERLAPS})
_FROM_EMPTY = frozenset({"HIGH_INVALID_SHARE", "NO_MATCHING_IDS", *_OVERLAPS, *_DROPS})
_OF_IDS = frozenset({"NO_MATCHING_IDS", "LOW_MATCHABLE_SHARE", "SHARED_ID"})
"""Findings whose subject is a configured identifier, which may have any name."""
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?%?")
_WITHHELD = "withheld"
"""In the figures of a finding that `shown` has changed."""


class Severity(StrEnum):
    """How severe a finding is; only an error keeps a lab from being Ready."""

    ERROR = "error"
    WARNING = "warning"
    CHANGE = "change"


@dataclass(frozen=True)
class Reason:
    """The most frequent reason for invalid rows of a dataset."""

    code: str
    rows: Cell


@dataclass(frozen=True)
class Cause:
    """A finding, and the findings that follow from it; `number` names it in one result (`numbered`)."""

    code: str
    severity: Severity
    subject: str
    """What the finding is about: a dataset, a configured identifier or a metric."""
    dataset: DatasetKind | None
    """The dataset to correct."""
    figures: tuple[Cell, ...] = ()
    """The figures of the finding, in its order."""
    limit: str = ""
    finding: Finding | None = None
    """None: this cause groups several findings."""
    reason: Reason | None = None
    follows: tuple[Cause, ...] = ()
    number: int = field(default=0, compare=False)

    @property
    def exchanged(self) -> list[DatasetKind]:
        """The datasets that are in each other's slots, if this is the cause."""
        if self.code != WRONG_KIND or len(self.figures) < 2:
            return []
        return [kind for kind in DatasetKind if kind.value in self.figures]

    @property
    def worst(self) -> Severity:
        """The severity of the most severe finding of the group."""
        return min((self, *self.follows), key=lambda cause: list(Severity).index(cause.severity)).severity


@dataclass(frozen=True)
class Evidence:
    """What is known of the datasets of a lab in addition to its findings."""

    reasons: Mapping[DatasetKind, Reason] = field(default_factory=dict)
    """The most frequent reason for invalid rows of each dataset."""
    hints: Mapping[DatasetKind, Sequence[str]] = field(default_factory=dict)
    """Codes of hints of each dataset."""
    looks_like: Mapping[DatasetKind, DatasetKind] = field(default_factory=dict)
    """Slot → the other kind that its dataset certainly has."""


def causes_of(
    status: ValidationStatus | None,
    statistics: StatisticsResultV2 | None = None,
    comparison: Comparison | None = None,
    evidence: Evidence | None = None,
    shown: Callable[[Finding], Finding] = lambda finding: finding,
) -> list[Cause]:
    """Return the causes of a lab's state, the strongest first; the first error is why the lab is not Ready.

    Args:
        status: with the findings of the datasets and, without `statistics`, of the statistics.
        statistics: with its findings; one that the status has too is one cause.
        comparison: with the drops since the previous result.
        evidence: what else is known of the datasets.
        shown: withholds figures of a finding that the reader may not see.
    """
    known = evidence or Evidence()
    found: dict[tuple[str, str], Cause] = {}
    for severity, dataset, finding in _findings(status, statistics, comparison):
        cause = _cause(severity, dataset, shown(finding), known)
        same = found.setdefault((cause.code, cause.subject), cause)
        if len(cause.figures) > len(same.figures):
            found[cause.code, cause.subject] = cause
    single = [*found.values()]
    single += _hinted(known, single)
    single += [
        Cause(WRONG_KIND, Severity.ERROR, slot.value, slot, tuple(kind.value for kind in _elsewhere(slot, known)))
        for slot in known.looks_like
    ]
    rest = sorted(single, key=_strength)
    groups = []
    while rest:
        first, *others = rest
        below = [other for other in others if _follows(other, first)]
        groups.append(replace(first, follows=tuple(below)))
        rest = [other for other in others if other not in below]
    return sorted(_drops_together(groups), key=_place)


def reasons_of(basic_statistics: Mapping[str, Any]) -> dict[DatasetKind, Reason]:
    """Return the most frequent reason for invalid rows per dataset; `basic_statistics` is that part of a report's JSON.

    >>> reasons_of({"segments": {"invalid_rows_by_reason": {"EMPTY_CELL": 2, "DUPLICATE_VALUES": 7}}})
    {<DatasetKind.SEGMENTS: 'segments'>: Reason(code='DUPLICATE_VALUES', rows=7)}
    """
    found = {}
    for kind in DatasetKind:
        rows: Mapping[str, Cell] = (basic_statistics.get(kind.value) or {}).get("invalid_rows_by_reason") or {}
        code = max(rows, key=lambda code: (_size(rows[code]), code), default=None)
        if code and _size(rows[code]):
            found[kind] = Reason(code, rows[code])
    return found


def _findings(
    status: ValidationStatus | None, statistics: StatisticsResultV2 | None, comparison: Comparison | None
) -> Iterator[tuple[Severity, DatasetKind | None, Finding]]:
    """Yield all findings, with the dataset of those whose text does not name it."""
    for name, dataset in status.datasets.items() if status else ():
        kind = DatasetKind(name) if name in set(DatasetKind) else None
        yield from ((Severity.ERROR, kind, finding) for finding in dataset.errors)
    found = statistics or (status.statistics if status else None)
    if found:
        yield from ((Severity.ERROR, None, finding) for finding in found.data_errors)
        yield from ((Severity.WARNING, None, finding) for finding in found.quality_warnings)
    if comparison:
        yield from ((Severity.CHANGE, None, finding) for finding in comparison.warnings)


def _cause(severity: Severity, dataset: DatasetKind | None, finding: Finding, known: Evidence) -> Cause:
    if finding.code in _OF_IDS or finding.code in _DROPS:  # names may hold the separator
        subject, _, rest = finding.message.rpartition(": ")
    else:
        subject, _, rest = finding.message.partition(": ")
    if dataset and subject != dataset.value:  # the text of a file error names no dataset
        subject, rest = dataset.value, finding.message
    text, _, limit = rest.partition(" (")
    numbers = _NUMBER.findall(limit)
    place = dataset or _dataset_of(finding.code, subject)
    return Cause(
        code=finding.code,
        severity=severity,
        subject=subject,
        dataset=place,
        figures=() if _WITHHELD in text else tuple(_figure(found) for found in _NUMBER.findall(text)),
        limit=numbers[0] if numbers else "",
        finding=finding,
        reason=known.reasons.get(place) if finding.code in _FROM_FILE_PROBLEM else None,
    )


def _figure(text: str) -> Cell:
    return int(text) if text.isdigit() else text


def _dataset_of(code: str, subject: str) -> DatasetKind:
    """Return the dataset of a subject; configured identifiers, and ids reachable by them, are in identifiers."""
    name = subject.partition(".")[0] if code in _DROPS else subject
    return DatasetKind(name) if name in set(DatasetKind) and code not in _OF_IDS else MATCHING


def _size(rows: Cell) -> int:
    """Return a number of rows for comparison; one that is hidden is small."""
    return rows if isinstance(rows, int) else 0


def _hinted(known: Evidence, single: list[Cause]) -> list[Cause]:
    """Return the hints that explain a finding, as causes; hints alone are no finding."""
    found = []
    for dataset, codes in known.hints.items():
        for code in set(codes) & _FILE_PROBLEMS - {cause.code for cause in single if cause.dataset is dataset}:
            hint = Cause(code, Severity.WARNING, dataset.value, dataset)
            if any(_follows(cause, hint) for cause in single):
                found.append(hint)
    return sorted(found, key=lambda cause: cause.code)


def _elsewhere(slot: DatasetKind, known: Evidence) -> list[DatasetKind]:
    """Return the kind that the dataset of a slot has; if datasets are in each other's slots, all of these in turn.

    Two swapped slots give each other, then themselves; a dataset that no other one made room for gives its kind alone.
    """
    kinds = [known.looks_like[slot]]
    while kinds[-1] is not slot:
        after = known.looks_like.get(kinds[-1])
        if after is None or after in kinds:
            return kinds[:1]
        kinds.append(after)
    return kinds


def _strength(cause: Cause) -> tuple[int, int, int]:
    """Order findings so that a cause precedes what follows from it."""
    ranks = (
        WRONG_KIND,
        *sorted(_FILE_PROBLEMS),
        EMPTY_DATASET,
        "NO_USER_ID_OVERLAP",
        "LOW_USER_ID_OVERLAP",
        "NAMES_WITHHELD",
    )
    rank = ranks.index(cause.code) if cause.code in ranks else len(ranks)
    return (_kind_order(cause), rank, 0) if rank < len(ranks) else (len(DatasetKind), rank, 0)


def _kind_order(cause: Cause) -> int:
    """Identifiers first: they are the cause of what others have not in common with them."""
    return list(DatasetKind).index(cause.dataset) if cause.dataset else len(DatasetKind)


def _follows(other: Cause, cause: Cause) -> bool:
    """Return whether `other` follows from `cause`."""
    about_it = other.dataset is cause.dataset
    through_identifiers = cause.dataset is MATCHING and other.code in _OVERLAPS
    if cause.code == WRONG_KIND:
        return about_it or through_identifiers or other.dataset in cause.exchanged
    if cause.code in _FILE_PROBLEMS:
        return other.code in _FROM_FILE_PROBLEM and (about_it or through_identifiers)
    if cause.code == EMPTY_DATASET:
        return other.code in _FROM_EMPTY and (about_it or through_identifiers)
    if cause.code in _OVERLAPS:
        return other.code in _DROPS and about_it
    if cause.code == "NAMES_WITHHELD":
        return other.code == "SEGMENT_NAME_TOO_LONG" and about_it
    return False


def _drops_together(groups: list[Cause]) -> list[Cause]:
    """Put the drops of one dataset that follow from nothing into one group."""
    kept = [cause for cause in groups if cause.code not in _DROPS]
    drops: dict[DatasetKind | None, list[Cause]] = {}
    for cause in groups:
        if cause.code in _DROPS:
            drops.setdefault(cause.dataset, []).append(cause)
    for dataset, found in drops.items():
        subject = dataset.value if dataset else found[0].subject
        together = Cause(DROPS_OF_DATASET, Severity.CHANGE, subject, dataset, (len(found),), follows=tuple(found))
        kept += found if len(found) == 1 else [together]
    return kept


def _place(cause: Cause) -> tuple[int, int]:
    """Order causes: those of errors first; the strength of the cause keeps its order within."""
    return list(Severity).index(cause.worst), _explains(cause)


def _explains(cause: Cause) -> int:
    ranked = cause.code == WRONG_KIND or cause.code in _FILE_PROBLEMS or cause.code == EMPTY_DATASET
    return 0 if ranked else 1
