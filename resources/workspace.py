"""Where the assets of one lab read and write: what every workspace can do, and how a living lab's does it.

Only places are decided here; what the files hold is the domain's. That of a preflight is in `resources.preflight`.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from datalab.deployment import Deployment, LabRun, lab_run
from datalab.errors import UsageError
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.files import STATISTICS, VALIDATION_STATUS, ResultFile
from datalab.results.statistics import StatisticsResultV2
from datalab.results.status import ValidationStatus
from resources.process import PROCESS_TAG, this_process

STATISTICS_REPORT = "statistics_report"
"""The panel that holds all statistics in the second format, whatever format is published."""

PARTITION_TAG = "dagster/partition"
CAUSE_TAG = "datalab/cause"
SEQUENCE_TAG = "datalab/sequence"


class LabWorkspace(dg.ConfigurableResource[Any], ABC):
    """What assets ask for; `lab` is the partition."""

    statistics_version: int = Field(default=2, description="Format of the statistics: 2, or 1 for old consumers")
    minimum_count: int = Field(default=0, description="Counts below it are hidden on the dashboard; 10 for sharing")

    @abstractmethod
    def definition(self, lab: str) -> LabDefinition:
        """Return the definition of the lab."""

    @abstractmethod
    def provisioned(self, lab: str, kind: DatasetKind) -> tuple[int, str] | None:
        """Return the bytes and the version of the dataset provisioned as `kind`; None when there is none."""

    @abstractmethod
    def content(self, lab: str, kind: DatasetKind) -> Path:
        """Return the plain content of the dataset."""

    @abstractmethod
    def scratch(self, lab: str) -> Path:
        """Return an existing private directory for what a step spills."""

    @abstractmethod
    def new_valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        """Return where to write the valid rows, as Parquet."""

    @abstractmethod
    def valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        """Return where the valid rows can be read, as Parquet."""

    @abstractmethod
    def keep_validated(self, lab: str, kind: DatasetKind, *, report: str, summary: str, total_rows: int) -> None:
        """Keep the private report, the summary that holds counts only, and the valid rows."""

    @abstractmethod
    def summary(self, lab: str, kind: DatasetKind) -> bytes:
        """Return the summary of the report."""

    @abstractmethod
    def new_users(self, lab: str) -> Path:
        """Return where to write the users of the lab, as Parquet."""

    @abstractmethod
    def users(self, lab: str) -> Path:
        """Return where the users of the lab can be read, as Parquet."""

    @abstractmethod
    def keep_users(self, lab: str) -> None:
        """Keep the users that were written."""

    @abstractmethod
    def keep_panel(self, lab: str, name: str, text: str) -> None:
        """Keep the numbers of a panel."""

    @abstractmethod
    def panel(self, lab: str, name: str) -> bytes:
        """Return the numbers of a panel."""

    @abstractmethod
    def publish(self, lab: str, name: str, text: str) -> None:
        """Write a result that people read: there completely or not at all."""

    @abstractmethod
    def published(self, lab: str, name: str) -> bytes:
        """Return such a result."""

    @abstractmethod
    def previous_statistics(self, lab: str) -> StatisticsResultV2 | None:
        """Return the statistics of the refresh before this one, if there was one."""

    def ensure_current(self, *, now: bool = False) -> None:
        """Stop a run whose datasets were replaced meanwhile."""

    def add(self, lab: str, file: ResultFile, text: str, *, shows: ResultFile) -> None:
        """Write a file that joins the result which holds the file `shows`."""
        self.publish(lab, file.name, text)

    def hand_over(self, lab: str, status: ValidationStatus, headlines: dict[str, int]) -> None:
        """Hand over the verdict; it counts at once."""

    def note_failure(self, step: str, reason: str | None) -> None:
        """Take note of why a step breaks off; None: it came to its end after all."""

    def note_interrupt(self) -> None:
        """Take note that somebody stops the run."""


class DeploymentWorkspace(LabWorkspace):
    """The workspace of a living lab: one run on the deployment that the environment names."""

    _deployment: Deployment = PrivateAttr()
    _run: LabRun = PrivateAttr()

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["DeploymentWorkspace"]:
        run = context.run
        lab = run.tags.get(PARTITION_TAG) if run else None
        if run is None or lab is None:
            raise UsageError("A run needs a Data Lab: choose its partition and launch again.")
        sequence = run.tags.get(SEQUENCE_TAG)
        with (
            Deployment.open() as deployment,
            lab_run(
                deployment,
                lab,
                run.run_id,
                cause=run.tags.get(CAUSE_TAG, "by hand"),
                sequence=int(sequence) if sequence else None,
            ) as lab_run_,
        ):
            self._deployment, self._run = deployment, lab_run_
            mark_process(context.instance, run.run_id)
            yield self

    def definition(self, lab: str) -> LabDefinition:
        return self._run.definition

    def provisioned(self, lab: str, kind: DatasetKind) -> tuple[int, str] | None:
        return (self._run.size(kind), self._run.datasets[kind]) if kind in self._run.datasets else None

    def content(self, lab: str, kind: DatasetKind) -> Path:
        return self._run.content(kind)

    def scratch(self, lab: str) -> Path:
        return self._run.scratch

    def new_valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        return self._run.new_valid_rows(kind)

    def valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        return self._run.valid_rows(kind)

    def keep_validated(self, lab: str, kind: DatasetKind, *, report: str, summary: str, total_rows: int) -> None:
        self._run.forget_content(kind)
        self._run.keep_validated(kind, report=report, summary=summary, total_rows=total_rows)

    def summary(self, lab: str, kind: DatasetKind) -> bytes:
        return self._run.summary(kind)

    def new_users(self, lab: str) -> Path:
        return self._run.new_users()

    def users(self, lab: str) -> Path:
        return self._run.users()

    def keep_users(self, lab: str) -> None:
        self._run.keep_users()

    def keep_panel(self, lab: str, name: str, text: str) -> None:
        self._run.keep_panel(name, text)

    def panel(self, lab: str, name: str) -> bytes:
        return self._run.panel(name)

    def publish(self, lab: str, name: str, text: str) -> None:
        self._run.publish(name, text)

    def published(self, lab: str, name: str) -> bytes:
        return self._run.published(name)

    def previous_statistics(self, lab: str) -> StatisticsResultV2 | None:
        return self._run.previous(STATISTICS_REPORT)

    def ensure_current(self, *, now: bool = False) -> None:
        self._run.ensure_current(now=now)

    def add(self, lab: str, file: ResultFile, text: str, *, shows: ResultFile) -> None:
        self._run.add(file, text, shows=shows)

    def hand_over(self, lab: str, status: ValidationStatus, headlines: dict[str, int]) -> None:
        self._run.hand_over(status.status, headlines, required=(STATISTICS, VALIDATION_STATUS))

    def note_failure(self, step: str, reason: str | None) -> None:
        self._run.note_failure(step, reason)

    def note_interrupt(self) -> None:
        self._run.interrupted = True


def mark_process(instance: dg.DagsterInstance | None, run_id: str) -> None:
    """Note on the run which process executes it, so that one that was killed is found."""
    if instance is not None:
        instance.add_run_tags(run_id, {PROCESS_TAG: this_process()})
