"""Reads and writes the values that assets exchange, by address: models, and valid rows in an engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel

from datalab.deployment.addresses import ROWS, SUMMARY, USERS, Address
from datalab.deployment.places import Place
from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.statistics import Panel, PanelInputs, Thresholds, ValidatedDataset, register_valid_rows
from resources import LabRun, SqlEngine

Stored = TypeVar("Stored", bound=BaseModel)

_LOCKED = b"null"
"""The stored content of a panel that the lab does not unlock."""


def load(place: Place, address: Address, model: type[Stored]) -> Stored:
    """Return a stored model."""
    return model.model_validate_json(place.read(address))


def summaries_of(run: LabRun, place: Place) -> dict[DatasetKind, ValidatedDataset]:
    """Return the validation outcome per dataset of the lab."""
    return {kind: load(place, run.validated(kind, SUMMARY), ValidatedDataset) for kind in run.definition.datasets}


@contextlib.contextmanager
def engine_on_rows(run: LabRun, place: Place, sql: SqlEngine, *, with_users: bool = True) -> Iterator[Engine]:
    """Yield an engine with the valid rows, and with `users` if that is computed."""
    rows = {kind: place.open_rows(run.validated(kind, ROWS)) for kind in run.definition.datasets}
    with sql.open(run.scratch) as engine:
        users = place.open_rows(run.computed(USERS)) if with_users else None
        register_valid_rows(engine, run.definition, rows, users)
        yield engine


def compute_panel(panel: Panel[Stored], run: LabRun, place: Place, sql: SqlEngine, limits: Thresholds) -> Stored | None:
    """Compute a panel from its stored inputs; None if the lab does not unlock it."""
    if not panel.is_unlocked(run.definition):
        return None

    def value(other: Panel[Stored]) -> Stored | None:
        return panel_value(other, run, place)

    with engine_on_rows(run, place, sql) if panel.reads_rows else contextlib.nullcontext() as engine:
        return panel.compute(PanelInputs(run.definition, summaries_of(run, place), limits, engine, value))


def panel_value(panel: Panel[Stored], run: LabRun, place: Place) -> Stored | None:
    """Return the stored value of a panel; None if the lab does not unlock it."""
    stored = place.read(run.computed(panel.name))
    return None if stored == _LOCKED else panel.model.model_validate_json(stored)


def keep_panel(panel: Panel[Stored], value: Stored | None, run: LabRun, place: Place) -> None:
    """Store the value of a panel for the assets downstream."""
    place.write(run.computed(panel.name), value.model_dump_json() if value else _LOCKED.decode())
