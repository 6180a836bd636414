"""What a statistics asset works with: the lab, its valid rows in an engine, and what earlier assets have stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.files import VALIDATION_STATUS
from datalab.results.status import ValidationStatus
from datalab.statistics import Panel, PanelInputs, Thresholds, ValidatedDataset, register_valid_rows
from resources import LabWorkspace, SqlEngine

Stored = TypeVar("Stored", bound=BaseModel)

COMPARISON = "comparison"
"""The name under which the changes since the last report are stored."""
_LOCKED = b"null"
"""What is stored of a panel that the lab does not unlock."""


@dataclass(frozen=True)
class Session:
    """One lab in the middle of a run."""

    name: str
    workspace: LabWorkspace
    sql: SqlEngine

    @cached_property
    def lab(self) -> LabDefinition:
        return self.workspace.definition(self.name)

    @cached_property
    def summaries(self) -> dict[DatasetKind, ValidatedDataset]:
        """What validation found, per dataset of the lab."""
        return {
            kind: ValidatedDataset.model_validate_json(self.workspace.summary(self.name, kind))
            for kind in self.lab.datasets
        }

    @property
    def status(self) -> ValidationStatus:
        """The validation status, once it is published."""
        return ValidationStatus.model_validate_json(self.workspace.published(self.name, VALIDATION_STATUS.name))

    @contextlib.contextmanager
    def engine(self, *, with_users: bool = True) -> Iterator[Engine]:
        """Yield an engine that knows the valid rows, and `users` once that is computed."""
        rows: dict[DatasetKind, Path] = {kind: self.workspace.valid_rows(self.name, kind) for kind in self.lab.datasets}
        with self.sql.open(self.workspace.scratch(self.name)) as engine:
            register_valid_rows(engine, self.lab, rows, self.workspace.users(self.name) if with_users else None)
            yield engine

    def compute(self, panel: Panel[Stored], limits: Thresholds) -> Stored | None:
        """Compute a panel from what its inputs have stored; None where the lab does not unlock it."""
        if not panel.is_unlocked(self.lab):
            return None
        with self.engine() if panel.reads_rows else contextlib.nullcontext() as engine:
            return panel.compute(PanelInputs(self.lab, self.summaries, limits, engine, self.value))

    def value(self, panel: Panel[Stored]) -> Stored | None:
        """Return the stored value of a panel; None where the lab does not unlock it."""
        stored = self.workspace.panel(self.name, panel.name)
        return None if stored == _LOCKED else panel.model.model_validate_json(stored)

    def store(self, name: str, value: BaseModel | None) -> None:
        """Keep the numbers of a panel for the assets downstream."""
        self.workspace.keep_panel(self.name, name, value.model_dump_json() if value else _LOCKED.decode())

    def load(self, name: str, model: type[Stored]) -> Stored:
        """Return stored numbers that are no panel's."""
        return model.model_validate_json(self.workspace.panel(self.name, name))

    def publish(self, name: str, text: str) -> None:
        """Write a result that people read."""
        self.workspace.publish(self.name, name, text)
