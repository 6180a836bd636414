"""The code location: assembles assets, resources and jobs; nothing is decided here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from assets import ALL_ASSETS
from datalab_dagster.jobs import JOBS
from resources import LabWorkspace, LogProgress


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Return the definitions, with `resources` in place of the default ones of the same names."""
    home = Path(os.environ.get("DATALAB_HOME", ".datalab")).absolute()
    return dg.Definitions(
        assets=ALL_ASSETS,
        jobs=JOBS,
        resources={
            "workspace": LabWorkspace(root=str(home / "labs")),
            "progress": LogProgress(),
            **(resources or {}),
        },
        executor=dg.in_process_executor,
    )


defs = build_definitions()
