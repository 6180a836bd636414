"""The run of a lab, as the assets use it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from datalab.deployment.addresses import Address, Datasets, computed, result, validated
from datalab.deployment.errors import DatasetNotValidated
from datalab.deployment.handles import UploadedDataset
from datalab.deployment.places import Place
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import DescribedDataset
from datalab.results.files import ResultFile
from datalab.results.statistics import StatisticsResultV2
from datalab.results.status import ValidationStatus
from datalab.results.validation import Hint
from datalab.statistics.cause import Evidence
from datalab.statistics.recognised import evidence_of


class LabRun(ABC):
    """The run of an asset, as the asset uses it.

    Attributes:
        lab_id: the partition.
        run_id: the executor's id.
        result_id: names the result: the run, or the earlier attempt whose verdict is recorded.
        definition: of the lab.
        datasets: kind → version; only the datasets that this run reads.
        scratch: a private directory that is removed at the end.
        place: contains the lab's computed files.
        interrupted: whether the run was interrupted.
    """

    place: Place

    def __init__(self, lab_id: str, run_id: str, definition: LabDefinition, datasets: Datasets, scratch: Path) -> None:
        self.lab_id = lab_id
        self.run_id = self.result_id = run_id
        self.definition = definition
        self.datasets = dict(datasets)
        self.scratch = scratch
        self.interrupted = False
        self._failures: dict[str, str] = {}

    def validated(self, kind: DatasetKind, name: str) -> Address:
        """Return the address of the validation's output for a dataset.

        Raises:
            DatasetNotValidated: the run reads no such dataset.
        """
        if kind not in self.datasets:
            raise DatasetNotValidated(self.lab_id, kind, provisioned=False)
        return validated(kind, self.datasets[kind], name)

    def computed(self, name: str) -> Address:
        """Return the address of values computed from all datasets."""
        return computed(self.datasets, name)

    def result(self, file: ResultFile) -> Address:
        """Return the address of a file of this run's result."""
        return result(self.result_id, file.name)

    @abstractmethod
    def size(self, kind: DatasetKind) -> int:
        """Return the bytes of a dataset."""

    @abstractmethod
    def content(self, kind: DatasetKind) -> AbstractContextManager[Path]:
        """Return the plain content of a dataset, as a file that exists until the block ends."""

    @abstractmethod
    def facts(self, kind: DatasetKind) -> Mapping[str, Any] | None:
        """Return what is recognised in the file of a dataset, as JSON of `FileFacts`; None: nothing is known."""

    def dataset(self, kind: DatasetKind) -> UploadedDataset | None:
        """Return the dataset that this run reads; None: it reads none of this kind."""
        return UploadedDataset(kind, self.datasets[kind], self) if kind in self.datasets else None

    def described(self, kind: DatasetKind) -> DescribedDataset | None:
        """Return what is known of the upload of a dataset; None: it is no upload of a deployment."""
        del kind
        return None

    def evidence(self, hints: Mapping[DatasetKind, Iterable[Hint]]) -> Evidence:
        """Return what is known of the datasets in addition to the findings; `hints`: of each dataset."""
        return evidence_of(self.definition, {kind: self.facts(kind) for kind in self.datasets}, hints)

    @abstractmethod
    def previous_statistics(self) -> StatisticsResultV2 | None:
        """Return the statistics of the previous refresh: the newest on other datasets."""

    @abstractmethod
    def result_with(self, file: ResultFile) -> Address:
        """Return the address of a file in the result that has it: this run's, or the newest on the same datasets."""

    @abstractmethod
    def note_rows(self, kind: DatasetKind, total_rows: int) -> None:
        """Record the number of rows of a dataset."""

    @abstractmethod
    def note_validated(self, kind: DatasetKind, *, is_complete: bool) -> None:
        """Record whether the files of the validation of a dataset are complete."""

    @abstractmethod
    def ensure_current(self, *, now: bool = False) -> None:
        """Stop a run whose datasets were replaced, or that lost its lab's lock; check every two seconds, or `now`.

        Raises:
            RunSuperseded: they were, or the run was cancelled.
            LabLockLost: the connection that holds the lock was lost.
        """

    @abstractmethod
    def give_up(self) -> None:
        """Record that the run is not tried again, because it fails for a reason of its own."""

    @abstractmethod
    def hand_over(self, status: ValidationStatus, headlines: Mapping[str, int]) -> None:
        """Commit the verdict if this run has everything that it needs; the verdict takes effect immediately.

        Raises:
            RunSuperseded: see `ensure_current`.
        """

    @abstractmethod
    def add_to_result(self, file: ResultFile, run_id: str) -> None:
        """Record that a file of the run's result was written."""

    def note_failure(self, step: str, reason: str | None) -> None:
        """Record why a step failed; None: a retry succeeded."""
        if reason is None:
            self._failures.pop(step, None)
        else:
            self._failures.setdefault(step, reason)


class UnrecordedRun(LabRun):
    """A run that no registry knows: its datasets are not replaced, and its results are the files in its place."""

    def result_with(self, file: ResultFile) -> Address:
        return self.result(file)

    def note_rows(self, kind: DatasetKind, total_rows: int) -> None:
        """Do nothing: no run reads the count later."""

    def note_validated(self, kind: DatasetKind, *, is_complete: bool) -> None:
        """Do nothing: a preflight validates everything, and in a project Dagster knows what is materialised."""

    def ensure_current(self, *, now: bool = False) -> None:
        """Do nothing: nothing supersedes it."""

    def give_up(self) -> None:
        """Do nothing: who started it decides how often it is tried."""

    def hand_over(self, status: ValidationStatus, headlines: Mapping[str, int]) -> None:
        """Do nothing: the verdict is read from the result."""

    def add_to_result(self, file: ResultFile, run_id: str) -> None:
        """Do nothing: the result is the folder of its files."""
