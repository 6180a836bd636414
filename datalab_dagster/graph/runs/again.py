"""Requests lost runs again whose next attempt Dagster has dropped, because its code server was lost as well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from datalab.deployment import Deployment
from datalab.registry import RunState
from datalab.registry.errors import LabNotFound
from datalab_dagster.graph.runs.claims import claimed
from datalab_dagster.graph.runs.start import BY_TAG, DATASETS_TAG, LAB_TAG
from resources.attempts import AGAIN, LIMIT_TAG, WILL_RETRY_TAG, attempts_left, is_dropped
from resources.run import CAUSE_TAG, SEQUENCE_TAG, lab_of

_RECENT = timedelta(hours=1)
"""Runs that ended earlier are left to the schedule `nightly`."""


def dropped_attempts(deployment: Deployment, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """Return a request for every lost run whose next attempt was dropped, of the same assets."""
    failed = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.FAILURE],
        tags={WILL_RETRY_TAG: "false"},
        updated_after=datetime.now(UTC) - _RECENT,
    )
    dropped = [run for run in instance.get_runs(failed) if is_dropped(instance, run)]
    return [request for run in dropped if (request := _requested(deployment, instance, run))]


def _requested(deployment: Deployment, instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.RunRequest | None:
    """Return the request for a run; None if something came after it, or its end is not recorded yet."""
    registry = deployment.registry
    try:
        lab = lab_of(deployment, run)
    except LabNotFound:  # it was deleted
        return None
    last = next(iter(registry.runs.history(lab.id, limit=1)), None) if lab else None
    if lab is None or last is None or (last.run_id, last.state) != (run.run_id, RunState.FAILED):
        return None
    sequence, run_key = registry.provisioning.last_sequence(lab.id), f"{run.run_id} again"
    if last.sequence != sequence or not claimed(deployment, lambda: instance, lab, sequence, run_key):
        return None
    tags = {name: run.tags[name] for name in (LAB_TAG, DATASETS_TAG, BY_TAG) if name in run.tags}
    left = str(attempts_left(instance, run) - 1)
    return dg.RunRequest(
        run_key=run_key,
        partition_key=lab.partition_key,
        asset_selection=sorted(run.asset_selection or ()),
        tags={**tags, CAUSE_TAG: AGAIN, SEQUENCE_TAG: str(sequence), LIMIT_TAG: left},
    )
