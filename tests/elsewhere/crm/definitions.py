"""The exports of every day, the Data Lab that checks them, and the audience that is made of valid segments only."""

from pathlib import Path

import dagster as dg
import pandas as pd

from crm.warehouse import DuckDBPandasIOManager
from datalab_dagster import data_lab_assets

PROJECT = Path(__file__).parents[1]
LAB: dict[str, object] = {
    "requireSegments": True,
    "identifiersConfig": [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "email", "idType": "EMAIL", "isMatchingId": True},
    ],
}
USERS = 40
BAD_DAY = "2026-11-02"
days = dg.DailyPartitionsDefinition("2026-11-01", end_date="2026-11-04")
by_day = {"partitions_def": days, "key_prefix": "crm", "metadata": {"partition_expr": "day"}}


def export(day: str, rows: list[tuple[object, ...]], *columns: str) -> pd.DataFrame:
    """Return a table of the warehouse: every row has its day."""
    frame = pd.DataFrame(rows, columns=list(columns), dtype=object)
    return frame.assign(day=pd.Timestamp(day))


@dg.asset(**by_day)
def identifiers(context: dg.AssetExecutionContext) -> pd.DataFrame:
    rows = [(f"user-{n}", "email", f"user-{n}@publisher.example") for n in range(USERS)]
    return export(context.partition_key, rows, "user_id", "id_name", "id")


@dg.asset(**by_day)
def segments(context: dg.AssetExecutionContext) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = [(f"user-{n}", f"segment {n % 12}, all") for n in range(USERS)]
    if context.partition_key == BAD_DAY:
        rows += [("user-1", None), (None, "segment 1"), rows[0], ('user-"2"\n', "planted-4711")]
    return export(context.partition_key, rows, "user_id", "segment")


def columns(name: str, *names: str) -> dg.AssetIn:
    """Return an input that leaves out the day: the columns of a dataset are taken by position."""
    return dg.AssetIn(["crm", name], metadata={"columns": list(names)})


lab = data_lab_assets(
    LAB,
    {
        "identifiers": columns("identifiers", "user_id", "id_name", "id"),
        "segments": columns("segments", "user_id", "segment"),
    },
    name="crm_lab",
    storage=PROJECT / "labs",
    partitions_def=days,
)


@dg.asset(partitions_def=days, ins={"rows": dg.AssetIn(["crm_lab", "valid_segments"])}, io_manager_key="files")
def audience(rows: pd.DataFrame) -> list[str]:
    return sorted(rows["user_id"])


defs = dg.Definitions(
    assets=[identifiers, segments, audience, *lab],
    resources={
        "io_manager": DuckDBPandasIOManager(database=str(PROJECT / "warehouse.duckdb")),
        "files": dg.FilesystemIOManager(base_dir=str(PROJECT / "files")),
    },
    executor=dg.in_process_executor,
)
