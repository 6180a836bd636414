"""Reports runs whose process ended before it could report anything; processes of started runs are watched by Dagster.

The process that starts one waits for its end. Runs whose launching process has ended as well are found by a sensor:
with Dagster's own launcher, the code server waits, and nothing else looks at the processes of started runs.
"""

from __future__ import annotations

import time

import dagster as dg

from resources.process import DIED, is_alive, process_of, this_process

LAUNCHER_TAG = "datalab/launcher"
_STARTED = dg.DagsterRunStatus.STARTED
_BEFORE_THE_FIRST_EVENT = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)
_ATTEMPTS, _SECONDS = 60, 2.0
"""How often, and after how long, a report is repeated while the database does not answer."""


def launcher_tag(run_id: str) -> dict[str, str]:
    """Return the tag that names this process as the one that waits for the end of the run's process.

    It contains the id of the run, because Dagster copies the tags of a run that a person executes again.
    """
    return {LAUNCHER_TAG: f"{this_process()}:{run_id}"}


def report_if_lost(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Report the end of a run whose process has ended without its first event, or while it was cancelled.

    Any other run is left alone: it has reported its end, or Dagster's monitoring, which looks at started runs only,
    reports it. So exactly one of both does. Where the launcher cannot be asked, monitoring does not look.

    Returns:
        Whether the run was lost.
    """
    run = instance.get_run_by_id(run_id)
    lost = _BEFORE_THE_FIRST_EVENT if _is_monitored(instance) else (*_BEFORE_THE_FIRST_EVENT, _STARTED)
    if run is not None and run.status in lost:
        instance.report_run_failed(run, DIED)
        return True
    if run is not None and run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, message=DIED)
        return True
    return False


def report_if_lost_with_retries(instance: dg.DagsterInstance, run_id: str) -> None:
    """Do as `report_if_lost`; repeat it while the database does not answer: it may have been killed as well."""
    for _ in range(_ATTEMPTS):
        try:
            report_if_lost(instance, run_id)
        except Exception:  # noqa: BLE001 - the errors of Dagster's storage share no base class
            time.sleep(_SECONDS)
        else:
            return


def report_unwatched(instance: dg.DagsterInstance) -> list[str]:
    """Report every lost run whose launching process has ended too, such as that of a killed `datalab up`.

    Returns:
        The ids of these runs.
    """
    monitored = _is_monitored(instance)
    statuses = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING, *([] if monitored else [_STARTED])]
    return [
        run.run_id
        for run in instance.get_runs(dg.RunsFilter(statuses=statuses))
        if _is_unwatched(run, monitored) and report_if_lost(instance, run.run_id)
    ]


def _is_unwatched(run: dg.DagsterRun, monitored: bool) -> bool:
    process = process_of(run)
    if process is None or is_alive(process):
        return False
    launcher, _, launched = run.tags.get(LAUNCHER_TAG, "").rpartition(":")
    return not monitored or (launched == run.run_id and not is_alive(launcher))


def _is_monitored(instance: dg.DagsterInstance) -> bool:
    """Return whether Dagster's monitoring asks the launcher if the processes of started runs live."""
    return instance.run_launcher.supports_check_run_worker_health
