"""Finds the run that a sensor has requested and that waits in the queue, so that no second run is started."""

from __future__ import annotations

import dagster as dg

from datalab.registry import ChangedLab, Lab
from resources.run import PARTITION_TAG, SEQUENCE_TAG

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def waiting_run(instance: dg.DagsterInstance, lab: Lab | ChangedLab, sequence: int) -> str | None:
    """Return the id of the run for a lab's provisioning event that has not ended in Dagster, if there is one."""
    tags = {PARTITION_TAG: lab.partition_key, SEQUENCE_TAG: str(sequence)}
    waiting = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED, tags=tags), limit=1)
    return waiting[0].run_id if waiting else None
