"""Schedules: every night, stale labs are validated again and data that are no longer needed are removed.

`lab_schedules` has those of labs.
"""

from collections.abc import Sequence

import dagster as dg

from datalab.deployment import Deployment
from datalab.formats import counted
from datalab.home.settings import Settings
from datalab.registry import Lab, LabState, RunState
from datalab_dagster.graph.answering import answers
from datalab_dagster.graph.jobs import sweep_deployment, validate_data_lab
from datalab_dagster.graph.lab_schedules import lab_schedules
from datalab_dagster.graph.runs.scheduled import requested_run


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Return the schedules `nightly` and `nightly_sweep`, at the times in the settings, and that of all labs."""
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
        description="Removes data that are no longer needed, and reports how old results are.",
    )
    return [night(_validate_again), sweep(_sweep), lab_schedules]


@answers
def _validate_again(
    deployment: Deployment, context: dg.ScheduleEvaluationContext
) -> Sequence[dg.RunRequest] | dg.SkipReason:
    night = context.scheduled_execution_time.strftime("%Y-%m-%d")
    requests, answered = [], 0
    for lab, explained in deployment.registry.labs.states():
        if not _needs_run(deployment, lab, explained.state):
            continue
        sequence = deployment.registry.provisioning.last_sequence(lab.id)
        request = requested_run(
            deployment, context, lab, name=f"{sequence}:{night}", kinds=(), cause="nightly schedule"
        )
        if request is None:
            answered += 1
        else:
            requests.append(request)
    if answered and not requests:
        return dg.SkipReason(f"{counted(answered, 'lab')} to validate; other runs answer the changes already.")
    return requests or dg.SkipReason("No lab is stale with all its datasets, and no last run was interrupted.")


def _needs_run(deployment: Deployment, lab: Lab, state: LabState) -> bool:
    """Return whether the datasets of a lab were never validated, or its last run failed before it had a verdict."""
    if state is LabState.FAILED:
        last = next(iter(deployment.registry.runs.history(lab.id, limit=1)), None)
        result = deployment.registry.results.current(lab.id)
        return last is not None and last.state is RunState.FAILED and (result is None or result.run_id != last.run_id)
    return state is LabState.STALE


@answers
def _sweep(deployment: Deployment, context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    del deployment, context
    return dg.RunRequest()
