"""Sensors: start runs for provisioning events, upload files of drop zones, handle failed runs and send notifications.

Each tick opens the deployment, asks the domain and answers; the registry stores what later ticks need.
"""

import contextlib
import logging

import dagster as dg

from assets import data_labs
from datalab.deployment import Deployment
from datalab.deployment.notify import notify
from datalab.formats import listed
from datalab.home.directory import home_directory
from datalab.kinds import KINDS
from datalab.registry import Action, Lab, LabChange, Run, RunState
from datalab.registry.errors import LabNotFound, RunNotFound, RunRefused
from datalab_dagster.graph.drop_zones import poll, take_from_drop_zone
from datalab_dagster.graph.jobs import validate_data_lab
from datalab_dagster.graph.runs.claims import claimed
from datalab_dagster.graph.runs.lost import report_unwatched
from datalab_dagster.graph.runs.reconcile import reconcile, stop_outdated
from datalab_dagster.graph.runs.selection import assets_to_run, left_undone
from datalab_dagster.graph.runs.start import run_tags
from datalab_dagster.graph.runs.watch import may_answer_events
from datalab_dagster.graph.unanswered import unanswered
from datalab_dagster.graph.zone_attempts import earlier_attempts, given_up, next_attempt
from resources.run import CAUSE_TAG, PARTITION_TAG, requested_sequence

_log = logging.getLogger(__name__)
"""Goes to the log of the code server; the log of a tick is discarded, as Dagster keeps it where output of steps is."""
_ATTEMPTS = 3
"""How often a run is started for the same data if it is interrupted without an error of its own."""
_ELSEWHERE = "`datalab up` runs on this home; its daemon does this."


@dg.sensor(
    job=validate_data_lab,
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts one run per lab for its provisioning events, of the assets downstream; a lab is a partition.",
)
def provisioning(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    if not may_answer_events(home_directory()):
        return dg.SkipReason(_ELSEWHERE)
    with Deployment.open() as deployment:
        stop_outdated(deployment, context.instance)
        report_unwatched(context.instance)
        reconcile(deployment, context.instance)
        changes, cursor = unanswered(deployment, context.cursor, _log.warning)
        labs = {lab.id: lab for lab in deployment.registry.labs.all()}
        requests = [
            request
            for change in changes
            if change.lab_id in labs
            and (request := _request(deployment, context.instance, labs[change.lab_id], change)) is not None
        ]
        return dg.SensorResult(
            run_requests=requests,
            cursor=str(cursor),
            dynamic_partitions_requests=_partitions(context.instance, set(labs)),
            asset_events=[event for change in changes if change.lab_id in labs for event in _provisioned(change)],
        )


def _request(deployment: Deployment, instance: dg.DagsterInstance, lab: Lab, change: LabChange) -> dg.RunRequest | None:
    """Return the run for a change; None if the result of these datasets is known, or another run answers it."""
    provisioned = deployment.registry.provisioning.datasets(lab.id)
    kinds = [kind for kind in change.kinds if kind in provisioned]
    with_verdict = {result.run_id for result in deployment.registry.results.history(lab.id, limit=5)}
    answered = deployment.registry.results.current(lab.id) is not None or any(
        (
            run.state is RunState.STARTED
            or (run.sequence >= change.sequence and (run.state is RunState.FINISHED or run.run_id in with_verdict))
        )
        and dict(run.datasets) == provisioned
        for run in deployment.registry.runs.history(lab.id, limit=5)
    )
    selection = assets_to_run(deployment, lab, kinds) if kinds and not answered else []
    if not selection or not claimed(deployment, lambda: instance, lab.id, change.sequence, change.run_key):
        return None
    return dg.RunRequest(
        run_key=change.run_key,
        partition_key=lab.id,
        asset_selection=selection,
        tags=run_tags(lab, sequence=change.sequence, kinds=change.kinds, cause=_cause(change), by=change.events[-1].by),
    )


def _cause(change: LabChange) -> str:
    """Return what a validation answers: the reason that was given, or who changed which slots."""
    last = change.events[-1]
    slots = listed([KINDS[kind].title for kind in change.kinds])
    return last.cause or f"automatic, after {last.by} {_DONE[last.action]} {slots}"


_DONE = {Action.PROVISIONED: "provisioned", Action.REPROVISIONED: "replaced", Action.DEPROVISIONED: "took out"}


def _partitions(
    instance: dg.DagsterInstance, labs: set[str]
) -> list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    """Return the requests that add and delete partitions, so that they match the existing labs."""
    known = set(instance.get_dynamic_partitions(data_labs.name or ""))
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if added := sorted(labs - known):
        requests.append(data_labs.build_add_request(added))
    if removed := sorted(known - labs):
        requests.append(data_labs.build_delete_request(removed))
    return requests


def _provisioned(change: LabChange) -> list[dg.AssetMaterialization]:
    """Return the datasets provisioned now as new versions of their assets, which make assets downstream stale."""
    newest = {event.kind: event for event in change.events}
    return [
        dg.AssetMaterialization(
            asset_key=kind.value,
            partition=change.lab_id,
            tags={"dagster/data_version": event.manifest_hash},
            metadata={"datalab/by": event.by, "datalab/action": event.action.value, "datalab/sequence": event.sequence},
        )
        for kind, event in newest.items()
        if event.manifest_hash is not None
    ]


@dg.sensor(
    job=take_from_drop_zone,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Finds complete new files in the configured drop zones; a run uploads and provisions each.",
)
def drop_zones(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    if not may_answer_events(home_directory()):
        return dg.SkipReason(_ELSEWHERE)
    with Deployment.open() as deployment:
        if not deployment.settings.drop_zones:
            return dg.SkipReason("No drop zone is configured (dropZones in datalab.yaml).")
        attempts = earlier_attempts(context.instance)
        files, cursor, messages = poll(deployment, context.cursor, given_up(attempts))
        for message in messages:
            _log.warning(message)
        return dg.SensorResult(
            run_requests=[request for file in files if (request := next_attempt(file, attempts)) is not None],
            cursor=cursor,
        )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    request_job=validate_data_lab,
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Records in the lab's state why a run failed; restarts what is incomplete, or sends a notification.",
)
def broken_runs(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    run = context.dagster_run
    lab_id = run.tags.get(PARTITION_TAG)
    reason = context.dagster_event.message or "The run was interrupted."
    with Deployment.open() as deployment:
        if lab_id is not None:
            found = _ended(deployment, lab_id, run, reason)
            if found is None or found[1].state is RunState.SUPERSEDED:
                return dg.SkipReason("Its datasets were replaced, or its lab deleted: no notification is needed.")
            has_own_reason, ended = found
            _notify_of_verdict(deployment, lab_id, run.run_id)
            if not has_own_reason:
                lab = deployment.registry.labs.get(lab_id)
                undone = left_undone(deployment, lab, ended, run.asset_selection)
                if not undone and _has_verdict(deployment, ended):
                    return dg.SkipReason("The run had completed its result: no notification is needed.")
                if undone and not _tried_often(deployment, ended):
                    again = _again(lab, ended, undone)
                    if claimed(deployment, lambda: context.instance, lab_id, ended.sequence, again.run_key or ""):
                        return again
                    return dg.SkipReason("Another run answers the change already.")
            reason = ended.reason or reason
        notify(deployment.settings.on_failure, "RUN_FAILED", lab=lab_id, run_id=run.run_id, reason=reason)
        return dg.SkipReason("Notification sent.")


def _ended(deployment: Deployment, lab_id: str, run: dg.DagsterRun, reason: str) -> tuple[bool, Run] | None:
    """Record that a run failed; return it and whether it had recorded this itself. None: lab or run are unknown."""
    runs = deployment.registry.runs
    try:
        with contextlib.suppress(RunRefused):  # it has ended already, or another answers its change
            runs.start(lab_id, run.run_id, cause=run.tags.get(CAUSE_TAG, ""), sequence=requested_sequence(run))
        before = runs.get(run.run_id)
        return before.state is RunState.FAILED, runs.fail(run.run_id, before.reason or reason)
    except (LabNotFound, RunNotFound):
        return None


def _has_verdict(deployment: Deployment, run: Run) -> bool:
    return any(result.run_id == run.run_id for result in deployment.registry.results.history(run.lab_id))


def _tried_often(deployment: Deployment, run: Run) -> bool:
    """Return whether the runs for the same data have failed as often as allowed."""
    earlier = deployment.registry.runs.history(run.lab_id, limit=_ATTEMPTS)
    broken = [
        one for one in earlier if one.sequence == run.sequence and one.state in (RunState.FAILED, RunState.CANCELLED)
    ]
    return len(broken) >= _ATTEMPTS


_AGAIN = "automatic, another attempt: the process of the last one was lost"


def _again(lab: Lab, run: Run, undone: list[dg.AssetKey]) -> dg.RunRequest:
    """Return the run that replaces one that was killed, interrupted, or lost its database."""
    return dg.RunRequest(
        run_key=f"{lab.id}:{run.sequence}:after:{run.run_id}",
        partition_key=lab.id,
        asset_selection=undone,
        tags=run_tags(lab, sequence=run.sequence, kinds=(), cause=_AGAIN, by="broken_runs"),
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends the configured notifications when a lab did not pass validation.",
)
def failed_labs(context: dg.RunStatusSensorContext) -> None:
    run = context.dagster_run
    lab_id = run.tags.get(PARTITION_TAG)
    if lab_id is None:
        return
    with Deployment.open() as deployment:
        _notify_of_verdict(deployment, lab_id, run.run_id)


def _notify_of_verdict(deployment: Deployment, lab_id: str, run_id: str) -> None:
    """Send a notification if the current verdict of a run is FAILED; the later end of the run does not matter."""
    result = deployment.registry.results.current(lab_id)
    if result is not None and result.run_id == run_id and result.status == "FAILED":
        reason = deployment.registry.labs.state(lab_id).reason
        notify(deployment.settings.on_failure, "LAB_FAILED", lab=lab_id, run_id=run_id, reason=reason)


SENSORS = [provisioning, drop_zones, broken_runs, failed_labs]
