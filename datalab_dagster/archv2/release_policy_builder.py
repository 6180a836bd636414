"""Builds the policy that ties a dataset to a slot of a lab; `SessionV2` provisions it."""

from __future__ import annotations

from typing import Self

from datalab.kinds import DatasetKind
from datalab_dagster.archv2.errors import UnknownDatasetType
from datalab_dagster.archv2.leaves import LEAVES
from datalab_dagster.archv2.protocol import DeploymentClient
from datalab_dagster.archv2.session import ReleasePolicy


class ReleasePolicyBuilder:
    """Builds a policy for one dataset and one lab."""

    def __init__(self, client: DeploymentClient, data_room_id: str, manifest_hash: str) -> None:
        self.client = client
        self.data_room_id = data_room_id
        self.manifest_hash = manifest_hash
        self._kind: DatasetKind | None = None

    def with_target_leaf_node_name(self, leaf_node_name: str) -> Self:
        """Set the slot: ``matching``, ``segments``, ``demographics`` or ``embeddings``.

        Raises:
            UnknownDatasetType: there is no such slot.
        """
        self._kind = next((kind for kind, leaf in LEAVES.items() if leaf == leaf_node_name), None)
        if self._kind is None:
            raise UnknownDatasetType(leaf_node_name)
        return self

    def build(self) -> ReleasePolicy:
        """Return the policy.

        Raises:
            UnknownDatasetType: no slot was set.
        """
        if self._kind is None:
            raise UnknownDatasetType(None)
        return ReleasePolicy(self.data_room_id, self._kind, self.manifest_hash)
