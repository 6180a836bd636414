"""Layer 3: `users`, built once from the valid rows, and one asset per panel of the statistics.

Metadata contains counts by configured names only: segment names, ages and genders are values of rows.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.intact import intact_check, rows_intact
from assets.partitions import OWNERS, data_labs
from assets.stored import ROWS_OF_DATASETS, computed_panel, engine_on_rows, optional
from assets.tables import numbers_of
from datalab import statistics
from datalab.deployment.addresses import USERS
from datalab.deployment.handles import NewRows, StoredRows
from datalab.home.pools import DUCKDB, SPARK
from datalab.kinds import DatasetKind
from datalab.results.large import uncollected
from datalab.statistics import PANELS, Panel
from datalab.statistics.users import CODE_VERSION
from resources import AGGREGATES, ROWS, VALID_ROWS, FindingThresholds, LabRun, SqlEngine, guarded


@dg.asset(
    name=USERS,
    ins=ROWS_OF_DATASETS,
    group_name="statistics",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    description="One row per user: the identifiers they have, the datasets they are in, the number of segments.",
    partitions_def=data_labs,
    code_version=CODE_VERSION,
    io_manager_key=ROWS,
    pool=SPARK,
    check_specs=[intact_check(USERS)],
)
def users(
    context: dg.AssetExecutionContext,
    run: dg.ResourceParam[LabRun],
    sql: dg.ResourceParam[SqlEngine],
    **valid: StoredRows | None,
) -> Iterator[dg.MaterializeResult[NewRows] | dg.AssetCheckResult]:
    with guarded(run, context):
        new = run.scratch / "new-users.parquet"
        with engine_on_rows(run, sql, valid) as engine:
            statistics.write_users(engine, run.definition, new)
            engine.register_parquet(USERS, [new])
            groups = statistics.user_groups(engine, run.definition)
        yield dg.MaterializeResult(
            value=NewRows({USERS: new}), metadata={"dagster/row_count": sum(group.users for group in groups)}
        )
        yield rows_intact(run, USERS, run.computed(USERS))


def panel_asset(panel: Panel[Any]) -> dg.AssetsDefinition:
    """Build the asset of one panel."""

    @dg.asset(
        name=panel.name,
        ins=dict(_input(source) for source in panel.inputs),
        group_name="statistics",
        kinds={"duckdb", "sql"} if panel.reads_rows else {"json"},
        owners=OWNERS,
        description=panel.question,
        partitions_def=data_labs,
        code_version=panel.code_version,
        io_manager_key=AGGREGATES,
        dagster_type=optional(panel.model),
        pool=DUCKDB,
    )
    def computed(
        context: dg.AssetExecutionContext,
        run: dg.ResourceParam[LabRun],
        sql: dg.ResourceParam[SqlEngine],
        thresholds: dg.ResourceParam[FindingThresholds],
        **inputs: Any,
    ) -> dg.MaterializeResult[Any]:
        with guarded(run, context), uncollected():
            value = computed_panel(panel, run, sql, thresholds.thresholds(), inputs)
            numbers = numbers_of(panel.table(value) if value else None)
            return dg.MaterializeResult(
                value=value,
                metadata={**numbers.plotted, "datalab/table": dg.MetadataValue.md(numbers.markdown)},
            )

    return computed


def _input(source: str | DatasetKind | Panel[Any]) -> tuple[str, dg.AssetIn]:
    """Return the name of an input of a panel, which is the name of its asset, and what it is."""
    if isinstance(source, Panel):
        return source.name, dg.AssetIn(dagster_type=optional(source.model))
    if isinstance(source, DatasetKind):
        return VALID_ROWS[source], ROWS_OF_DATASETS[VALID_ROWS[source]]
    return source, dg.AssetIn(dagster_type=StoredRows)


ASSETS = [users, *(panel_asset(panel) for panel in PANELS)]
