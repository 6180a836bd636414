"""What a statistics asset works with: the lab, its valid rows in an engine, and what earlier assets have stored."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.files import VALIDATION_STATUS
from datalab.results.status import ValidationStatus
from datalab.statistics import IdProfiles, ValidatedDataset, register_valid_rows
from resources import LabWorkspace, SqlEngine

Stored = TypeVar("Stored", bound=BaseModel)

ID_PROFILES, COMPARISON = "id_profiles", "comparison"
"""Names under which numbers are stored that more than one asset reads."""


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
    def profiles(self) -> IdProfiles:
        return self.load(ID_PROFILES, IdProfiles)

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

    def store(self, panel: str, value: BaseModel) -> None:
        """Keep the numbers of a panel for the assets downstream."""
        self.workspace.keep_panel(self.name, panel, value.model_dump_json())

    def load(self, panel: str, model: type[Stored]) -> Stored:
        """Return the stored numbers of a panel."""
        return model.model_validate(self.stored(panel))

    def stored(self, panel: str) -> Any:
        """Return the stored numbers of a panel as plain JSON values."""
        return json.loads(self.workspace.panel(self.name, panel))

    def publish(self, name: str, text: str) -> None:
        """Write a result that people read."""
        self.workspace.publish(self.name, name, text)
