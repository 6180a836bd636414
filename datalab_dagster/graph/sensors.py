"""The sensors: upload files of drop zones, handle lost and failed runs, send notifications; see also `provisioning`.

Each tick asks the domain and answers; the registry stores what later ticks need. A tick that starts nothing says why.
"""

import contextlib
import logging

import dagster as dg

from datalab.deployment import Deployment
from datalab.deployment.notify import notify
from datalab.formats import counted
from datalab.home.settings import Automation, Settings
from datalab.registry import Lab, Run, RunState
from datalab.registry.errors import LabNotFound, RunNotFound, RunRefused
from datalab.results.files import DASHBOARD
from datalab_dagster.graph.answering import RunStatusSensor, answers
from datalab_dagster.graph.conditions import condition_sensor
from datalab_dagster.graph.drop_zones import poll, take_from_drop_zone
from datalab_dagster.graph.jobs import validate_data_lab
from datalab_dagster.graph.provisioning import provisioned, provisioning
from datalab_dagster.graph.runs.again import dropped_attempts
from datalab_dagster.graph.runs.lost import report_unwatched
from datalab_dagster.graph.runs.reconcile import reconcile, stop_outdated
from datalab_dagster.graph.uploads import report_uploads
from datalab_dagster.graph.zone_attempts import earlier_attempts, given_up, is_being_read, next_attempt
from resources.attempts import is_tried_again
from resources.run import CAUSE_TAG, lab_of, requested_sequence

_log = logging.getLogger(__name__)
"""Goes to the log of the code server; the log of a tick is discarded, as Dagster keeps it where output of steps is."""


@dg.sensor(
    job=take_from_drop_zone,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Finds complete new files in the configured drop zones; a run uploads and provisions each.",
)
@answers
def drop_zones(deployment: Deployment, context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    zones = deployment.settings.drop_zones
    if not zones:
        return dg.SkipReason("No drop zone is configured (dropZones in datalab.yaml).")
    attempts = earlier_attempts(context.instance)
    files, cursor, messages = poll(deployment, context.cursor, given_up(attempts))
    for message in messages:
        _log.warning(message)
    wanted = [file for file in files if not (file.again and is_being_read(context.instance, file))]
    requests = [request for file in wanted if (request := next_attempt(file, attempts)) is not None]
    reason = (
        "The next attempt has to wait." if files else f"{counted(len(zones), 'drop zone')} polled: nothing to take."
    )
    return dg.SensorResult(
        run_requests=requests, cursor=cursor, skip_reason=None if requests else dg.SkipReason(reason)
    )


@dg.sensor(
    job=validate_data_lab,
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Stops runs whose datasets were replaced, and records the end of runs whose process has died.",
)
@answers
def lost_runs(deployment: Deployment, context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    stopped = stop_outdated(deployment, context.instance)
    lost = report_unwatched(context.instance)
    reconcile(deployment, context.instance)
    return dropped_attempts(deployment, context.instance) or dg.SkipReason(
        f"{counted(len(stopped), 'run')} stopped, because the datasets were replaced; {counted(len(lost), 'run')} lost."
        if stopped or lost
        else "No run was lost, and none has to be stopped."
    )


def _broken(deployment: Deployment, context: dg.RunStatusSensorContext) -> dg.SkipReason:
    run = context.dagster_run
    reason = context.dagster_event.message or "The run was interrupted."
    try:
        lab = lab_of(deployment, run)
        ended = None if lab is None else _ended(deployment, lab, run, reason)
    except (LabNotFound, RunNotFound):
        return dg.SkipReason(_NOT_NEEDED)
    if lab is not None and ended is not None:
        if ended.state is RunState.SUPERSEDED:
            return dg.SkipReason(_NOT_NEEDED)
        _notify_of_verdict(deployment, lab, run.run_id)
        if is_tried_again(context.instance, run):
            return dg.SkipReason("Another attempt follows: no notification is needed.")
        if ended.reason == reason and _is_complete(deployment, ended):
            return dg.SkipReason("The run had completed its result: no notification is needed.")
        reason = ended.reason or reason
    notify(deployment.settings.on_failure, "RUN_FAILED", lab=lab.id if lab else None, run_id=run.run_id, reason=reason)
    return dg.SkipReason("Notification sent.")


broken_runs = RunStatusSensor(
    "broken_runs",
    run_status=dg.DagsterRunStatus.FAILURE,
    run_status_sensor_fn=answers(_broken),
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Records in the lab's state why a run failed, and sends a notification if it is not tried again.",
)


_NOT_NEEDED = "Its datasets were replaced, or its lab deleted: no notification is needed."


def _ended(deployment: Deployment, lab: Lab, run: dg.DagsterRun, reason: str) -> Run:
    """Record that a run failed, with `reason` if it has recorded none."""
    runs = deployment.registry.runs
    with contextlib.suppress(RunRefused):  # it has ended already, or another answers its change
        runs.start(lab.id, run.run_id, cause=run.tags.get(CAUSE_TAG, ""), sequence=requested_sequence(run))
    return runs.fail(run.run_id, runs.get(run.run_id).reason or reason)


def _is_complete(deployment: Deployment, run: Run) -> bool:
    """Return whether a run was killed when its result had everything."""
    found = [one for one in deployment.registry.results.history(run.lab_id) if one.run_id == run.run_id]
    return any(DASHBOARD.name in one.paths for one in found)


def _failed(deployment: Deployment, context: dg.RunStatusSensorContext) -> None:
    run = context.dagster_run
    with contextlib.suppress(LabNotFound):  # it was deleted
        if lab := lab_of(deployment, run):
            _notify_of_verdict(deployment, lab, run.run_id)


failed_labs = RunStatusSensor(
    "failed_labs",
    run_status=dg.DagsterRunStatus.SUCCESS,
    run_status_sensor_fn=answers(_failed),
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends the configured notifications when a lab did not pass validation.",
)


def _notify_of_verdict(deployment: Deployment, lab: Lab, run_id: str) -> None:
    """Send a notification if the current verdict of a run is FAILED; the later end of the run does not matter."""
    result = deployment.registry.results.current(lab.id)
    if result is not None and result.run_id == run_id and result.status == "FAILED":
        reason = deployment.registry.labs.state(lab.id).reason
        notify(deployment.settings.on_failure, "LAB_FAILED", lab=lab.id, run_id=run_id, reason=reason)


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """Return the sensors; the first ones start the runs of changed labs, as the settings say."""
    by_conditions = settings.automation is Automation.CONDITIONS
    first = [provisioned, condition_sensor()] if by_conditions else [provisioning]
    return [*first, report_uploads, drop_zones, lost_runs, broken_runs, failed_labs]
