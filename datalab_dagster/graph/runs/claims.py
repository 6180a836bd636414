"""Claims changes for requests of a sensor or schedule, and takes over what was requested and never became a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from datalab.deployment import Deployment
from datalab.registry import ChangedLab, Claim, Lab
from datalab_dagster.graph.runs.waiting import waiting_run

_PATIENCE = timedelta(minutes=2)
"""A request without a run in Dagster after this time loses its claim."""


def claimed(
    deployment: Deployment,
    instance: Callable[[], dg.DagsterInstance],
    lab: Lab | ChangedLab,
    sequence: int,
    holder: str,
) -> bool:
    """Claim a change for the request with the run key `holder`; return whether it was granted.

    Args:
        deployment: of the lab.
        instance: opens Dagster's records, which are needed only if another request has waited for long.
        lab: whose change.
        sequence: of its last event.
        holder: the run key.
    """
    claims = deployment.registry.claims
    claim = claims.take(lab.id, sequence, holder)
    is_abandoned = claim.holder != holder and claim.run_id is None and _is_old(claim)
    if is_abandoned and waiting_run(instance(), lab, sequence) is None:
        claim = claims.take(lab.id, sequence, holder, over=claim.holder)
    return claim.holder == holder


def claimed_of(deployment: Deployment, instance: dg.DagsterInstance, labs: Sequence[ChangedLab]) -> set[str]:
    """Claim the changes of labs for the requests with their run keys; return the ids of those that were granted."""
    wanted = {(lab.id, lab.change.sequence): lab.change.run_key for lab in labs}
    granted = deployment.registry.claims.take_all(wanted)
    for lab in labs:
        held = lab.claim is not None and lab.claim.run_id is None and _is_old(lab.claim)
        if lab.id not in granted and held:
            change = lab.change
            if claimed(deployment, lambda: instance, lab, change.sequence, change.run_key):
                granted.add(lab.id)
    return granted


def _is_old(claim: Claim) -> bool:
    return datetime.now(UTC) - claim.claimed_at > _PATIENCE
