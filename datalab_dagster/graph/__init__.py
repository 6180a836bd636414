"""The graph: everything that imports Dagster, from the catalogue of assets and jobs to the processes of runs."""
