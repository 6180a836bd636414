"""The state of each slot of a lab, and how much of a file is valid; codes and counts only, no words.

The states: docs/spec/portal.md#2-states. Nothing is good over data that cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from datalab.kinds import DatasetKind
from datalab.results.status import ValidationStatus
from datalab.statistics.cause import WRONG_KIND, Cause, Severity

_FEW_INVALID, _MOST_INVALID = 0.5, 0.05
"""Shares of invalid rows from which a file is nearly useless, and from which it needs a look."""


class SlotState(StrEnum):
    """The state of a slot of a lab, from what is known of its dataset."""

    EMPTY = "empty"
    WRONG_KIND = "wrong-kind"
    NOT_VALIDATED = "not-validated"
    CHECKING = "checking"
    GOOD = "good"
    WARNINGS = "warnings"
    PROBLEM = "problem"


class RowsState(StrEnum):
    """How much of a file is valid."""

    FAILED = "FAILED"
    NONE = "NONE"
    FEW = "FEW"
    """At least half of the rows are invalid."""
    MOST = "MOST"
    """At least 5% of the rows are invalid."""
    ALL = "ALL"


@dataclass(frozen=True)
class Slot:
    """The state of one slot."""

    state: SlotState
    warnings: int = 0


def rows_state(outcome: str, rows: int, valid: int) -> RowsState:
    """Return how much of a file is valid; a report whose outcome is PASSED may have no valid row.

    >>> rows_state("PASSED", 0, 0).value, rows_state("PASSED", 100, 50).value, rows_state("PASSED", 100, 96).value
    ('NONE', 'FEW', 'ALL')
    """
    if valid == 0:
        return RowsState.NONE
    if outcome != "PASSED":
        return RowsState.FAILED
    invalid = (rows - valid) / rows
    return RowsState.FEW if invalid >= _FEW_INVALID else RowsState.MOST if invalid >= _MOST_INVALID else RowsState.ALL


def slot_states(
    datasets: Sequence[DatasetKind],
    filled: Iterable[DatasetKind],
    status: ValidationStatus | None,
    causes: Iterable[Cause],
    *,
    checking: bool = False,
) -> dict[DatasetKind, Slot]:
    """Return the state of each slot.

    Args:
        datasets: of the lab, in order.
        filled: the slots that have a dataset.
        status: of the current result; None: there is none.
        causes: of the current result.
        checking: whether a run on exactly these datasets is active.
    """
    there = set(filled)
    every = [one for cause in causes for one in (cause, *cause.follows)]
    return {kind: _slot(kind, there, status, every, checking=checking) for kind in datasets}


def _slot(
    kind: DatasetKind, filled: set[DatasetKind], status: ValidationStatus | None, every: list[Cause], *, checking: bool
) -> Slot:
    if kind not in filled:
        return Slot(SlotState.EMPTY)
    own = [cause for cause in every if cause.dataset is kind]
    if any(cause.code == WRONG_KIND for cause in own):
        return Slot(SlotState.WRONG_KIND)
    checked = status.datasets.get(kind.value) if status else None
    if checked is None:
        return Slot(SlotState.CHECKING if checking else SlotState.NOT_VALIDATED)
    failed = checked.status == "FAILED" or checked.valid_rows == 0
    if failed or any(cause.severity is Severity.ERROR for cause in own):
        return Slot(SlotState.PROBLEM)
    warnings = sum(cause.severity is Severity.WARNING for cause in own)
    return Slot(SlotState.WARNINGS, warnings) if warnings else Slot(SlotState.GOOD)
