"""Schedules: every night, stale labs are validated again and data that are no longer needed are removed."""

from collections.abc import Iterator

import dagster as dg

from datalab.deployment import Deployment
from datalab.home.settings import Settings
from datalab.registry import LabState, RunState
from datalab_dagster.graph.jobs import sweep_deployment, validate_data_lab
from datalab_dagster.graph.runs.claims import claimed
from datalab_dagster.graph.runs.selection import assets_to_run
from datalab_dagster.graph.runs.start import run_tags


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Return the schedules `nightly` and `nightly_sweep`, at the times in the settings."""
    night = dg.schedule(
        name="nightly",
        job=validate_data_lab,
        cron_schedule=settings.nightly,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Validates labs whose data were never validated, or whose last run failed.",
    )
    sweep = dg.schedule(
        name="nightly_sweep",
        job=sweep_deployment,
        cron_schedule=settings.sweep,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Removes data that are no longer needed.",
    )
    return [night(_validate_again), sweep(_sweep)]


def _validate_again(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    night = context.scheduled_execution_time.strftime("%Y-%m-%d")
    with Deployment.open() as deployment:
        for lab, explained in deployment.registry.labs.states():
            runs = deployment.registry.runs.history(lab.id, limit=1)
            run_failed = explained.state is LabState.FAILED and runs and runs[0].state is RunState.FAILED
            if run_failed and (result := deployment.registry.results.current(lab.id)) is not None:
                run_failed = result.run_id != runs[0].run_id  # after its verdict, which stands
            if (explained.state is not LabState.STALE and not run_failed) or deployment.missing(lab):
                continue
            sequence = deployment.registry.provisioning.last_sequence(lab.id)
            run_key = f"{lab.id}:{sequence}:{night}"
            if not claimed(deployment, lambda: context.instance, lab.id, sequence, run_key):
                continue  # another run answers the change
            yield dg.RunRequest(
                run_key=run_key,
                partition_key=lab.id,
                asset_selection=assets_to_run(deployment, lab, ()),
                tags=run_tags(lab, sequence=sequence, kinds=(), cause="nightly schedule", by="schedule"),
            )


def _sweep() -> dg.RunRequest:
    return dg.RunRequest()
