"""How the vendor names the slots of a lab, and the policy that ties a dataset to one of them."""

from __future__ import annotations

import hashlib
from typing import Any

from datalab.kinds import KINDS, DatasetKind
from datalab_dagster.archv2.errors import UnknownDatasetType
from datalab_dagster.service.models import LabInfo
from datalab_dagster.types import DataLabDatasetType

VENDOR = {kind: declared.vendor for kind, declared in KINDS.items() if declared.vendor}
"""Kind → what the vendor calls it, of the kinds that the vendor knows."""
TYPES = {kind: DataLabDatasetType[names.dataset_type] for kind, names in VENDOR.items()}
SEED_LEAF = "audiences"
"""The leaf of a Media DCR that has no counterpart in a lab: its seed dataset."""
LEAVES = {kind: VENDOR[kind].leaf if kind in VENDOR else kind.value for kind in KINDS}
"""Kind → leaf of the lab; that of the identifiers keeps its old name."""

_KINDS = {dataset_type: kind for kind, dataset_type in TYPES.items()}


def kind_of(dataset_type: Any) -> DatasetKind:
    """Return the slot of a dataset type.

    Raises:
        UnknownDatasetType: it is none.
    """
    try:
        return _KINDS[dataset_type]
    except (KeyError, TypeError):
        raise UnknownDatasetType(dataset_type) from None


def policy_id(data_room_id: str, leaf: str, manifest_hash: str) -> str:
    """Return the id of the policy that ties a dataset to a leaf: the same for the same three."""
    return hashlib.sha256(f"{data_room_id}/{leaf}/{manifest_hash}".encode()).hexdigest()


def policies(lab: LabInfo) -> dict[DatasetKind, str]:
    """Return slot → policy id of what is provisioned now."""
    return {slot.kind: policy_id(lab.id, LEAVES[slot.kind], slot.manifest_hash) for slot in lab.slots}
