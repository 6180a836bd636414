"""The data that labs share with the vendor's admins: only aggregates of labs that were created with sharing on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from datalab.dashboard.disclosure import guarded
from datalab.results.files import SHARED, STATISTICS, VALIDATION_STATUS
from datalab.results.statistics import FURTHER_PANELS, StatisticsResultV2, parse_statistics_result
from datalab.results.status import ValidationStatus
from datalab_dagster.service import LabInfo, LabNotFound, LabService, ResultNotFound, Verdict
from datalab_dagster.service.models import ServiceModel


class SharedLab(ServiceModel):
    """A lab for the vendor's admins: without datasets, people and history."""

    id: str
    name: str
    status: Verdict | None
    """The verdict of its current result; None if there is none."""
    computed_at: datetime | None


def shared_labs(service: LabService) -> list[SharedLab]:
    """Return the labs that share their aggregates, the oldest first."""
    found = []
    for lab in _sharing(service.labs()):
        result = service.current_result(lab.id)
        found.append(
            SharedLab(
                id=lab.id,
                name=lab.name,
                status=result.status if result else None,
                computed_at=result.created_at if result else None,
            )
        )
    return found


def shared_file(service: LabService, lab_id: str, name: str) -> bytes:
    """Return a shared file of a lab's current result.

    Statistics and dashboard are those of the publisher, except panels that the vendor does not have and that have no
    guard; the validation status contains only verdicts, without numbers of rows and findings of single datasets.

    Raises:
        LabNotFound: no lab of this id shares anything; the error does not reveal whether it exists.
        ResultNotFound: it has no current result, or no such file is shared.
    """
    lab = _shared_lab(service, lab_id)
    if name not in SHARED:
        raise ResultNotFound(lab.id, f"shared file '{name}'")
    data = service.result_file(lab.id, name)
    if name == STATISTICS.name:
        return _statistics(data)
    return _verdicts(data) if name == VALIDATION_STATUS.name else data


def _shared_lab(service: LabService, lab_id: str) -> LabInfo:
    labs = {lab.id: lab for lab in _sharing(service.labs())}
    if lab_id not in labs:
        raise LabNotFound(lab_id, labs)
    return labs[lab_id]


def _sharing(labs: Iterable[LabInfo]) -> list[LabInfo]:
    return [lab for lab in labs if lab.definition.share_statistics]


def _statistics(data: bytes) -> bytes:
    if f'"{FURTHER_PANELS}"'.encode() not in data:
        return data
    statistics = parse_statistics_result(data)
    if isinstance(statistics, StatisticsResultV2) and statistics.further_panels:
        return guarded(statistics).model_dump_json(indent=2).encode()
    return data


def _verdicts(data: bytes) -> bytes:
    status = ValidationStatus.model_validate_json(data)
    shown: dict[str, object] = {
        "status": status.status,
        "datasets": {kind: {"status": dataset.status} for kind, dataset in status.datasets.items()},
    }
    if status.statistics is not None:
        shown["statistics"] = status.statistics.model_dump(mode="json")
    return json.dumps(shown, indent=2).encode()
