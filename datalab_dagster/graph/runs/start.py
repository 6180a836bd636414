"""Creates the run that the registry has recorded and starts it: immediately, or by the queue if others are active."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import dagster as dg

from assets import data_labs
from datalab.deployment import Deployment
from datalab.formats import listed
from datalab.kinds import KINDS, DatasetKind
from datalab.registry import Action, ChangedLab, Lab, LabChange, Run
from datalab.scratch import why
from datalab_dagster.graph import private
from datalab_dagster.graph.catalogue import validation_job
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.graph.jobs import VALIDATE
from datalab_dagster.graph.runs.launcher import ProcessRunLauncher
from datalab_dagster.graph.runs.selection import assets_to_run
from resources.run import CAUSE_TAG, PARTITION_TAG, SEQUENCE_TAG

LAB_TAG, DATASETS_TAG, BY_TAG = "datalab/lab", "datalab/datasets", "datalab/by"


def run_tags(
    lab: Lab | ChangedLab, *, sequence: int, kinds: Collection[DatasetKind], cause: str, by: str
) -> dict[str, str]:
    """Return the tags of a run: its lab, the change, the cause, the user, and the provisioning event."""
    return {
        LAB_TAG: lab.name or lab.id,
        DATASETS_TAG: ", ".join(kind.value for kind in DatasetKind if kind in kinds) or "none",
        CAUSE_TAG: cause,
        BY_TAG: by,
        SEQUENCE_TAG: str(sequence),
    }


def cause_of(change: LabChange, started: str) -> str:
    """Return what a validation answers: the reason that was given, or who changed which slots."""
    last = change.events[-1]
    slots = listed([KINDS[kind].title for kind in change.kinds])
    return last.cause or f"{started}, after {last.by} {_DONE[last.action]} {slots}"


_DONE = {Action.PROVISIONED: "provisioned", Action.REPROVISIONED: "replaced", Action.DEPROVISIONED: "took out"}


def create_run(
    deployment: Deployment,
    instance: dg.DagsterInstance,
    lab: Lab,
    run: Run,
    *,
    changed: Collection[DatasetKind],
    by: str,
) -> dg.DagsterRun:
    """Create the run that the registry has recorded, on the datasets of its provisioning event, without starting it.

    Args:
        changed: datasets to validate again; datasets that were never validated are added.
    """
    job = validation_job()
    instance.add_dynamic_partitions(data_labs.name or "", [lab.partition_key])
    tags = run_tags(lab, sequence=run.sequence, kinds=changed, cause=run.cause, by=by)
    return instance.create_run_for_job(
        job,
        run_id=run.run_id,
        tags={**job.tags, **tags, PARTITION_TAG: lab.partition_key},
        asset_selection=frozenset(assets_to_run(deployment, lab, changed)),
        remote_job_origin=private.origin_of(CODE_LOCATION, VALIDATE),
        job_code_origin=private.job_in(CODE_LOCATION, VALIDATE).get_python_origin(),
    )


def launch_run(
    deployment: Deployment,
    instance: dg.DagsterInstance,
    lab: Lab,
    run: Run,
    *,
    changed: Collection[DatasetKind],
    by: str,
) -> None:
    """Create the run that the registry has recorded, and start it.

    While other runs are active it waits in the queue; otherwise our launcher starts it immediately, which saves a
    second. If it cannot be created or started, it is recorded as failed and its claim is released.
    """
    is_alone = all(other.run_id == run.run_id for other in deployment.registry.runs.in_flight())
    starts_alone = isinstance(instance.run_launcher, ProcessRunLauncher)
    no_workspace: Any = None  # neither our launcher nor the queue needs one; the daemon has it for any other launcher
    try:
        create_run(deployment, instance, lab, run, changed=changed, by=by)
        if is_alone and starts_alone:
            instance.launch_run(run.run_id, no_workspace)
        else:
            instance.submit_run(run.run_id, no_workspace)
    except BaseException as error:
        deployment.registry.runs.fail(run.run_id, why(error) if isinstance(error, OSError) else type(error).__name__)
        deployment.registry.claims.release(run.run_id)
        raise
