"""Starts, joins, tracks and stops runs of the deployment on this machine; loads Dagster only when needed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from datalab.deployment import Deployment
from datalab.errors import DatalabError
from datalab.home.up import running
from datalab.kinds import DatasetKind
from datalab.registry import Lab, Run, RunState
from datalab.scratch import why
from datalab_dagster.graph.access import DagsterAccess
from datalab_dagster.graph.errors import RunNotStarted
from datalab_dagster.graph.runs.processes import RunRequest, begin_process

if TYPE_CHECKING:
    from datalab_dagster.graph.runs.steps import Step


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

    def warm(self) -> None:
        """Load the code that starts a run in advance, because loading takes seconds."""
        from datalab_dagster.graph.catalogue import validation_job
        from datalab_dagster.graph.runs.launcher import ProcessRunLauncher

        validation_job()
        launcher = self._dagster.instance.run_launcher
        if isinstance(launcher, ProcessRunLauncher):
            launcher.prepare()

    def validate(self, lab: Lab, *, again: bool, by: str) -> Run:
        """Return the run that validates the datasets provisioned now; start one if there is none."""
        if not again and (run := self._answer(lab)) is not None:
            return run
        changed = list(self._registry.provisioning.datasets(lab.id)) if again else []
        cause = f"validated by {by}"
        if not self._is_up:
            return self._begin(lab, changed, cause, by)
        from datalab_dagster.graph.runs.start import start_run

        return start_run(self._deployment, self._dagster.instance, lab, changed=changed, cause=cause, by=by)

    def get(self, run_id: str) -> Run:
        """Return a run; compare an active one with Dagster's records first."""
        run = self._registry.runs.get(run_id)
        if run.ended_at is None and self._dagster.is_poll_due():
            self._reconcile()
            run = self._registry.runs.get(run_id)
        return run

    def steps(self, run: Run) -> Sequence[Step]:
        """Return the state of each step of a run; nothing if Dagster does not answer."""
        from datalab_dagster.graph.runs.steps import steps_of

        try:
            return steps_of(self._dagster.instance, run.run_id, over=run.state is not RunState.STARTED)
        except DatalabError:
            return []

    def url(self, run: Run) -> str | None:
        """Return the address of a run in Dagster's UI, while that UI runs."""
        up = running(self._deployment.home)
        return f"{up.dagster_url}/runs/{run.run_id}" if up else None

    def cancel(self, run_id: str, *, by: str) -> Run:
        """Stop a run; a run that has ended does not change."""
        from datalab_dagster.graph.runs.reconcile import stop

        self._registry.runs.get(run_id)
        stop(self._dagster.instance, run_id)
        return self._registry.runs.cancel(run_id, f"Cancelled by {by}.")

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
        if self._is_up:
            from datalab_dagster.graph.runs.waiting import waiting_run

            if (run_id := waiting_run(self._deployment, self._dagster.instance, lab.id)) is not None:
                return self._registry.runs.start(lab.id, run_id)
        return None

    def _begin(self, lab: Lab, changed: list[DatasetKind], cause: str, by: str) -> Run:
        """Start a process that creates and executes the run: loading Dagster here as well would double the wait."""
        run_id = str(uuid.uuid4())
        run = self._registry.runs.start(lab.id, run_id, cause=cause)
        request = RunRequest(run_id, lab.id, tuple(kind.value for kind in changed), cause, by)
        try:
            process = begin_process(self._environment, request)
        except OSError as error:
            self._registry.runs.fail(run_id, why(error))
            raise RunNotStarted(why(error)) from None
        threading.Thread(target=process.wait, daemon=True).start()  # leave no zombie process
        return run

    def _reconcile(self) -> None:
        from datalab_dagster.graph.runs.reconcile import reconcile

        reconcile(self._deployment, self._dagster.instance, watched=self._is_up)

    @property
    def _is_up(self) -> bool:
        return running(self._deployment.home) is not None
