"""Why labs are in their state: what is said first of one, and the causes that lists of labs have."""

from __future__ import annotations

from collections.abc import Iterable

from datalab.dashboard.verdicts import first_cause
from datalab.results.status import ValidationStatus
from datalab.statistics.cause import Cause
from datalab.statistics.causes import causes_of
from datalab_dagster.service import LabInfo, LabState
from datalab_dagster.service.hints import evidence_of


def first_in(info: LabInfo, causes: Iterable[Cause]) -> Cause | None:
    """Return what is said first of a lab; None: no more than its state.

    It is why the lab is not Ready, or what is wrong with a file although it is.
    """
    if info.state.state in (LabState.EMPTY, LabState.VALIDATING):
        return None
    return first_cause(causes, is_ready=info.state.state is LabState.READY)


def causes_in_list(info: LabInfo, status: ValidationStatus | None) -> list[Cause]:
    """Return the causes of the state of a lab, the strongest first; `status`: of its current result, if it has one."""
    counts = info.state.state in (LabState.FAILED, LabState.READY)
    return causes_of(status if counts else None, evidence=evidence_of(info))
