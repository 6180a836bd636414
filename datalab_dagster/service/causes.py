"""Why labs are in their state, as lists of labs say it: from the status of the current result, without statistics."""

from __future__ import annotations

from datalab.results.status import ValidationStatus
from datalab.statistics.causes import Cause, Evidence, causes_of
from datalab_dagster.service import LabInfo, LabState


def says_why(info: LabInfo) -> bool:
    """Return whether the first cause says more than the state of a lab."""
    return info.state.state in (LabState.FAILED, LabState.STALE, LabState.INCOMPLETE)


def causes_in_list(info: LabInfo, status: ValidationStatus | None) -> list[Cause]:
    """Return the causes of the state of a lab, the strongest first; `status`: of its current result, if it has one."""
    counts = info.state.state in (LabState.FAILED, LabState.READY)
    return causes_of(status if counts else None, evidence=Evidence(looks_like=info.misplaced))
