"""The uploaded datasets, used by a lab or not: an external asset with one partition for each. A sensor reports them."""

from __future__ import annotations

import dagster as dg

from assets.partitions import OWNERS
from datalab.registry import DescribedDataset

uploads = dg.DynamicPartitionsDefinition(name="uploaded_datasets")
"""One partition per uploaded dataset."""

uploaded_datasets = dg.AssetSpec(
    "uploaded_datasets",
    group_name="datasets",
    kinds={"csv"},
    owners=OWNERS,
    description="Every uploaded dataset, encrypted by its upload. Provision one to a lab to use it.",
    partitions_def=uploads,
)

USED = dg.AssetDep(uploaded_datasets, partition_mapping=dg.SpecificPartitionsPartitionMapping([]))
"""The dependency of a lab's dataset. It names no partition: provisioning makes labs stale, another upload does not."""


def about(dataset: DescribedDataset) -> dict[str, dg.MetadataValue]:
    """Return the metadata of an uploaded dataset."""
    return {
        "datalab/name": dg.MetadataValue.text(dataset.name),
        "datalab/bytes": dg.MetadataValue.int(dataset.size),
        "datalab/looks_like": dg.MetadataValue.text(dataset.kind.value if dataset.kind else "unknown"),
        "datalab/uploaded_by": dg.MetadataValue.text(dataset.created_by),
        "datalab/uploaded_at": dg.MetadataValue.timestamp(dataset.created_at),
        "datalab/manifest_hash": dg.MetadataValue.text(dataset.manifest_hash),
    }


def about_used(dataset: DescribedDataset) -> dict[str, dg.MetadataValue]:
    """Return the metadata of a dataset that is provisioned: which upload it is, and the labs that use it now."""
    return {
        **about(dataset),
        "datalab/upload": dg.MetadataValue.text(dataset.partition_key),
        "datalab/labs": dg.MetadataValue.text(", ".join(dataset.labs) or "none"),
    }
