"""Runs a synthetic lab of a few users through the graph, so that a process has loaded everything before its run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from datalab.lab import load_lab
from datalab.sample import write_sample
from datalab_dagster.graph.preflight import preflight
from resources.progress import LogProgress

_USERS = 20


def warm_up() -> None:
    """Run every step once, in memory and in a temporary directory; a small run then takes half as long."""
    with tempfile.TemporaryDirectory(prefix="datalab-warm-up-") as name:
        sample = write_sample(Path(name) / "files", users=_USERS)
        preflight(load_lab(sample.lab), sample.files, Path(name) / "out", LogProgress())
