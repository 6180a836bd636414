"""Runs a made-up lab of a few users through the graph, so that a process has everything loaded when its run comes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from datalab.lab import load_lab
from datalab.sample import write_sample
from datalab_dagster.graph.preflight import preflight
from resources.progress import LogProgress

_USERS = 20


def rehearse() -> None:
    """Run every step once, in memory and a directory that is removed; a small run then takes half as long."""
    with tempfile.TemporaryDirectory(prefix="datalab-rehearsal-") as name:
        sample = write_sample(Path(name) / "files", users=_USERS)
        preflight(load_lab(sample.lab), sample.files, Path(name) / "out", LogProgress())
