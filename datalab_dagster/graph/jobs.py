"""The jobs of the code location: the validation of a lab, and the sweep of the deployment."""

from typing import Any

import dagster as dg

from datalab.deployment import Deployment
from datalab_dagster.graph.drop_zones import take_from_drop_zone
from datalab_dagster.graph.freshness import report_freshness
from resources import without_values
from resources.attempts import RETRIES

VALIDATE = "validate_data_lab"

validate_data_lab = dg.define_asset_job(
    VALIDATE,
    selection=dg.AssetSelection.all(),
    description="Check everything of one Data Lab: from the uploaded datasets to its status.",
    tags=RETRIES,
)


@dg.op(description="Remove results beyond their retention, abandoned uploads and files without an owner.")
def sweep(context: dg.OpExecutionContext) -> None:
    with without_values(), Deployment.open() as deployment:
        deployment.sweep()
        report_freshness(deployment, context.instance)


@dg.job(
    description="Remove data that are no longer needed, and report how old results are.",
    executor_def=dg.in_process_executor,
)
def sweep_deployment() -> None:
    sweep()


JOBS: list[Any] = [validate_data_lab, take_from_drop_zone, sweep_deployment]
