"""The run of a lab: its datasets, whether they are still provisioned, and its end. Its results are in its place.

The registry says which datasets a run reads. If they are replaced meanwhile, or the run loses the lock of its lab, it
stops and publishes nothing.
The run of a preflight is in `resources.preflight`.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from datalab.deployment import Deployment
from datalab.deployment.addresses import STATISTICS_REPORT, Address, computed, result
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.deployment.errors import LabLockLost, RunSuperseded
from datalab.errors import DatalabError, InputMissing, LabTooLarge, OutputFailed, UsageError
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, require_limits
from datalab.registry import DescribedDataset, Lab, LabLock, NewResult, Run
from datalab.registry.errors import RunNotFound
from datalab.results.files import STATISTICS, VALIDATION_STATUS, ResultFile
from datalab.results.statistics import StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.scratch import forget, scratch_directory
from resources.attempts import AGAIN, RETRY_TAG, earlier_attempts, give_up
from resources.guard import AWAY
from resources.lab_run import LabRun
from resources.process import DIED, process_tag, this_process

PARTITION_TAG = "dagster/partition"
CAUSE_TAG = "datalab/cause"
SEQUENCE_TAG = "datalab/sequence"

_SECONDS_BETWEEN_POLLS = 2.0


class DeploymentRun(LabRun):
    """A run on a deployment."""

    place: EncryptedPlace
    instance: dg.DagsterInstance | None = None
    """Has the run; None: it is executed without Dagster."""

    def __init__(
        self, deployment: Deployment, definition: LabDefinition, run: Run, scratch: Path, lock: LabLock
    ) -> None:
        super().__init__(run.lab_id, run.run_id, definition, run.datasets, scratch)
        self.place = deployment.folders.place(run.lab_id, scratch)
        self._deployment = deployment
        self._registry = deployment.registry
        self._lock = lock
        self._polled_at = time.monotonic()

    def size(self, kind: DatasetKind) -> int:
        return self._registry.datasets.get(self.datasets[kind]).size

    @contextlib.contextmanager
    def content(self, kind: DatasetKind) -> Iterator[Path]:
        path = self.scratch / f"{kind.value}.upload"
        try:
            self._deployment.datasets.write_to(self.datasets[kind], path)
            yield path
        finally:
            forget(path)

    def facts(self, kind: DatasetKind) -> Mapping[str, Any] | None:
        return self._registry.datasets.get(self.datasets[kind]).facts

    def described(self, kind: DatasetKind) -> DescribedDataset | None:
        return next(iter(self._registry.described.of([self.datasets[kind]])), None)

    def previous_statistics(self) -> StatisticsResultV2 | None:
        for earlier in self._registry.results.history(self.lab_id):
            if dict(earlier.datasets) != self.datasets:
                with contextlib.suppress(InputMissing, ValueError):
                    stored = self.place.read(self.place.newest(computed(earlier.datasets, STATISTICS_REPORT)))
                    return StatisticsResultV2.model_validate_json(stored)
        return None

    def result_with(self, file: ResultFile) -> Address:
        for run_id in (self.result_id, *self._earlier_runs()):
            if self.place.has(found := result(run_id, file.name)):
                return found
        raise InputMissing(file.name)

    def _earlier_runs(self) -> Iterator[str]:
        for earlier in self._registry.results.history(self.lab_id):
            if dict(earlier.datasets) == self.datasets:
                yield earlier.run_id

    def note_rows(self, kind: DatasetKind, total_rows: int) -> None:
        self._registry.datasets.set_rows(self.datasets[kind], total_rows)

    def note_validated(self, kind: DatasetKind, *, is_complete: bool) -> None:
        if held := self.datasets.get(kind):
            note = self._registry.validated.add if is_complete else self._registry.validated.remove
            note(self.lab_id, kind, held)

    def ensure_current(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self._polled_at > _SECONDS_BETWEEN_POLLS:
            self._polled_at = time.monotonic()
            if not self._registry.runs.is_current(self.run_id):
                raise RunSuperseded(self.lab_id)
            if not self._lock.is_held():
                raise LabLockLost(self.lab_id)

    def give_up(self) -> None:
        if self.instance is not None:
            give_up(self.instance, self.run_id)

    def hand_over(self, status: ValidationStatus, headlines: Mapping[str, int]) -> None:
        self.ensure_current(now=True)
        names = self.place.result_names(self.result_id)
        if {STATISTICS.name, VALIDATION_STATUS.name} <= set(names):
            paths = {name: _path(self.result_id, name) for name in names}
            copies = self._deployment.folders.copies(self.lab_id, self.result_id, names, self.datasets)
            verdict = NewResult(status.status, paths, headlines, copies)
            if not self._registry.results.record(self.result_id, verdict, lock=self._lock):
                raise LabLockLost(self.lab_id)

    def add_to_result(self, file: ResultFile, run_id: str) -> None:
        copies = self._deployment.folders.copies(self.lab_id, run_id, [file.name])
        self._registry.results.add_file(run_id, file, _path(run_id, file.name), copies)

    def resume(self, attempts: Sequence[str]) -> None:
        """Continue the result of earlier attempts, the newest first, whose completed steps are not repeated."""
        recorded = {one.run_id for one in self._registry.results.history(self.lab_id)}
        for earlier in attempts:
            if earlier in recorded:
                self.result_id = earlier
                return
        for earlier in attempts:
            for name in self.place.result_names(earlier):
                if not self.place.has(mine := result(self.run_id, name)):
                    self.place.write(mine, self.place.read(mine.of_run(earlier)).decode())
            self._deployment.folders.remove_result(self.lab_id, earlier)

    def end(self) -> None:
        """Record the end; only the first of several reasons counts."""
        if self.interrupted:
            self._registry.runs.cancel(self.run_id, "The run was interrupted.")
        elif self._failures:
            self._registry.runs.fail(self.run_id, next(iter(self._failures.values())))
        else:
            self._registry.runs.finish(self.run_id)


def _path(run_id: str, name: str) -> str:
    return f"results/{run_id}/{name}"


@dg.resource(description="The run of a Data Lab: its datasets, whether they are still provisioned, and its end.")
def deployment_run(context: dg.InitResourceContext) -> Iterator[DeploymentRun]:
    """Start a run on the deployment that the environment names, and record its end."""
    run = context.run
    if run is None:
        raise UsageError(_NO_LAB)
    mark_process(context.instance, run.run_id)  # before it waits for the lab: not every launcher names its process
    cause = AGAIN if RETRY_TAG in run.tags else run.tags.get(CAUSE_TAG, "by hand")
    attempts = earlier_attempts(context.instance, run)
    with contextlib.ExitStack() as stack:
        deployment = stack.enter_context(Deployment.open())
        try:
            lab = lab_of(deployment, run)
            if lab is None:
                raise UsageError(_NO_LAB)
            begun = stack.enter_context(
                started(
                    deployment, lab.id, run.run_id, cause=cause, sequence=requested_sequence(run), attempts=attempts
                )
            )
        except DatalabError as error:
            if context.instance and not isinstance(error, AWAY):
                give_up(context.instance, run.run_id)
            raise
        begun.instance = context.instance
        if run.asset_selection is not None:
            deployment.registry.runs.note_assets(run.run_id, [key.path[-1] for key in run.asset_selection])
        yield begun


_NO_LAB = "A run needs a Data Lab: choose its partition and launch again."


def lab_of(deployment: Deployment, run: dg.DagsterRun) -> Lab | None:
    """Return the lab of a run in Dagster; None: it is a run of something else.

    Raises:
        LabNotFound: the lab was deleted.
    """
    key = run.tags.get(PARTITION_TAG)
    return None if key is None else deployment.registry.labs.of_partition(key)


def requested_sequence(run: dg.DagsterRun) -> int | None:
    """Return the provisioning event for which a run was requested; None if a person launched it in Dagster's pages."""
    sequence = run.tags.get(SEQUENCE_TAG)
    return int(sequence) if sequence else None


@contextlib.contextmanager
def started(
    deployment: Deployment,
    lab_id: str,
    run_id: str,
    *,
    cause: str = "",
    sequence: int | None = None,
    attempts: Sequence[str] = (),
) -> Iterator[DeploymentRun]:
    """Start a run, yield it, and record its end; a lab has one run at a time, others wait.

    Args:
        deployment: where the lab is.
        lab_id: the lab.
        run_id: the executor's id.
        cause: the user or event that started it.
        sequence: the lab's last provisioning event when the run was requested; None: use the datasets provisioned now.
        attempts: the earlier attempts that it resumes, the newest first.

    Raises:
        LabNotFound, RunRefused: it cannot start.
        LabTooLarge: an earlier version made the lab, beyond the limits of definitions; the run is recorded as failed.
        DatabaseUnreachable, DatabaseFull: there is no connection for the lock of the lab.
        OutputFailed: the disk is full, or the home cannot be written to; the run has this reason.
        RunSuperseded: the datasets for which it was requested have been replaced.
    """
    registry = deployment.registry
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(registry.lab_locks.hold(lab_id))
        try:
            scratch = stack.enter_context(scratch_directory(deployment.scratch))
        except OutputFailed as error:
            with contextlib.suppress(UsageError):  # it has ended, or another run answers the change
                registry.runs.start(lab_id, run_id, cause=cause, sequence=sequence)
                registry.runs.fail(run_id, str(error))
            raise
        lab = registry.labs.get(lab_id)
        for earlier in attempts:
            with contextlib.suppress(RunNotFound):
                if registry.runs.get(earlier).ended_at is None:  # it cannot be active without the lock
                    registry.runs.fail(earlier, DIED)
        known = registry.runs.start(lab_id, run_id, cause=cause, sequence=sequence)
        if known.ended_at is not None:
            raise RunSuperseded(lab_id)
        run = DeploymentRun(deployment, lab.definition, known, scratch, lock)
        try:
            _require_limits(run)
            run.resume(attempts)
            yield run
        finally:
            run.end()


def _require_limits(run: LabRun) -> None:
    try:
        require_limits(run.definition)
    except LabTooLarge as error:
        run.note_failure("definition", str(error))
        raise


def mark_process(instance: dg.DagsterInstance | None, run_id: str) -> None:
    """Record in the run which process executes it, so that a killed process is detected."""
    if instance is not None:
        instance.add_run_tags(run_id, process_tag(run_id, this_process()))
