"""Creates the run of a lab and starts it: immediately, or through the queue if other runs are active."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import dagster as dg

from assets import data_labs
from datalab.deployment import Deployment
from datalab.kinds import DatasetKind
from datalab.registry import Lab, Run
from datalab_dagster.graph import private
from datalab_dagster.graph.catalogue import validation_job
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.graph.jobs import VALIDATE
from datalab_dagster.graph.runs.selection import assets_to_run
from resources.run import CAUSE_TAG, PARTITION_TAG, SEQUENCE_TAG

LAB_TAG, DATASETS_TAG, BY_TAG = "datalab/lab", "datalab/datasets", "datalab/by"


def run_tags(lab: Lab, *, sequence: int, kinds: Collection[DatasetKind], cause: str, by: str) -> dict[str, str]:
    """Return the tags of a run: its lab, the change, the cause, the user, and the provisioning event."""
    return {
        LAB_TAG: lab.name or lab.id,
        DATASETS_TAG: ", ".join(kind.value for kind in DatasetKind if kind in kinds) or "none",
        CAUSE_TAG: cause,
        BY_TAG: by,
        SEQUENCE_TAG: str(sequence),
    }


def create_run(
    deployment: Deployment,
    instance: dg.DagsterInstance,
    lab: Lab,
    *,
    changed: Collection[DatasetKind],
    cause: str,
    by: str,
    run_id: str | None = None,
) -> dg.DagsterRun:
    """Create a run on the datasets provisioned to `lab` now, without starting it.

    Args:
        changed: datasets to validate again; datasets that were never validated are added.
        run_id: its id, if one was announced already.
    """
    sequence = deployment.registry.provisioning.last_sequence(lab.id)
    job = validation_job()
    instance.add_dynamic_partitions(data_labs.name or "", [lab.id])
    tags = run_tags(lab, sequence=sequence, kinds=changed, cause=cause, by=by)
    return instance.create_run_for_job(
        job,
        run_id=run_id,
        tags={**job.tags, **tags, PARTITION_TAG: lab.id},
        asset_selection=frozenset(assets_to_run(deployment, lab, changed)),
        remote_job_origin=private.origin_of(CODE_LOCATION, VALIDATE),
        job_code_origin=private.job_in(CODE_LOCATION, VALIDATE).get_python_origin(),
    )


def start_run(
    deployment: Deployment,
    instance: dg.DagsterInstance,
    lab: Lab,
    *,
    changed: Collection[DatasetKind],
    cause: str,
    by: str,
) -> Run:
    """Create a run on the datasets provisioned to `lab` now, start it, and return its entry of the registry.

    While other runs are active it waits in the queue; otherwise it starts immediately, which saves a second.

    Raises:
        RunRefused: nothing is provisioned.
    """
    is_alone = not deployment.registry.runs.in_flight()
    created = create_run(deployment, instance, lab, changed=changed, cause=cause, by=by)
    run = deployment.registry.runs.start(lab.id, created.run_id, cause=cause)
    no_workspace: Any = None  # neither our launcher nor the queue needs one
    if is_alone:
        instance.launch_run(created.run_id, no_workspace)
    else:
        instance.submit_run(created.run_id, no_workspace)
    return run
