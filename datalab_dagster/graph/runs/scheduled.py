"""The run that a schedule requests for a lab, once its last change was claimed for it."""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg

from assets import data_labs
from datalab.deployment import Deployment
from datalab.kinds import DatasetKind
from datalab.registry import Lab
from datalab_dagster.graph.runs.claims import claimed
from datalab_dagster.graph.runs.selection import assets_to_run
from datalab_dagster.graph.runs.start import run_tags
from resources.run import PARTITION_TAG


def requested_run(
    deployment: Deployment,
    context: dg.ScheduleEvaluationContext,
    lab: Lab,
    *,
    name: str,
    kinds: Collection[DatasetKind],
    cause: str,
) -> dg.RunRequest | None:
    """Return the request for a run of a lab; None: another run, or a request for one, answers its last change.

    Args:
        deployment: of the lab.
        context: of the tick.
        lab: has all its datasets.
        name: of this time; a lab has one run for it.
        kinds: datasets to validate again; datasets that were never validated are added.
        cause: why, in a few words.
    """
    sequence = deployment.registry.provisioning.last_sequence(lab.id)
    run_key = f"{lab.id}:{name}"
    if not claimed(deployment, lambda: context.instance, lab, sequence, run_key):
        return None
    context.instance.add_dynamic_partitions(data_labs.name or "", [lab.partition_key])
    tags = run_tags(lab, sequence=sequence, kinds=kinds, cause=cause, by="schedule")
    return dg.RunRequest(
        run_key=run_key,
        partition_key=lab.partition_key,
        asset_selection=assets_to_run(deployment, lab, kinds),
        tags={**tags, PARTITION_TAG: lab.partition_key},
    )
