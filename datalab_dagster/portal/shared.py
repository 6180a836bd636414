"""The data that labs share with the vendor's admins: only aggregates of labs that were created with sharing on."""

from __future__ import annotations

import json
from collections.abc import Iterable

from datalab.dashboard import render_dashboard
from datalab.dashboard.disclosure import shareable, shareable_finding, shareable_matchable
from datalab.results.files import MATCHABLE_USERS, SHARED, STATISTICS, VALIDATION_STATUS
from datalab.results.statistics import StatisticsResultUnion, StatisticsResultV2, parse_statistics_result
from datalab.results.status import ValidationStatus
from datalab.statistics.readiness import readiness
from datalab_dagster.service import LabInfo, LabNotFound, LabService, ResultNotFound
from datalab_dagster.service.matchable import matchable_in
from datalab_dagster.service.models import SharedLab


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


def shared_file(service: LabService, lab_id: str, name: str, minimum: int) -> bytes:
    """Return a shared file of a lab's current result, without a count below `minimum` and what would reveal one.

    Statistics and dashboard are made from the publisher's statistics, without panels that have no guard and without
    the comparison, which would reveal what an earlier file hid. The validation status contains only verdicts.

    Raises:
        LabNotFound: no lab of this id shares anything; the error does not reveal whether it exists.
        ResultNotFound: it has no current result, no such file is shared, or its statistics are in a format whose
            counts cannot be hidden.
    """
    lab = _shared_lab(service, lab_id)
    if name not in SHARED:
        raise ResultNotFound(lab.id, f"shared file '{name}'")
    result = service.current_result(lab.id)
    run_id = result.run_id if result else None
    data = service.result_file(lab.id, name, run_id=run_id)
    if name == VALIDATION_STATUS.name:
        return _verdicts(ValidationStatus.model_validate_json(data), minimum)
    statistics = _statistics(lab.id, service.result_file(lab.id, STATISTICS.name, run_id=run_id))
    matchable = matchable_in(service, result) if result else None
    if name == MATCHABLE_USERS.name:
        shown = shareable_matchable(matchable, statistics, minimum)
        return json.dumps(shown, indent=2, ensure_ascii=False).encode()
    if name == STATISTICS.name:
        return json.dumps(shareable(statistics, minimum, shared=True), indent=2, ensure_ascii=False).encode()
    status = ValidationStatus.model_validate_json(service.result_file(lab.id, VALIDATION_STATUS.name, run_id=run_id))
    return render_dashboard(
        lab.definition.model_copy(update={"publisher_email": None}),
        statistics,
        status=without_rows(status),
        readiness=readiness(lab.definition, statistics),
        computed_at=result.created_at if result else None,
        minimum_count=minimum,
        matchable=matchable,
    ).encode()


def without_rows(status: ValidationStatus) -> ValidationStatus:
    """Return the status without its datasets, which have numbers of rows and findings."""
    return status.model_copy(update={"datasets": {}})


def _shared_lab(service: LabService, lab_id: str) -> LabInfo:
    labs = {lab.id: lab for lab in _sharing(service.labs())}
    if lab_id not in labs:
        raise LabNotFound(lab_id, labs)
    return labs[lab_id]


def _sharing(labs: Iterable[LabInfo]) -> list[LabInfo]:
    return [lab for lab in labs if lab.definition.share_statistics]


def _statistics(lab_id: str, data: bytes) -> StatisticsResultV2:
    statistics: StatisticsResultUnion | None
    try:
        statistics = parse_statistics_result(data)
    except ValueError:  # pydantic's too; written by another version
        statistics = None
    if not isinstance(statistics, StatisticsResultV2):
        raise ResultNotFound(lab_id, "statistics of version 2, the only ones that are shared")
    return statistics


def _verdicts(status: ValidationStatus, minimum: int) -> bytes:
    shown: dict[str, object] = {
        "status": status.status,
        "datasets": {kind: {"status": dataset.status} for kind, dataset in status.datasets.items()},
    }
    if status.statistics is not None:
        shown["statistics"] = {
            "status": status.statistics.status,
            **{
                kind: [shareable_finding(finding, minimum).model_dump() for finding in getattr(status.statistics, kind)]
                for kind in ("data_errors", "quality_warnings")
            },
        }
    return json.dumps(shown, indent=2).encode()
