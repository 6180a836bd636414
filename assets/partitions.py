"""The partitions (one per Data Lab), owners, and metadata for missing datasets, which all assets share."""

from __future__ import annotations

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
