"""Updates the registry's runs with Dagster's records of them, and stops runs whose data were replaced."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import dagster as dg

from datalab.deployment import Deployment
from datalab.registry import Run
from datalab_dagster.graph.runs.lost import report_if_lost
from resources.process import DIED, interrupt, is_alive, process_of

_log = logging.getLogger(__name__)
_PATIENCE = timedelta(minutes=2)


def stop_outdated(deployment: Deployment, instance: dg.DagsterInstance) -> list[str]:
    """End every run whose datasets were replaced, including waiting runs; return their ids.

    The registry decides under the lab's lock: a run whose datasets are back by then is not stopped.
    """
    stopped = [
        run.run_id for run in deployment.registry.runs.outdated() if deployment.registry.runs.supersede(run.run_id)
    ]
    for run_id in stopped:
        stop(instance, run_id)
    return stopped


def stop(instance: dg.DagsterInstance, run_id: str) -> None:
    """Cancel a run, waiting or active; a run that has ended does not change.

    A run that the launcher cannot stop is interrupted itself if it is on this host: its code server was restarted, or
    it was begun without a daemon. Any other stops when it next asks the registry whether it is current.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    if run.status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED):
        instance.report_run_canceled(run)
        return
    try:
        is_told = instance.run_launcher.terminate(run_id)
    except Exception as error:  # noqa: BLE001 - the errors of launchers share no base class
        _log.warning("The launcher could not stop run %s: %s.", run_id, type(error).__name__)
        is_told = False
    if not is_told and (process := process_of(run)) is not None:
        interrupt(process)


def reconcile(deployment: Deployment, instance: dg.DagsterInstance, *, watched: bool = True) -> None:
    """Record the end of every active run that ended without recording it: killed, cancelled, never started.

    Args:
        watched: whether a daemon watches the processes of runs; its sensor `broken_runs` then handles interrupted
            runs first, because it knows the reason.
    """
    for run in deployment.registry.runs.in_flight():
        _reconcile_one(deployment, instance, run, watched=watched)


def end_lost(deployment: Deployment, instance: dg.DagsterInstance, run_id: str, *, watched: bool) -> None:
    """Record the end of a run whose process, begun without a daemon, has ended and has not recorded it itself.

    Args:
        deployment: of the run.
        instance: its records; the run may have ended before it was created there.
        run_id: the run.
        watched: whether a daemon was started meanwhile; it then ends and restarts a started run.
    """
    runs = deployment.registry.runs
    known = instance.get_run_by_id(run_id)
    if known is None:
        runs.fail(run_id, DIED)
        deployment.registry.claims.release(run_id)
    elif watched:
        report_if_lost(instance, run_id)
    elif known.is_finished:
        _reconcile_one(deployment, instance, runs.get(run_id), watched=False)
    else:
        instance.report_run_failed(known, DIED)
        runs.fail(run_id, DIED)


def _reconcile_one(deployment: Deployment, instance: dg.DagsterInstance, run: Run, *, watched: bool) -> None:
    runs = deployment.registry.runs
    known = instance.get_run_by_id(run.run_id)
    is_old = datetime.now(UTC) - run.started_at > _PATIENCE
    if known is None:
        if is_old:
            runs.cancel(run.run_id, "It was never begun.")
            deployment.registry.claims.release(run.run_id)
        return
    if not known.is_finished:
        process = process_of(known)
        if _never_begun(instance, known) or (process is not None and not is_alive(process) and not watched):
            # It may have ended regularly since the check above.
            known = instance.get_run_by_id(run.run_id) or known
            if not known.is_finished:
                instance.report_run_failed(known, DIED)
                runs.fail(run.run_id, DIED)
        return
    if known.status is dg.DagsterRunStatus.CANCELED:
        runs.cancel(run.run_id)
    elif known.status is dg.DagsterRunStatus.FAILURE:
        if not watched or _ended_long_ago(instance, run.run_id):
            runs.fail(run.run_id, DIED)
    else:
        runs.finish(run.run_id)


def _never_begun(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether a run has left the queue, or had no queue, and no process was named for it in time.

    It may have waited in the queue for hours, so this counts from the last change of its status; an image may have to
    be fetched first.
    """
    if process_of(run) is not None or run.status is dg.DagsterRunStatus.QUEUED:
        return False
    record = instance.get_run_record_by_id(run.run_id)
    patience = max(_PATIENCE, timedelta(seconds=instance.run_monitoring_start_timeout_seconds))
    return record is not None and datetime.now(UTC) - record.update_timestamp > patience


def _ended_long_ago(instance: dg.DagsterInstance, run_id: str) -> bool:
    record = instance.get_run_record_by_id(run_id)
    ended = record.end_time if record else None
    return ended is None or datetime.now(UTC) - datetime.fromtimestamp(ended, UTC) > _PATIENCE
