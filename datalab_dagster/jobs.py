"""The jobs of the code location: which assets run together."""

from __future__ import annotations

import dagster as dg

validate_data_lab = dg.define_asset_job(
    "validate_data_lab",
    selection=dg.AssetSelection.all(),
    description="Check everything of one Data Lab: from the uploaded datasets to its status.",
    tags={"datalab/cause": "by hand"},
)

JOBS = [validate_data_lab]
