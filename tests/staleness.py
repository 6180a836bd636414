"""What Dagster shows as stale, and what is made of a partition; it has no public names for them. No test is here."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.loader import LoadingContextForTest


def stale(instance: dg.DagsterInstance, code: dg.Definitions, assets: Iterable[str], partition: str) -> set[str]:
    """The assets of a partition that are older than what they were made of, or made by another version."""
    statuses = CachingStaleStatusResolver(instance, code.resolve_asset_graph(), LoadingContextForTest(instance))
    return {key for key in assets if statuses.get_status(dg.AssetKey(key), partition) is StaleStatus.STALE}


def reached(instance: dg.DagsterInstance, code: dg.Definitions, asset: str, partition: str) -> set[tuple[str, str]]:
    """The partitions that are made of a partition, as (asset, partition)."""
    with partition_loading_context(dynamic_partitions_store=instance):
        found = code.resolve_asset_graph().get_children_partitions(dg.AssetKey(asset), partition)
    return {(key.asset_key.to_user_string(), key.partition_key or "") for key in found}
