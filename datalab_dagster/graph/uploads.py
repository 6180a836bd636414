"""The sensor of uploads: it reports every uploaded dataset to Dagster, and removes the partitions of deleted ones.

An upload neither waits for Dagster nor fails with it. What is missing follows from a comparison of the partitions with
the registry, so a report is repeated until it is stored, and datasets of earlier versions are reported too.
"""

from __future__ import annotations

import dagster as dg

from assets.uploads import about, uploaded_datasets, uploads
from datalab.deployment import Deployment
from datalab.formats import counted
from datalab.registry import DescribedDataset
from datalab_dagster.graph.answering import answers

_REPORTS = 200
"""How many datasets a tick reports at most: Dagster stores them one after another, while other sensors wait."""


@dg.sensor(
    name="uploads",
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports uploaded datasets as partitions of `uploaded_datasets`; removes those of deleted datasets.",
)
@answers
def report_uploads(deployment: Deployment, context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    stored, known = (
        deployment.registry.described.keys(),
        set(context.instance.get_dynamic_partitions(uploads.name or "")),
    )
    new, deleted = sorted(stored.keys() - known)[:_REPORTS], sorted(known - stored.keys())
    if not new and not deleted:
        return dg.SkipReason(f"Nothing new: {counted(len(stored), 'dataset')} reported.")
    found = deployment.registry.described.of([stored[key] for key in new]) if new else []
    changes = (
        uploads.build_add_request([dataset.partition_key for dataset in found]),
        uploads.build_delete_request(deleted),
    )
    return dg.SensorResult(
        asset_events=[_uploaded(dataset) for dataset in found],
        dynamic_partitions_requests=[change for change in changes if change.partition_keys],
        skip_reason=dg.SkipReason(f"{counted(len(found), 'dataset')} reported, {len(deleted)} removed."),
    )


def _uploaded(dataset: DescribedDataset) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        asset_key=uploaded_datasets.key,
        partition=dataset.partition_key,
        tags={"dagster/data_version": dataset.manifest_hash},
        metadata=about(dataset),
    )
