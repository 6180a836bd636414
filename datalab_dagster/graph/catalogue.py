"""The assets, jobs and resources of the code location; sensors and schedules are in modules of their own."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import dagster as dg

from assets import ALL_ASSETS, COMPUTED, DATASETS, uploaded_datasets
from datalab.home.directory import home_directory
from datalab.home.settings import Settings, load_settings
from datalab_dagster.graph.jobs import JOBS, VALIDATE
from resources import IO_MANAGERS, FindingThresholds, LogProgress, ResultOptions, SqlEngine, deployment_run, fixed


def catalogue(
    settings: Settings,
    resources: Mapping[str, object] | None = None,
    *,
    condition: dg.AutomationCondition[dg.AssetKey] | None = None,
) -> dg.Definitions:
    """Return assets, jobs and resources.

    Args:
        settings: of the deployment.
        resources: replace the default ones of the same names.
        condition: of the computed assets.
    """
    return dg.Definitions(
        assets=[uploaded_datasets, *(_conditioned(condition) if condition else ALL_ASSETS)],
        jobs=JOBS,
        resources={
            "run": deployment_run,
            **IO_MANAGERS,
            "workspace": fixed(
                ResultOptions(statistics_version=settings.statistics_version, minimum_count=settings.minimum_count)
            ),
            "progress": LogProgress(),
            "sql": fixed(SqlEngine(memory_limit=settings.memory_of_engine)),
            "thresholds": fixed(FindingThresholds(limits=settings.thresholds)),
            **(resources or {}),
        },
        executor=dg.in_process_executor,
    )


def _conditioned(condition: dg.AutomationCondition[dg.AssetKey]) -> Sequence[dg.AssetsDefinition]:
    def add(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(automation_condition=condition)

    return [*DATASETS, *dg.map_asset_specs(add, COMPUTED)]


@functools.cache
def validation_job() -> dg.JobDefinition:
    """Return the job that validates a Data Lab, with the deployment's resources."""
    return catalogue(load_settings(home_directory())).resolve_job_def(VALIDATE)
