"""Layer 1: the datasets of a lab, one asset each; materialising one records the file that is provisioned now."""

import dagster as dg

from assets.columns import generic_columns
from assets.partitions import NOT_IN_LAB, OWNERS, data_labs
from assets.uploads import USED, about_used
from datalab.deployment.handles import UploadedDataset
from datalab.errors import UsageError
from datalab.kinds import KINDS, DatasetKind
from resources import DATASET, LabRun, guarded

CODE_VERSION = "1"
"""Raised when an uploaded dataset is recorded in another form; its content is its data version."""


def dataset_asset(kind: DatasetKind) -> dg.AssetsDefinition:
    """Build the asset of the uploaded dataset `kind`."""

    @dg.asset(
        name=kind.value,
        group_name="datasets",
        kinds={"csv"},
        owners=OWNERS,
        description=f"{KINDS[kind].content}: CSV without header, `{KINDS[kind].columns_text()}`.",
        partitions_def=data_labs,
        deps=[USED],
        code_version=CODE_VERSION,
        metadata={"dagster/column_schema": generic_columns(kind)},
        io_manager_key=DATASET,
    )
    def uploaded(
        context: dg.AssetExecutionContext, run: dg.ResourceParam[LabRun]
    ) -> dg.MaterializeResult[UploadedDataset | None]:
        with guarded(run, context):
            if kind not in run.definition.datasets:
                return dg.MaterializeResult(value=None, metadata=NOT_IN_LAB)
            dataset = run.dataset(kind)
            if dataset is None:
                raise UsageError(
                    f"The lab has {kind.value}, but no file is provisioned for it. Provision one and run again."
                )
            described = run.described(kind)
            return dg.MaterializeResult(
                value=dataset,
                metadata={
                    "datalab/in_lab": True,
                    "datalab/bytes": dataset.size,
                    **(about_used(described) if described else {}),
                },
                data_version=dg.DataVersion(dataset.version),
            )

    return uploaded


ASSETS = [dataset_asset(kind) for kind in DatasetKind]
