"""The code location: assembles assets, resources and jobs; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from assets import ALL_ASSETS
from datalab_dagster.jobs import JOBS
from resources import FindingThresholds, LogProgress, SqlEngine
from resources.workspace import default_workspace


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Return the definitions, with `resources` in place of the default ones of the same names."""
    return dg.Definitions(
        assets=ALL_ASSETS,
        jobs=JOBS,
        resources={
            "workspace": default_workspace(),
            "progress": LogProgress(),
            "sql": SqlEngine(),
            "thresholds": FindingThresholds(),
            **(resources or {}),
        },
        executor=dg.in_process_executor,
    )


defs = build_definitions()
