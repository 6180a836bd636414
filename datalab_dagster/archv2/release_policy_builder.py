"""Builds the policy that ties a dataset to a leaf of a lab or a Media DCR; `SessionV2` provisions it."""

from __future__ import annotations

from typing import Self

from datalab_dagster.archv2.errors import UnknownDatasetType
from datalab_dagster.archv2.leaves import LEAVES, SEED_LEAF
from datalab_dagster.archv2.protocol import DeploymentClient
from datalab_dagster.archv2.session import ReleasePolicy


class ReleasePolicyBuilder:
    """Builds a policy for one dataset and one lab or Media DCR."""

    def __init__(self, client: DeploymentClient, data_room_id: str, manifest_hash: str) -> None:
        self.client = client
        self.data_room_id = data_room_id
        self.manifest_hash = manifest_hash
        self._leaf: str | None = None

    def with_target_leaf_node_name(self, leaf_node_name: str) -> Self:
        """Set the leaf: ``matching``, ``segments``, ``demographics``, ``embeddings`` or ``audiences``, a seed.

        Raises:
            UnknownDatasetType: there is no such leaf.
        """
        if leaf_node_name not in (*LEAVES.values(), SEED_LEAF):
            raise UnknownDatasetType(leaf_node_name)
        self._leaf = leaf_node_name
        return self

    def build(self) -> ReleasePolicy:
        """Return the policy.

        Raises:
            UnknownDatasetType: no leaf was set.
        """
        if self._leaf is None:
            raise UnknownDatasetType(None)
        return ReleasePolicy(self.data_room_id, self._leaf, self.manifest_hash)
