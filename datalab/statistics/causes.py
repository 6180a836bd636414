"""The causes of a lab's state: findings that follow from another are put below it; codes and figures only, no words.

A finding follows from another where the cause table says so for the same subject (docs/spec/portal.md#2-states);
otherwise it stands alone. `datalab.statistics.slots` says what is wrong with which dataset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from datalab.formats import Cell
from datalab.kinds import MATCHING, DatasetKind
from datalab.results.statistics import Finding, StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.statistics.cause import (
    DROPS_OF_DATASET,
    WRONG_KIND,
    Cause,
    Evidence,
    Reason,
    Severity,
)
from datalab.statistics.cause_table import (
    DROPS,
    FILE_PROBLEMS,
    FROM_FILE_PROBLEM,
    GUESSED_ENCODING,
    follows,
    order,
    strength,
)
from datalab.statistics.compare import Comparison

_OF_IDS = frozenset({"NO_MATCHING_IDS", "LOW_MATCHABLE_SHARE", "SHARED_ID"})
"""Findings whose subject is a configured identifier, which may have any name."""
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?%?")
_WITHHELD = "withheld"
"""In the figures of a finding that `shown` has changed."""


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
    single += [*_of_files(known, single)]
    single += [
        Cause(WRONG_KIND, Severity.ERROR, slot.value, slot, tuple(kind.value for kind in _elsewhere(slot, known)))
        for slot in known.looks_like
        if status is None or status.status != "SUCCESS"  # all of its datasets are valid
    ]
    rest = sorted(single, key=strength)
    groups = []
    while rest:
        first, *others = rest
        below = [other for other in others if follows(other, first)]
        groups.append(replace(first, follows=tuple(below)))
        rest = [other for other in others if other not in below]
    return sorted(_drops_together(groups), key=order)


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
    if finding.code in _OF_IDS or finding.code in DROPS:  # names may hold the separator
        subject, _, rest = finding.message.rpartition(": ")
    else:
        subject, _, rest = finding.message.partition(": ")
    if dataset and subject != dataset.value:  # the text of a file error names no dataset
        subject, rest = dataset.value, finding.message
    text, _, limit = rest.partition(" (")
    numbers = _NUMBER.findall(limit)
    place = dataset or _dataset_of(finding.code, subject)
    reason = (known.reasons or {}).get(place) if finding.code in FROM_FILE_PROBLEM else None
    is_missing = finding.code == "NO_MATCHING_IDS" and known.reasons is not None and reason is None
    return Cause(
        code=finding.code,
        severity=severity,
        subject=subject,
        dataset=place,
        figures=() if _WITHHELD in text else tuple(_figure(found) for found in _NUMBER.findall(text)),
        limit=numbers[0] if numbers else "",
        finding=finding,
        reason=reason,
        names=tuple(known.id_formats) if is_missing else (),
        is_of_format=reason is not None and known.id_formats.get(subject) == reason.code,
    )


def _figure(text: str) -> Cell:
    return int(text) if text.isdigit() else text


def _dataset_of(code: str, subject: str) -> DatasetKind:
    """Return the dataset of a subject; configured identifiers, and ids reachable by them, are in identifiers."""
    name = subject.partition(".")[0] if code in DROPS else subject
    return DatasetKind(name) if name in set(DatasetKind) and code not in _OF_IDS else MATCHING


def _size(rows: Cell) -> int:
    """Return a number of rows for comparison; one that is hidden is small."""
    return rows if isinstance(rows, int) else 0


def _of_files(known: Evidence, single: list[Cause]) -> Iterator[Cause]:
    """Yield what is recognised in files, and the hints that explain a finding; other hints are no cause."""
    for dataset in DatasetKind:
        there = {cause.code for cause in single if cause.dataset is dataset}
        recognised, hints = set(known.file_problems.get(dataset, ())), known.hints.get(dataset, {})
        alone = recognised | (hints.keys() & {GUESSED_ENCODING})
        for code in sorted((recognised | (hints.keys() & FILE_PROBLEMS)) - there):
            figures = (hints[code],) if code in hints else ()
            cause = Cause(code, Severity.WARNING, dataset.value, dataset, figures)
            if code in alone or any(follows(other, cause) for other in single):
                yield cause


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


def _drops_together(groups: list[Cause]) -> list[Cause]:
    """Put the drops of one dataset that follow from nothing into one group."""
    kept = [cause for cause in groups if cause.code not in DROPS]
    drops: dict[DatasetKind | None, list[Cause]] = {}
    for cause in groups:
        if cause.code in DROPS:
            drops.setdefault(cause.dataset, []).append(cause)
    for dataset, found in drops.items():
        subject = dataset.value if dataset else found[0].subject
        together = Cause(DROPS_OF_DATASET, Severity.CHANGE, subject, dataset, (len(found),), follows=tuple(found))
        kept += found if len(found) == 1 else [together]
    return kept
