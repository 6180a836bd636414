"""The pools: names under which the settings of Dagster limit how many runs compute at once."""

SPARK = "spark"
"""Of validations and `users`, which read whole datasets: with a cluster, Spark does them."""
DUCKDB = "duckdb"
"""Of panels, which query the rows of a lab."""
POOLS = (SPARK, DUCKDB)
