"""The jobs of the code location: which assets run together, and what runs beside the graph."""

from typing import Any

import dagster as dg

from assets.guard import told_safely
from datalab.deployment import Deployment
from datalab_dagster.graph.drop_zones import take_from_drop_zone

VALIDATE = "validate_data_lab"

validate_data_lab = dg.define_asset_job(
    VALIDATE,
    selection=dg.AssetSelection.all(),
    description="Check everything of one Data Lab: from the uploaded datasets to its status.",
)


@dg.op(description="Remove results beyond their retention, given-up uploads and files that belong to nothing.")
def sweep() -> None:
    with told_safely(), Deployment.open() as deployment:
        deployment.sweep()


@dg.job(description="Remove what nobody needs any more.", executor_def=dg.in_process_executor)
def sweep_deployment() -> None:
    sweep()


JOBS: list[Any] = [validate_data_lab, take_from_drop_zone, sweep_deployment]
