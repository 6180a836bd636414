"""Reads the matchable users of a result, which its statistics do not hold."""

from __future__ import annotations

from datalab.results.files import MATCHABLE_USERS
from datalab.results.matchable import MatchableUsers
from datalab_dagster.service.models import ResultInfo
from datalab_dagster.service.protocol import LabService


def matchable_in(service: LabService, result: ResultInfo) -> MatchableUsers | None:
    """Return the matchable users of a result; None: an earlier version made it."""
    name = MATCHABLE_USERS.name
    if name not in result.files:
        return None
    return MatchableUsers.model_validate_json(service.result_file(result.lab_id, name, run_id=result.run_id))
