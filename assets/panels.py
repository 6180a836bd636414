"""Layer 3: `users`, built once from the valid rows, and one asset per panel of the statistics.

Metadata contains counts by configured names only: segment names, ages and genders are values of rows.
"""

from typing import Any

import dagster as dg

from assets.guard import guarded
from assets.partitions import OWNERS, data_labs
from assets.stored import compute_panel, engine_on_rows, keep_panel
from assets.tables import numbers_of
from datalab import statistics
from datalab.deployment.addresses import USERS
from datalab.deployment.places import Place
from datalab.kinds import DatasetKind
from datalab.statistics import PANELS, Panel
from datalab.statistics.users import CODE_VERSION
from resources import FindingThresholds, LabRun, SqlEngine

VALID_ROWS = {kind: f"valid_{kind.value}" for kind in DatasetKind}


@dg.asset(
    name="users",
    deps=[*VALID_ROWS.values()],
    group_name="statistics",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    description="One row per user: the identifiers they have, the datasets they are in, the number of segments.",
    partitions_def=data_labs,
    code_version=CODE_VERSION,
)
def users(
    context: dg.AssetExecutionContext,
    run: dg.ResourceParam[LabRun],
    place: dg.ResourceParam[Place],
    sql: dg.ResourceParam[SqlEngine],
) -> dg.MaterializeResult[None]:
    with guarded(run, context):
        new_users = run.scratch / "new-users.parquet"
        with engine_on_rows(run, place, sql, with_users=False) as engine:
            statistics.write_users(engine, run.definition, new_users)
        place.keep_rows(run.computed(USERS), new_users)
        with engine_on_rows(run, place, sql) as engine:
            groups = statistics.user_groups(engine, run.definition)
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
        code_version=panel.code_version,
    )
    def computed(
        context: dg.AssetExecutionContext,
        run: dg.ResourceParam[LabRun],
        place: dg.ResourceParam[Place],
        sql: dg.ResourceParam[SqlEngine],
        thresholds: dg.ResourceParam[FindingThresholds],
    ) -> dg.MaterializeResult[None]:
        with guarded(run, context):
            value = compute_panel(panel, run, place, sql, thresholds.thresholds())
            keep_panel(panel, value, run, place)
            numbers = numbers_of(panel.table(value) if value else None)
            return dg.MaterializeResult(
                metadata={**numbers.plotted, "datalab/table": dg.MetadataValue.md(numbers.markdown)}
            )

    return computed


def _key(source: str | DatasetKind | Panel[Any]) -> str:
    """Return the asset key of an input of a panel."""
    if isinstance(source, Panel):
        return source.name
    return VALID_ROWS[source] if isinstance(source, DatasetKind) else source


ASSETS = [users, *(panel_asset(panel) for panel in PANELS)]
