"""The code location and the ways in: Dagster definitions, the `datalab` command."""
