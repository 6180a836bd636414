"""Layer 4: the validation status of a lab, which fans in from all its datasets."""

import dagster as dg

from assets.partitions import OWNERS, data_labs
from datalab.lab import DatasetKind
from datalab.statistics.datasets import ValidatedDataset
from datalab.statistics.status import validation_status
from resources import LabWorkspace


@dg.asset(
    name="validation_status",
    deps=[f"{kind.value}_validation_report" for kind in DatasetKind],
    group_name="results",
    kinds={"json"},
    owners=OWNERS,
    description="Whether every dataset of the lab passed, with errors and numbers of rows; aggregates only.",
    partitions_def=data_labs,
)
def status_asset(context: dg.AssetExecutionContext, workspace: LabWorkspace) -> dg.MaterializeResult[None]:
    name = context.partition_key
    lab = workspace.definition(name)
    summaries = {
        kind: ValidatedDataset.model_validate_json(workspace.summary(name, kind).read_bytes()) for kind in lab.datasets
    }
    status = validation_status(lab, summaries)
    workspace.write(workspace.status(name), status.model_dump_json(indent=2))
    failed = sum(dataset.status == "FAILED" for dataset in status.datasets.values())
    return dg.MaterializeResult(
        metadata={
            "datalab/status": status.status,
            "datalab/datasets": len(status.datasets),
            "datalab/failed_datasets": failed,
        }
    )


ASSETS = [status_asset]
