"""Schedules: every night stale labs are validated again, and what nobody needs any more is removed."""

from collections.abc import Iterator

import dagster as dg

from datalab.deployment import Deployment
from datalab.home.directory import home_directory
from datalab.home.settings import load_settings
from datalab.registry import LabState, RunState
from datalab_dagster.graph.jobs import sweep_deployment, validate_data_lab
from datalab_dagster.graph.runs.selection import assets_to_run
from datalab_dagster.graph.runs.start import run_tags

_settings = load_settings(home_directory())


@dg.schedule(
    job=validate_data_lab,
    cron_schedule=_settings.nightly,
    execution_timezone=_settings.timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Validates labs whose data were never validated, or whose last run broke off.",
)
def nightly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    night = context.scheduled_execution_time.strftime("%Y-%m-%d")
    with Deployment.open() as deployment:
        for lab, standing in deployment.registry.labs.standings():
            runs = deployment.registry.runs.history(lab.id, limit=1)
            broke_off = standing.state is LabState.FAILED and runs and runs[0].state is RunState.FAILED
            if (standing.state is not LabState.STALE and not broke_off) or deployment.missing(lab):
                continue
            sequence = deployment.registry.provisioning.last_sequence(lab.id)
            yield dg.RunRequest(
                run_key=f"{lab.id}:{sequence}:{night}",
                partition_key=lab.id,
                asset_selection=assets_to_run(deployment, lab, ()),
                tags=run_tags(lab, sequence=sequence, kinds=(), cause="nightly schedule", by="schedule"),
            )


@dg.schedule(
    job=sweep_deployment,
    cron_schedule="30 4 * * *",
    execution_timezone=_settings.timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes what nobody needs any more.",
)
def nightly_sweep() -> dg.RunRequest:
    return dg.RunRequest()


SCHEDULES = [nightly, nightly_sweep]
