"""The code location: assembles assets, resources, jobs, sensors and schedules; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from assets import ALL_ASSETS
from datalab.deployment import load_settings
from datalab.registry import home_directory
from datalab_dagster.jobs import JOBS
from datalab_dagster.schedules import SCHEDULES
from datalab_dagster.sensors import SENSORS
from resources import DeploymentWorkspace, FindingThresholds, LogProgress, SqlEngine


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Return the definitions, with `resources` in place of the default ones of the same names."""
    settings = load_settings(home_directory())
    return dg.Definitions(
        assets=ALL_ASSETS,
        jobs=JOBS,
        sensors=SENSORS,
        schedules=SCHEDULES,
        resources={
            "workspace": DeploymentWorkspace(
                statistics_version=settings.statistics_version, minimum_count=settings.minimum_count
            ),
            "progress": LogProgress(),
            "sql": SqlEngine(memory_limit=settings.engine_memory),
            "thresholds": FindingThresholds(limits=settings.thresholds),
            **(resources or {}),
        },
        executor=dg.in_process_executor,
    )


defs = build_definitions()
