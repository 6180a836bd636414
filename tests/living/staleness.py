"""Which assets Dagster's pages show as stale, for which it has no public name; no test is here."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from tests.living.conftest import Living


def stale(living: Living, partition: str) -> set[str]:
    """The valid rows that the graph shows as older than what they were made of."""
    from datalab_dagster.definitions import build_definitions

    graph = build_definitions().resolve_asset_graph()
    statuses = CachingStaleStatusResolver(living.instance, graph, LoadingContextForTest(living.instance))
    rows = ["valid_identifiers", "valid_segments"]
    return {key for key in rows if statuses.get_status(dg.AssetKey(key), partition) is StaleStatus.STALE}
