"""Starts, joins, tracks and stops runs of the deployment on this machine; loads Dagster only when needed."""

from __future__ import annotations

import contextlib
import functools
import logging
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from datalab.deployment import Deployment
from datalab.errors import DatalabError
from datalab.home.settings import Automation
from datalab.home.up import running
from datalab.kinds import DatasetKind
from datalab.registry import Lab, LabChange, Run, RunState
from datalab.registry.errors import ChangeClaimed, RunRefused
from datalab.scratch import why
from datalab_dagster.graph.access import STARTS_RUNS, DagsterAccess
from datalab_dagster.graph.errors import RunNotStarted
from datalab_dagster.graph.runs.processes import QUEUED, RunRequest, begin_process
from datalab_dagster.service.obstacles import Obstacles

if TYPE_CHECKING:
    from datalab_dagster.graph.runs.steps import Step, StepReader

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 30.0
"""How long a request of the sensor may take to become a run, before a validation by hand takes over its change."""
_SECONDS_BETWEEN_LOOKS = 0.25


class LocalRuns:
    """The runs of a deployment.

    Args:
        deployment: the deployment.
        dagster: its instance.
        environment: for the processes of runs.
    """

    def __init__(self, deployment: Deployment, dagster: DagsterAccess, environment: Mapping[str, str]) -> None:
        self._deployment = deployment
        self._registry = deployment.registry
        self._dagster = dagster
        self._environment = environment
        self._obstacles = Obstacles(deployment.home, dagster)
        self._steps: StepReader | None = None
        self._starter: ThreadPoolExecutor | None = None
        """Starts runs for changes where the code for that is loaded."""
        self._closed = False

    def close(self) -> None:
        """Use the deployment no longer; its runs are not stopped."""
        self._closed = True
        if self._starter is not None:
            self._starter.shutdown(wait=False, cancel_futures=True)

    def warm(self) -> None:
        """Load the code that starts a run in advance, because loading takes seconds."""
        from datalab_dagster.graph.catalogue import validation_job
        from datalab_dagster.graph.runs.launcher import ProcessRunLauncher

        validation_job()
        launcher = self._dagster.instance.run_launcher
        if isinstance(launcher, ProcessRunLauncher):
            launcher.prepare()
            self._starter = ThreadPoolExecutor(1, "runs")

    def validate(self, lab: Lab, *, again: bool, by: str) -> Run:
        """Return the run that validates the datasets provisioned now; start one if there is none."""
        if not again and (run := self._answer(lab)) is not None:
            return run
        changed = list(self._registry.provisioning.datasets(lab.id)) if again else []
        cause = f"started by {by}"
        run_id = str(uuid.uuid4())
        run = self._registry.runs.start(lab.id, run_id, cause=cause) if again else self._claim(lab, run_id, cause)
        if run.run_id != run_id:
            return run
        if not self.is_up:
            self._begin(run, changed, by)
        else:
            from datalab_dagster.graph.runs.start import launch_run

            launch_run(self._deployment, self._dagster.instance, lab, run, changed=changed, by=by)
        return run

    def answer(self, lab: Lab, change: LabChange | None) -> None:
        """Stop the run whose datasets a change has replaced, and let that for a complete lab be started now.

        The sensor, which looks every three seconds, requests a run where this process has not loaded the code for that.
        """
        if change is None:
            return
        self.stop_outdated()
        by_sensor = self._deployment.settings.automation is Automation.SENSOR
        if by_sensor and self._starter is not None and self.is_up and not self._deployment.missing(lab):
            self._starter.submit(self._start_for, lab, change)

    def _start_for(self, lab: Lab, change: LabChange) -> None:
        from datalab_dagster.graph.runs.start import cause_of, launch_run

        run_id, by = str(uuid.uuid4()), change.events[-1].by
        try:
            if self.obstacle() is None:
                run = self._registry.runs.start_alone(lab.id, run_id, cause=cause_of(change, "automatic"))
                launch_run(self._deployment, self._dagster.instance, lab, run, changed=change.kinds, by=by)
        except ChangeClaimed:  # the sensor was faster
            pass
        except Exception as error:  # noqa: BLE001 - the errors of Dagster's storage share no base class
            _log.warning("The run for a change was left to the sensor: %s.", type(error).__name__)

    def get(self, run_id: str) -> Run:
        """Return a run; compare an active one with Dagster's records first."""
        run = self._registry.runs.get(run_id)
        if run.ended_at is None and self._dagster.is_poll_due():
            self._reconcile()
            run = self._registry.runs.get(run_id)
        return run

    def steps(self, run: Run) -> Sequence[Step]:
        """Return the state of each step of a run; nothing if Dagster does not answer."""
        from datalab_dagster.graph.runs.steps import StepReader

        self._steps = self._steps or StepReader()
        try:
            return self._steps.steps_of(self._dagster.instance, run.run_id, over=run.state is not RunState.STARTED)
        except DatalabError:
            return []

    def url(self, run: Run) -> str | None:
        """Return the address of a run in Dagster's UI, while that UI runs."""
        up = running(self._deployment.home)
        return f"{up.dagster_url}/runs/{run.run_id}" if up else None

    def cancel(self, run_id: str, *, by: str) -> Run:
        """Stop a run; a run that has ended does not change."""
        from datalab_dagster.graph.runs.reconcile import stop

        cancelled = self._registry.runs.cancel(run_id, f"Cancelled by {by}.")  # before it ends, as if it had finished
        stop(self._dagster.instance, run_id)
        return cancelled

    def stop_outdated(self) -> None:
        """Stop runs whose datasets were replaced."""
        if self._registry.runs.outdated():
            from datalab_dagster.graph.runs.reconcile import stop_outdated

            stop_outdated(self._deployment, self._dagster.instance)

    def _answer(self, lab: Lab) -> Run | None:
        """Return the run on exactly the datasets provisioned now that has their result, is active, or waits."""
        if (result := self._registry.results.current(lab.id)) is not None:
            return self._registry.runs.get(result.run_id)
        if self._registry.runs.in_flight():
            self._reconcile()
        provisioned = self._registry.provisioning.datasets(lab.id)
        for run in self._registry.runs.in_flight():
            if run.lab_id == lab.id and dict(run.datasets) == provisioned:
                return run
        if self.is_up:
            from datalab_dagster.graph.runs.waiting import waiting_run

            sequence = self._registry.provisioning.last_sequence(lab.id)
            if (run_id := waiting_run(self._dagster.instance, lab, sequence)) is not None:
                with contextlib.suppress(RunRefused):  # it has ended, or its change is answered
                    return self._registry.runs.start(lab.id, run_id, sequence=sequence)
        return None

    def _claim(self, lab: Lab, run_id: str, cause: str) -> Run:
        """Return the run that answers the lab's last change: another one that was faster, or the new one."""
        deadline, over = time.monotonic() + _PATIENCE_SECONDS, None
        while True:
            try:
                return self._registry.runs.start_alone(lab.id, run_id, cause=cause, over=over)
            except ChangeClaimed as error:
                if error.claim.run_id is not None:
                    return self._registry.runs.get(error.claim.run_id)
                if not self.is_up or time.monotonic() > deadline:
                    over = error.claim.holder
                    continue
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            if (run := self._answer(lab)) is not None:
                return run

    def _begin(self, run: Run, changed: list[DatasetKind], by: str) -> None:
        """Start a process that creates and executes the run: loading Dagster here as well would double the wait."""
        request = RunRequest(run.run_id, tuple(kind.value for kind in changed), by)
        try:
            process = begin_process(self._environment, request)
        except OSError as error:
            self._registry.runs.fail(run.run_id, why(error))
            self._registry.claims.release(run.run_id)
            raise RunNotStarted(why(error)) from None
        threading.Thread(target=self._follow, args=(process, run.run_id), daemon=True).start()

    def _follow(self, process: subprocess.Popen[str], run_id: str) -> None:
        """Collect the ended process; if it has not recorded the end of its run, nor left it to a daemon, do so."""
        if process.wait() == QUEUED:
            return
        with contextlib.suppress(Exception):  # the database may have been stopped: a later look records the end
            if not self._closed and self._registry.runs.get(run_id).ended_at is None:
                from datalab_dagster.graph.runs.reconcile import end_lost

                end_lost(self._deployment, self._dagster.instance, run_id, watched=self.is_up)

    def _reconcile(self) -> None:
        from datalab_dagster.graph.runs.reconcile import reconcile

        reconcile(self._deployment, self._dagster.instance, watched=self.is_up)

    def obstacle_of_list(self) -> Callable[[], str | None]:
        """Return `obstacle` for all labs of a list, which asks once at most."""
        return functools.cache(self.obstacle)

    def obstacle(self, *, loads_dagster: bool = True) -> str | None:
        """Return why no validation starts automatically after a change, see `Obstacles.of`."""
        sensor = STARTS_RUNS[self._deployment.settings.automation]
        return self._obstacles.of("sensor", sensor, loads_dagster=loads_dagster)

    @property
    def is_up(self) -> bool:
        """Whether `datalab up` runs on this home, so that sensors answer changes."""
        return running(self._deployment.home) is not None
