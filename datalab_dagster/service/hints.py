"""What is known of the datasets of a lab in addition to its findings, as evidence for the causes of its state."""

from __future__ import annotations

import contextlib

from datalab.kinds import DatasetKind
from datalab.statistics.cause import Evidence
from datalab_dagster.service import LabInfo, LabService, ResultInfo
from datalab_dagster.service.errors import NOT_SHOWN


def hint_rows(service: LabService, result: ResultInfo) -> dict[DatasetKind, dict[str, int]]:
    """Return the hints of each dataset whose report the user may read: code → number of rows."""
    found = {}
    for kind in result.reports:
        with contextlib.suppress(*NOT_SHOWN):
            hints = service.hints(result.lab_id, kind, run_id=result.run_id)
            found[kind] = {hint.code: hint.rows for hint in hints}
    return found


def evidence_of(lab: LabInfo) -> Evidence:
    """Return what is recognised in the files that are provisioned to a lab now."""
    problems = {slot.kind: slot.file_problems for slot in lab.slots}
    return Evidence(id_formats=lab.definition.id_formats, looks_like=lab.misplaced, file_problems=problems)
