"""The partitions (one per Data Lab) of assets and checks, owners, and metadata for missing datasets."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import dagster as dg

data_labs = dg.DynamicPartitionsDefinition(name="data_labs")
"""One partition per Data Lab."""

OWNERS = ["team:publisher"]
NOT_IN_LAB: Mapping[str, bool | str] = {
    "datalab/in_lab": False,
    "datalab/note": "The lab does not have this dataset; there is nothing to do.",
}
"""Metadata of an asset of a dataset that the lab does not have."""


def lab_check(name: str, asset: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
    """Return a check with a history of its own for each lab."""
    return check_in(data_labs, name, asset, description, blocking=blocking)


def check_in(
    partitions_def: dg.PartitionsDefinition | None,
    name: str,
    asset: str | dg.AssetKey,
    description: str | None,
    *,
    blocking: bool = False,
) -> dg.AssetCheckSpec:
    """Return a check with a history of its own for each partition; Dagster's warning of a preview is silenced."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=asset, description=description, partitions_def=partitions_def, blocking=blocking
        )


def verdict(
    check: str, asset: str, passed: bool, metadata: Mapping[str, bool | int | float | str]
) -> dg.AssetCheckResult:
    """Return the result of a check of data. A lab whose data fail gets its results all the same: it is a warning."""
    return dg.AssetCheckResult(
        asset_key=asset, check_name=check, passed=passed, metadata=metadata, severity=dg.AssetCheckSeverity.WARN
    )
