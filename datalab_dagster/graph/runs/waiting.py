"""Finds the run that a sensor has requested and that waits in the queue, so that no second run is started."""

from __future__ import annotations

import dagster as dg

from datalab.deployment import Deployment
from resources.run import PARTITION_TAG, SEQUENCE_TAG


def waiting_run(deployment: Deployment, instance: dg.DagsterInstance, lab_id: str) -> str | None:
    """Return the id of the waiting run for the lab's last provisioning event, if there is one."""
    sequence = deployment.registry.provisioning.last_sequence(lab_id)
    waiting = instance.get_runs(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED],
            tags={PARTITION_TAG: lab_id, SEQUENCE_TAG: str(sequence)},
        ),
        limit=1,
    )
    return waiting[0].run_id if waiting else None
