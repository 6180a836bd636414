"""The schedules of labs: one schedule of Dagster, which asks the registry every minute which labs are due.

Definitions are loaded once per code server, while labs and their schedules come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from datalab.deployment import Deployment
from datalab.formats import counted, listed, name_or_unnamed
from datalab.kinds import KINDS
from datalab.registry import Lab, LabSchedule
from datalab_dagster.graph.answering import answers
from datalab_dagster.graph.home import LAB_SCHEDULES
from datalab_dagster.graph.jobs import validate_data_lab
from datalab_dagster.graph.runs.scheduled import requested_run

RUN_KEY_TAG = "dagster/run_key"
_REQUESTS = 200
"""How many labs a tick takes at most: Dagster makes their runs one after another. The rest is due in the next one."""
_NAMED = 3
"""How many labs a skip reason names."""


@dg.schedule(
    name=LAB_SCHEDULES,
    job=validate_data_lab,
    cron_schedule="* * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Validates labs again at the times of their own schedules (`datalab schedule set`).",
)
@answers
def lab_schedules(
    deployment: Deployment, context: dg.ScheduleEvaluationContext
) -> Sequence[dg.RunRequest] | dg.SkipReason:
    schedules = deployment.registry.schedules
    now = max(datetime.now(UTC), context.scheduled_execution_time)
    found = schedules.due(now)
    if not found:
        return dg.SkipReason("No schedule of a lab is due.")
    missed = [one for one in found if one.requested and not _exists(deployment, context.instance, one)]
    due = [one for one in found if one.next_at <= now and one not in missed]
    taken = [*missed, *schedules.take(due[:_REQUESTS], now)]
    labs = {lab.id: lab for lab, _ in deployment.registry.labs.states([one.lab_id for one in taken])}
    requests, reasons = [], []
    for one in taken:
        if (lab := labs.get(one.lab_id)) is None:  # deleted meanwhile, and its schedule with it
            continue
        answer = _answer(deployment, context, lab, one)
        if isinstance(answer, dg.RunRequest):
            requests.append(answer)
        else:
            schedules.answer(one, outcome=answer)
            reasons.append(f"{name_or_unnamed(lab.name)}: {answer}")
    return requests or dg.SkipReason(_reason(reasons))


def _exists(deployment: Deployment, instance: dg.DagsterInstance, schedule: LabSchedule) -> bool:
    """Return whether the run that an earlier tick requested exists, and record it; the daemon may have died before."""
    tags = {RUN_KEY_TAG: f"{schedule.lab_id}:{_name(schedule)}"}
    run = next(iter(instance.get_runs(dg.RunsFilter(tags=tags), limit=1)), None)
    if run is not None:
        deployment.registry.schedules.answer(schedule, run_id=run.run_id)
    return run is not None


def _answer(
    deployment: Deployment, context: dg.ScheduleEvaluationContext, lab: Lab, schedule: LabSchedule
) -> dg.RunRequest | str:
    """Return the run for the time when a lab was due, or why there is none."""
    if missing := deployment.missing(lab):
        titles = listed([KINDS[kind].title for kind in missing])
        return f"{titles} {'is' if len(missing) == 1 else 'are'} not provisioned."
    cause = f"schedule “{schedule.cron}”, {schedule.timezone}"
    request = requested_run(deployment, context, lab, name=_name(schedule), kinds=lab.definition.datasets, cause=cause)
    return request or "Another validation of these datasets was requested or is running."


def _name(schedule: LabSchedule) -> str:
    """Return what distinguishes the time when a lab was due last; it never comes twice."""
    assert schedule.due_at is not None
    return f"schedule:{schedule.due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _reason(reasons: Sequence[str]) -> str:
    """Return why a tick requests no run although labs were due, or may have been."""
    more = len(reasons) - _NAMED
    rest = [f"{counted(more, 'further lab')} {'was' if more == 1 else 'were'} due, too."] if more > 0 else []
    return " ".join([*reasons[:_NAMED], *rest]) or "The runs of the last time exist; no schedule of a lab is due."
