"""How the vendor names the slots of a lab, and the policy that ties a dataset to one of them."""

from __future__ import annotations

import hashlib
from typing import Any

from datalab.kinds import DatasetKind
from datalab_dagster.archv2.errors import UnknownDatasetType
from datalab_dagster.service.models import LabInfo
from datalab_dagster.types import DataLabDatasetType

KINDS = {
    DataLabDatasetType.MATCH: DatasetKind.IDENTIFIERS,
    DataLabDatasetType.SEGMENTS: DatasetKind.SEGMENTS,
    DataLabDatasetType.DEMOGRAPHICS: DatasetKind.DEMOGRAPHICS,
    DataLabDatasetType.EMBEDDINGS: DatasetKind.EMBEDDINGS,
}
TYPES = {kind: dataset_type for dataset_type, kind in KINDS.items()}
LEAVES = {
    DatasetKind.IDENTIFIERS: "matching",
    DatasetKind.SEGMENTS: "segments",
    DatasetKind.DEMOGRAPHICS: "demographics",
    DatasetKind.EMBEDDINGS: "embeddings",
}
"""Kind → leaf of the lab; that of the identifiers keeps its old name."""


def kind_of(dataset_type: Any) -> DatasetKind:
    """Return the slot of a dataset type.

    Raises:
        UnknownDatasetType: it is none.
    """
    try:
        return KINDS[dataset_type]
    except (KeyError, TypeError):
        raise UnknownDatasetType(dataset_type) from None


def policy_id(lab_id: str, kind: DatasetKind, manifest_hash: str) -> str:
    """Return the id of the policy that ties a dataset to a slot: the same for the same three."""
    return hashlib.sha256(f"{lab_id}/{LEAVES[kind]}/{manifest_hash}".encode()).hexdigest()


def policies(lab: LabInfo) -> dict[DatasetKind, str]:
    """Return slot → policy id of what is provisioned now."""
    return {slot.kind: policy_id(lab.id, slot.kind, slot.manifest_hash) for slot in lab.slots}
