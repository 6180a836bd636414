"""The deployment on this machine, behind the interface that all ways in share; what each call means is said there."""

from __future__ import annotations

import contextlib
import copy
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Self

from datalab.deployment import Deployment
from datalab.deployment.parts import PartUploads
from datalab.errors import DatalabError, InputMissing
from datalab.home.up import running
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import KeyRole, Lab, Result, Run, RunState
from datalab.registry.errors import DatasetNotFound, KeyNotFound
from datalab.scratch import why
from datalab.storage import Key
from datalab.storage.errors import EncryptedFileDamaged
from datalab_dagster.graph.access import DagsterAccess
from datalab_dagster.graph.errors import RunNotStarted
from datalab_dagster.graph.runs.processes import RunRequest, begin_process
from datalab_dagster.service import views
from datalab_dagster.service.accounts import LocalAccounts
from datalab_dagster.service.errors import LabIncomplete, ResultNotFound
from datalab_dagster.service.keys import LocalKeys
from datalab_dagster.service.models import (
    AuditInfo,
    DatasetInfo,
    EventInfo,
    KeyAccess,
    LabInfo,
    ResultInfo,
    RunInfo,
    StepInfo,
)
from datalab_dagster.service.protocol import Progress
from datalab_dagster.service.uploads import LocalUploads


class LocalService:
    """A `HomeService` on the deployment that the environment names; threads may share it.

    Dagster is only imported for what concerns runs.

    Args:
        deployment: whose; closed with the service.
        user: who asks.
        environment: for the processes of runs.
    """

    def __init__(
        self,
        deployment: Deployment,
        user: str,
        environment: Mapping[str, str] = os.environ,
        dagster: DagsterAccess | None = None,
    ) -> None:
        self._deployment = deployment
        self._dagster = dagster or DagsterAccess(environment)
        self._registry = deployment.registry
        self._parts = PartUploads(deployment.datasets)
        self._user = user
        self._environment = environment

    @property
    def user(self) -> str:
        return self._user

    def for_user(self, user: str) -> Self:
        """Return the same deployment as another user sees it; shares what is open."""
        other = copy.copy(self)
        other._user = user
        return other

    @property
    def accounts(self) -> LocalAccounts:
        return LocalAccounts(self._registry.accounts, self._user)

    @property
    def keys(self) -> LocalKeys:
        return LocalKeys(self._deployment.datasets)

    def warm(self) -> None:
        """Load what it takes to start a run, which takes seconds, before somebody waits for it."""
        from datalab_dagster.graph.catalogue import validation_job
        from datalab_dagster.graph.runs.launcher import ProcessRunLauncher

        validation_job()
        launcher = self._dagster.instance.run_launcher
        if isinstance(launcher, ProcessRunLauncher):
            launcher.prepare()

    # ----------------------------------------------------------------------------------------------- datasets

    def upload_dataset(
        self,
        source: BinaryIO,
        name: str,
        *,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        store_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
        progress: Progress | None = None,
    ) -> DatasetInfo:
        return views.dataset_info(
            self._deployment.datasets.upload(
                source,
                name,
                by=self._user,
                key=key,
                description=description,
                usage=usage,
                keep_key=store_key,
                access=access,
                progress=progress,
            )
        )

    @property
    def uploads(self) -> LocalUploads:
        return LocalUploads(self._parts, self._user)

    def datasets(self) -> list[DatasetInfo]:
        return [views.dataset_info(dataset) for dataset in self._registry.datasets.all()]

    def dataset(self, manifest_hash: str) -> DatasetInfo:
        return views.dataset_info(self._registry.datasets.get(manifest_hash))

    def download_dataset(self, manifest_hash: str, key: Key | None = None) -> BinaryIO:
        return self._deployment.datasets.open(manifest_hash, key or self.dataset_key(manifest_hash))  # type: ignore[return-value]

    def delete_dataset(self, manifest_hash: str, *, force: bool = False) -> None:
        self._deployment.datasets.delete(manifest_hash, by=self._user, force=force)

    def dataset_key(self, manifest_hash: str) -> Key:
        return self._deployment.datasets.key(manifest_hash, user=self._user)

    def key_access(self, manifest_hash: str) -> KeyAccess:
        return KeyAccess(users=dict(self._registry.keychain.entry(manifest_hash, user=self._user).access))

    def set_key_access(self, manifest_hash: str, access: Mapping[str, KeyRole]) -> KeyAccess:
        entry = self._registry.keychain.set_access(manifest_hash, access, by=self._user)
        return KeyAccess(users=dict(entry.access))

    # --------------------------------------------------------------------------------------------------- labs

    def create_lab(self, definition: LabDefinition) -> LabInfo:
        return self._lab_info(self._registry.labs.create(definition, by=self._user))

    def labs(self) -> list[LabInfo]:
        datasets = {dataset.manifest_hash: dataset for dataset in self._registry.datasets.all()}
        slots = self._registry.provisioning.all_current()
        return [
            views.lab_info(lab, standing, slots.get(lab.id, {}), datasets)
            for lab, standing in self._registry.labs.standings()
        ]

    def lab(self, lab: str) -> LabInfo:
        return self._lab_info(self._registry.labs.get(lab))

    def delete_lab(self, lab: str) -> None:
        lab_id = self._registry.labs.get(lab).id
        self._registry.labs.delete(lab_id, by=self._user)
        self._stop_outdated()

    def change(self, lab: str, changes: Mapping[DatasetKind, str | None], *, cause: str = "") -> LabInfo:
        found = self._registry.labs.get(lab)
        if self._registry.provisioning.change(found.id, changes, by=self._user, cause=cause):
            self._stop_outdated()
        return self._lab_info(found)

    def events(self, lab: str) -> list[EventInfo]:
        events = self._registry.provisioning.events(self._registry.labs.get(lab).id)
        return [views.event_info(event) for event in events]

    # --------------------------------------------------------------------------------------------------- runs

    def validate(self, lab: str, *, again: bool = False) -> RunInfo:
        found = self._registry.labs.get(lab)
        if missing := self._deployment.missing(found):
            raise LabIncomplete(found.id, [kind.value for kind in missing])
        if not again and (run := self._answer(found)) is not None:
            return self._run_info(run)
        changed = list(self._registry.provisioning.datasets(found.id)) if again else []
        cause = f"validated by {self._user}"
        if not self._is_up:
            return self._run_info(self._begin(found, changed, cause))
        from datalab_dagster.graph.runs.start import start_run

        run = start_run(self._deployment, self._dagster.instance, found, changed=changed, cause=cause, by=self._user)
        return self._run_info(run)

    def _answer(self, lab: Lab) -> Run | None:
        """The run that gave the current result, goes on, or waits, for exactly what is provisioned now."""
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

    def _begin(self, lab: Lab, changed: list[DatasetKind], cause: str) -> Run:
        """Start a process that makes the run and executes it: loading Dagster here as well would double the wait."""
        run_id = str(uuid.uuid4())
        run = self._registry.runs.start(lab.id, run_id, cause=cause)
        request = RunRequest(run_id, lab.id, tuple(kind.value for kind in changed), cause, self._user)
        try:
            process = begin_process(self._environment, request)
        except OSError as error:
            self._registry.runs.fail(run_id, why(error))
            raise RunNotStarted(why(error)) from None
        threading.Thread(target=process.wait, daemon=True).start()  # no zombie is left
        return run

    def _reconcile(self) -> None:
        from datalab_dagster.graph.runs.reconcile import reconcile

        reconcile(self._deployment, self._dagster.instance, watched=self._is_up)

    def run(self, run_id: str) -> RunInfo:
        run = self._registry.runs.get(run_id)
        if run.ended_at is None and self._dagster.is_time_to_look():
            self._reconcile()
            run = self._registry.runs.get(run_id)
        return self._run_info(run, steps=self._steps(run))

    def runs(self, lab: str) -> list[RunInfo]:
        return [self._run_info(run) for run in self._registry.runs.history(self._registry.labs.get(lab).id)]

    def cancel_run(self, run_id: str) -> RunInfo:
        from datalab_dagster.graph.runs.reconcile import stop

        self._registry.runs.get(run_id)
        stop(self._dagster.instance, run_id)
        return self._run_info(self._registry.runs.cancel(run_id, f"Cancelled by {self._user}."))

    # ------------------------------------------------------------------------------------------------ results

    def results(self, lab: str) -> list[ResultInfo]:
        lab_id = self._registry.labs.get(lab).id
        current = self._registry.results.current(lab_id)
        return [self._result_info(result, current) for result in self._registry.results.history(lab_id)]

    def current_result(self, lab: str) -> ResultInfo | None:
        current = self._registry.results.current(self._registry.labs.get(lab).id)
        return self._result_info(current, current) if current else None

    def result_file(self, lab: str, name: str, *, run_id: str | None = None) -> bytes:
        result = self._result(lab, run_id)
        if name not in result.paths:
            raise ResultNotFound(result.lab_id, f"file '{name}' in its result")
        try:
            return self._deployment.files.published(result.lab_id, result.run_id, name)
        except InputMissing:
            raise ResultNotFound(result.lab_id, f"file '{name}' in its result") from None

    def validation_report(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> bytes:
        result = self._result(lab, run_id)
        if kind not in result.datasets:
            raise ResultNotFound(result.lab_id, f"validation report of {kind.value}")
        try:
            return self._deployment.files.report(result.lab_id, kind, result.datasets[kind])
        except (InputMissing, DatasetNotFound, KeyNotFound, EncryptedFileDamaged):
            raise ResultNotFound(result.lab_id, f"validation report of {kind.value} that can be read") from None

    # ---------------------------------------------------------------------------------------------- audit log

    def audit_log(self, *, limit: int = 100, before: int | None = None) -> list[AuditInfo]:
        entries = self._registry.accounts.audit.entries(limit=limit, before=before)
        return [AuditInfo.model_validate(entry) for entry in entries]

    # ---------------------------------------------------------------------------------------------------- end

    def close(self) -> None:
        self._dagster.close()
        self._deployment.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------- helpers

    @property
    def _is_up(self) -> bool:
        return running(self._deployment.home) is not None

    def _stop_outdated(self) -> None:
        if self._registry.runs.outdated():
            from datalab_dagster.graph.runs.reconcile import stop_outdated

            stop_outdated(self._deployment, self._dagster.instance)

    def _lab_info(self, lab: Lab) -> LabInfo:
        slots = self._registry.provisioning.current(lab.id)
        datasets = {slot.manifest_hash: self._registry.datasets.get(slot.manifest_hash) for slot in slots.values()}
        return views.lab_info(lab, self._registry.labs.standing(lab.id), slots, datasets)

    def _run_info(self, run: Run, steps: Sequence[StepInfo] = ()) -> RunInfo:
        up = running(self._deployment.home)
        return views.run_info(run, f"{up.dagster_url}/runs/{run.run_id}" if up else None, steps)

    def _steps(self, run: Run) -> list[StepInfo]:
        from datalab_dagster.graph.runs.steps import steps_of

        with contextlib.suppress(DatalabError):
            steps = steps_of(self._dagster.instance, run.run_id, over=run.state is not RunState.STARTED)
            return [StepInfo.model_validate(step, from_attributes=True) for step in steps]
        return []

    def _result(self, lab: str, run_id: str | None) -> Result:
        lab_id = self._registry.labs.get(lab).id
        if run_id is None:
            result = self._registry.results.current(lab_id)
        else:
            history = self._registry.results.history(lab_id)
            result = next((result for result in history if result.run_id == run_id), None)
        if result is None:
            raise ResultNotFound(lab_id, f"result of run {run_id}" if run_id else "result for what is provisioned now")
        return result

    def _result_info(self, result: Result, current: Result | None) -> ResultInfo:
        has_report = self._deployment.files.has_report
        reports = [kind for kind, content in result.datasets.items() if has_report(result.lab_id, kind, content)]
        return views.result_info(result, reports, current=current is not None and result.number == current.number)
