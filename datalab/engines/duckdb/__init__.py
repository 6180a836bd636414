"""The engine on DuckDB; the only package that imports `duckdb`."""

from datalab.engines.duckdb.engine import DuckDBEngine

__all__ = ["DuckDBEngine"]
