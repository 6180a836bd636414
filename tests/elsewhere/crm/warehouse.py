"""The warehouse: pandas frames in DuckDB.

It is `DuckDBPandasIOManager` of the package dagster-duckdb-pandas, whose releases require pandas before 3.
"""

from collections.abc import Sequence

import dagster as dg
import pandas as pd
from dagster_duckdb import DuckDBIOManager
from dagster_duckdb.io_manager import DbTypeHandler, DuckDbClient, TableSlice
from duckdb import DuckDBPyConnection


class PandasHandler(DbTypeHandler[pd.DataFrame]):
    """Stores and loads frames."""

    def handle_output(
        self, context: dg.OutputContext, table_slice: TableSlice, obj: pd.DataFrame, connection: DuckDBPyConnection
    ) -> None:
        name = f"{table_slice.schema}.{table_slice.table}"
        connection.register("frame", obj)
        connection.execute(f"create table if not exists {name} as select * from frame limit 0")
        connection.execute(f"insert into {name} select * from frame")
        context.add_output_metadata({"dagster/partition_row_count": len(obj)})

    def load_input(
        self, context: dg.InputContext, table_slice: TableSlice, connection: DuckDBPyConnection
    ) -> pd.DataFrame:
        return connection.execute(DuckDbClient.get_select_statement(table_slice)).fetchdf()

    @property
    def supported_types(self) -> Sequence[type[object]]:
        return [pd.DataFrame]


class DuckDBPandasIOManager(DuckDBIOManager):
    """Tables of the warehouse as pandas frames."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler]:
        return [PandasHandler()]

    @staticmethod
    def default_load_type() -> type[pd.DataFrame]:
        return pd.DataFrame
