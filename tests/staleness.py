"""Which assets Dagster's pages show as stale, for which it has no public name; no test is here."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest


def stale(instance: dg.DagsterInstance, code: dg.Definitions, assets: Iterable[str], partition: str) -> set[str]:
    """The assets of a partition that are older than what they were made of, or made by another version."""
    statuses = CachingStaleStatusResolver(instance, code.resolve_asset_graph(), LoadingContextForTest(instance))
    return {key for key in assets if statuses.get_status(dg.AssetKey(key), partition) is StaleStatus.STALE}
