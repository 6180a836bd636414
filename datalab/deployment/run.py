"""One run of a lab from start to end: what it reads, where it works, what it leaves; who executes it is not known here.

The registry says which datasets a run reads. When they are replaced meanwhile, the run stops and is never current.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from datalab.deployment.errors import DatasetNotValidated, RunSuperseded
from datalab.deployment.home import Deployment
from datalab.errors import InputMissing
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import NewResult, Run, Verdict
from datalab.results.files import ResultFile
from datalab.results.statistics import StatisticsResultV2
from datalab.scratch import scratch_directory

_SECONDS_BETWEEN_LOOKS = 2.0


@contextlib.contextmanager
def lab_run(
    deployment: Deployment, lab_id: str, run_id: str, *, cause: str = "", sequence: int | None = None
) -> Iterator[LabRun]:
    """Begin a run, yield it, and record its end; one per lab at a time, others wait.

    Args:
        deployment: where the lab is.
        lab_id: whose run it is.
        run_id: the executor's id.
        cause: who or what started it.
        sequence: the lab's last provisioning event when the run was asked for; None: whatever is provisioned now.

    Raises:
        LabNotFound, RunRefused: it cannot begin.
        RunSuperseded: the datasets that it was asked for have been replaced.
    """
    registry = deployment.registry
    with deployment.files.locked(lab_id), scratch_directory(deployment.scratch) as scratch:
        lab = registry.labs.get(lab_id)
        started = registry.runs.start(lab_id, run_id, cause=cause)
        run = LabRun(deployment, lab.definition, started, scratch)
        if sequence is not None and registry.provisioning.last_sequence(lab_id) != sequence:
            registry.runs.cancel(run_id, "The datasets were replaced before it began.")
            raise RunSuperseded(lab_id)
        try:
            yield run
        finally:
            run.end()


class LabRun:
    """A run that goes on.

    Attributes:
        definition: of the lab.
        datasets: kind → manifest hash, what this run reads; nothing else.
        scratch: a private directory that is removed at the end.
        interrupted: whether somebody stops the run.
    """

    def __init__(self, deployment: Deployment, definition: LabDefinition, run: Run, scratch: Path) -> None:
        self.definition = definition
        self.lab_id = run.lab_id
        self.run_id = run.run_id
        self.datasets = dict(run.datasets)
        self.scratch = scratch
        self.interrupted = False
        self._deployment = deployment
        self._registry = deployment.registry
        self._files = deployment.files
        self._looked = time.monotonic()
        self._failures: dict[str, str] = {}

    # -------------------------------------------------------------------------------------------------- reading

    def size(self, kind: DatasetKind) -> int:
        """Return the bytes of the dataset provisioned as `kind`."""
        return self._registry.datasets.get(self.datasets[kind]).size

    def content(self, kind: DatasetKind) -> Path:
        """Return the plain content of a dataset, in scratch."""
        path = self.scratch / f"{kind.value}.upload"
        if not path.exists():
            self._deployment.datasets.write_to(self.datasets[kind], path)
        return path

    def forget_content(self, kind: DatasetKind) -> None:
        """Remove the plain content again: the less of it, the better."""
        (self.scratch / f"{kind.value}.upload").unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------------ validated

    def new_valid_rows(self, kind: DatasetKind) -> Path:
        """Return where validation writes the valid rows, in scratch."""
        return self.scratch / f"{kind.value}.parquet"

    def keep_validated(self, kind: DatasetKind, *, report: str, summary: str, total_rows: int) -> None:
        """Keep report, summary, the number of all rows, and the valid rows that lie in scratch."""
        self._deployment.registry.datasets.set_rows(self.datasets[kind], total_rows)
        self._files.keep_validated(
            self.lab_id, kind, self.datasets[kind], report=report, summary=summary, rows=self.new_valid_rows(kind)
        )

    def valid_rows(self, kind: DatasetKind) -> Path:
        """Return the valid rows as plain Parquet in scratch, of this run or of an earlier one on the same dataset."""
        path = self.new_valid_rows(kind)
        if not path.exists():
            self._must_be_validated(kind)
            self._files.decrypt_rows(self.lab_id, kind, self.datasets[kind], path)
        return path

    def summary(self, kind: DatasetKind) -> bytes:
        """Return the counts of the validation report, as JSON."""
        self._must_be_validated(kind)
        return self._files.summary(self.lab_id, kind, self.datasets[kind])

    def _must_be_validated(self, kind: DatasetKind) -> None:
        if kind not in self.datasets or not self._files.is_validated(self.lab_id, kind, self.datasets[kind]):
            raise DatasetNotValidated(self.lab_id, kind, provisioned=kind in self.datasets)

    # ------------------------------------------------------------------------------------------------- computed

    def new_users(self) -> Path:
        """Return where the users are written, in scratch."""
        return self.scratch / "users.parquet"

    def keep_users(self) -> None:
        """Keep the users that lie in scratch."""
        self._files.keep_users(self.lab_id, self.datasets, self.new_users())

    def users(self) -> Path:
        """Return the users as plain Parquet in scratch, of this run or of an earlier one on the same datasets."""
        path = self.new_users()
        if not path.exists():
            self._files.decrypt_users(self.lab_id, self.datasets, path)
        return path

    def keep_panel(self, name: str, text: str) -> None:
        self._files.keep_panel(self.lab_id, self.datasets, name, text)

    def panel(self, name: str) -> bytes:
        return self._files.panel(self.lab_id, self.datasets, name)

    def previous(self, report: str) -> StatisticsResultV2 | None:
        """Return the statistics of the refresh before, kept as panel `report`: the newest on other datasets."""
        for result in self._registry.results.history(self.lab_id):
            if dict(result.datasets) != self.datasets:
                try:
                    return StatisticsResultV2.model_validate_json(
                        self._files.panel(self.lab_id, result.datasets, report)
                    )
                except (InputMissing, ValueError):
                    continue
        return None

    # -------------------------------------------------------------------------------------------------- results

    def publish(self, name: str, text: str) -> None:
        self._files.publish(self.lab_id, self.run_id, name, text)

    def published(self, name: str) -> bytes:
        """Return a file that this run has published, or else an earlier one on the same datasets."""
        return self._files.published(self.lab_id, self._publisher(name), name)

    def _publisher(self, name: str) -> str:
        """The run that has published a file: this one, or else the newest one on the same datasets."""
        for run_id in (self.run_id, *self._earlier_runs()):
            if name in self._files.published_names(self.lab_id, run_id):
                return run_id
        raise InputMissing(name)

    def _earlier_runs(self) -> Iterator[str]:
        for result in self._registry.results.history(self.lab_id):
            if dict(result.datasets) == self.datasets:
                yield result.run_id

    def hand_over(self, status: Verdict, summary: Mapping[str, Any], required: Collection[ResultFile]) -> None:
        """Hand over the verdict, if this run made everything that it rests on: the `required` files."""
        names = self._files.published_names(self.lab_id, self.run_id)
        if {file.name for file in required} <= set(names):
            paths = {name: _path(self.run_id, name) for name in names}
            self._registry.results.record(self.run_id, NewResult(status, paths, summary))

    def add(self, file: ResultFile, text: str, *, shows: ResultFile) -> None:
        """Publish a file that joins the result whose file `shows` it was made from, of this run or an earlier one."""
        run_id = self._publisher(shows.name)
        self._files.publish(self.lab_id, run_id, file.name, text)
        self._registry.results.add_file(run_id, file, _path(run_id, file.name))

    # ------------------------------------------------------------------------------------------------------ end

    def ensure_current(self, *, now: bool = False) -> None:
        """Stop a run whose datasets were replaced; looks every other second, or `now`.

        Raises:
            RunSuperseded: they were, or the run was cancelled.
        """
        if now or time.monotonic() - self._looked > _SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            if not self._registry.runs.is_current(self.run_id):
                raise RunSuperseded(self.lab_id)

    def note_failure(self, step: str, reason: str | None) -> None:
        """Take note of why a step breaks off; None: it came to its end after all."""
        if reason is None:
            self._failures.pop(step, None)
        else:
            self._failures.setdefault(step, reason)

    def end(self) -> None:
        """Record the end; of several reasons the first one counts."""
        if self.interrupted:
            self._registry.runs.cancel(self.run_id, "The run was interrupted.")
        elif self._failures:
            self._registry.runs.fail(self.run_id, next(iter(self._failures.values())))
        else:
            self._registry.runs.finish(self.run_id)


def _path(run_id: str, name: str) -> str:
    return f"results/{run_id}/{name}"
