"""Claims a change for a request of a sensor or schedule, and takes over what was requested but never became a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg

from datalab.deployment import Deployment
from datalab_dagster.graph.runs.waiting import waiting_run

_PATIENCE = timedelta(minutes=2)
"""A request without a run in Dagster after this time loses its claim."""


def claimed(
    deployment: Deployment, instance: Callable[[], dg.DagsterInstance], lab_id: str, sequence: int, holder: str
) -> bool:
    """Claim a change for the request with the run key `holder`; return whether it was granted.

    Args:
        deployment: of the lab.
        instance: opens Dagster's records, which are needed only if another request has waited for long.
        lab_id: whose change.
        sequence: of its last event.
        holder: the run key.
    """
    claims = deployment.registry.claims
    claim = claims.take(lab_id, sequence, holder)
    if claim.holder != holder and claim.run_id is None:
        is_old = datetime.now(UTC) - claim.claimed_at > _PATIENCE
        if is_old and waiting_run(instance(), lab_id, sequence) is None:
            claim = claims.take(lab_id, sequence, holder, over=claim.holder)
    return claim.holder == holder
