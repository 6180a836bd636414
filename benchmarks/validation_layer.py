"""Validates a lab through the graph and stops there: what `datalab preflight` does before its statistics.

    python -m benchmarks.validation_layer DIR     DIR holds LAB.json and the four files

It is a separate process, so that its time and memory are not mixed with those of the statistics.
"""

from __future__ import annotations

import sys
from pathlib import Path

import dagster as dg

from datalab.lab import load_lab
from datalab.scratch import scratch_directory
from datalab_dagster.graph.preflight import PreflightOptions, run_graph
from resources import LogProgress, PreflightRun


def main() -> None:
    """Run the two layers."""
    directory = Path(sys.argv[1])
    lab = load_lab(directory / "LAB.json")
    files = {kind: directory / f"{kind.value}.csv" for kind in lab.datasets}
    selection = dg.AssetSelection.groups("datasets", "validation")
    with scratch_directory(directory) as scratch:
        run = PreflightRun(scratch, lab, files, previous=directory)
        run_graph(run, LogProgress(), PreflightOptions(), selection)
        missing = [kind.value for kind in lab.datasets if not run.place.is_validated(kind, run.datasets[kind])]
    if missing:
        raise SystemExit(f"not validated: {missing}")


if __name__ == "__main__":
    main()
