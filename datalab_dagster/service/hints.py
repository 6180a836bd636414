"""The codes of the hints of a result's datasets, as evidence for the causes of a lab's state."""

from __future__ import annotations

import contextlib

from datalab.kinds import DatasetKind
from datalab_dagster.service import LabService, ResultInfo
from datalab_dagster.service.errors import NOT_SHOWN


def hint_codes(service: LabService, result: ResultInfo) -> dict[DatasetKind, list[str]]:
    """Return the codes of the hints of each dataset whose report the user may read."""
    found = {}
    for kind in result.reports:
        with contextlib.suppress(*NOT_SHOWN):
            found[kind] = [hint.code for hint in service.hints(result.lab_id, kind, run_id=result.run_id)]
    return found
