"""The result of each action of a lab: a file with the vendor's name, from a run of the deployment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from datalab.kinds import DatasetKind
from datalab.results import files
from datalab.results.status import ValidationStatus
from datalab_dagster.archv2.leaves import VENDOR
from datalab_dagster.service.models import RunInfo
from datalab_dagster.service.protocol import LabService

STATISTICS = "computeStatistics"
STATUS = "getValidationStatus"
ENHANCED_STATUS = "getEnhancedValidationStatus"
REPORTS = {
    kind: VENDOR[kind].report_action if kind in VENDOR else f"get{kind.value.capitalize()}ValidationReport"
    for kind in DatasetKind
}
KINDS_OF_REPORTS = {action: kind for kind, action in REPORTS.items()}

TASKS = {
    STATISTICS: "statistics_report",
    STATUS: "validation_status",
    ENHANCED_STATUS: "validation_status",
    **{action: f"{kind.value}_validation_report" for kind, action in REPORTS.items()},
}
"""Action → the step of the run that computes its result."""


def action_name(action: Any) -> str | None:
    """Return the name of an action, such as ``computeStatistics``; None if it is not an action of a lab."""
    given = _plain_action(action)
    if not isinstance(given, Mapping):
        return None
    names = [name for name in given if name in TASKS]
    return names[0] if given.get("kind", "dataLab") == "dataLab" and len(names) == 1 else None


def is_of_media(action: Any) -> bool:
    """Return whether an action is one of a Media DCR."""
    given = _plain_action(action)
    return isinstance(given, Mapping) and given.get("kind") == "media"


def lab_action(name: str) -> dict[str, Any]:
    """Return the action with `name`.

    >>> lab_action(STATISTICS)
    {'kind': 'dataLab', 'computeStatistics': {}}
    """
    return {"kind": "dataLab", name: {}}


def result_id(run_id: str, action: str) -> str:
    """Return the id of the result of a run for an action."""
    return hashlib.sha256(f"{run_id}/{action}".encode()).hexdigest()


def action_of_result(run_id: str, result: str) -> str | None:
    """Return the action of `result_id`; None if the id does not belong to this run."""
    return next((action for action in TASKS if result_id(run_id, action) == result), None)


def zipped_result(service: LabService, run: RunInfo, action: str) -> bytes:
    """Fetch the result of a run for an action, as the vendor's zip.

    Raises:
        ResultNotFound: the run has no such result, or the result was removed.
    """
    if action in KINDS_OF_REPORTS:
        report = service.validation_report(run.lab_id, KINDS_OF_REPORTS[action], run_id=run.run_id)
        return files.VALIDATION_REPORT.zipped(report)
    file = files.STATISTICS if action == STATISTICS else files.VALIDATION_STATUS
    content = service.result_file(run.lab_id, file.name, run_id=run.run_id)
    if action == STATUS:
        content = _plain(content)
    return file.zipped(content)


def _plain_action(action: Any) -> Any:
    return action.model_dump(mode="json") if hasattr(action, "model_dump") else action


def _plain(status: bytes) -> bytes:
    plain = ValidationStatus.model_validate_json(status).plain()
    return json.dumps(plain.model_dump(mode="json")).encode()
