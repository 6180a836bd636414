"""Layer 3: `users`, built once from the valid rows, and one asset per panel of the statistics.

Metadata holds counts by configured names only: segment names, ages and genders are values of rows.
"""

from typing import Any

import dagster as dg

from assets.guard import guarded
from assets.partitions import OWNERS, data_labs
from assets.session import Session
from assets.tables import numbers_of
from datalab import statistics
from datalab.kinds import DatasetKind
from datalab.statistics import PANELS, Panel
from resources import FindingThresholds, LabWorkspace, SqlEngine

VALID_ROWS = {kind: f"valid_{kind.value}" for kind in DatasetKind}


@dg.asset(
    name="users",
    deps=[*VALID_ROWS.values()],
    group_name="statistics",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    description="One row per user: which identifiers he has, which datasets he is in, how many segments.",
    partitions_def=data_labs,
)
def users(context: dg.AssetExecutionContext, workspace: LabWorkspace, sql: SqlEngine) -> dg.MaterializeResult[None]:
    with guarded(workspace, context):
        session = Session(context.partition_key, workspace, sql)
        with session.engine(with_users=False) as engine:
            statistics.write_users(engine, session.lab, workspace.new_users(session.name))
        workspace.keep_users(session.name)
        with session.engine() as engine:
            groups = statistics.user_groups(engine, session.lab)
        return dg.MaterializeResult(metadata={"dagster/row_count": sum(group.users for group in groups)})


def panel_asset(panel: Panel[Any]) -> dg.AssetsDefinition:
    """Build the asset of one panel."""

    @dg.asset(
        name=panel.name,
        deps=[_key(source) for source in panel.inputs],
        group_name="statistics",
        kinds={"duckdb", "sql"} if panel.reads_rows else {"json"},
        owners=OWNERS,
        description=panel.question,
        partitions_def=data_labs,
    )
    def computed(
        context: dg.AssetExecutionContext, workspace: LabWorkspace, sql: SqlEngine, thresholds: FindingThresholds
    ) -> dg.MaterializeResult[None]:
        with guarded(workspace, context):
            session = Session(context.partition_key, workspace, sql)
            value = session.compute(panel, thresholds.thresholds())
            session.store(panel.name, value)
            numbers = numbers_of(panel.table(value) if value else None)
            return dg.MaterializeResult(
                metadata={**numbers.plotted, "datalab/table": dg.MetadataValue.md(numbers.markdown)}
            )

    return computed


def _key(source: str | DatasetKind | Panel[Any]) -> str:
    """The asset of something that a panel is computed from."""
    if isinstance(source, Panel):
        return source.name
    return VALID_ROWS[source] if isinstance(source, DatasetKind) else source


ASSETS = [users, *(panel_asset(panel) for panel in PANELS)]
