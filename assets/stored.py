"""What assets make of their inputs: an engine on stored rows, summaries of the datasets, the value of a panel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import dagster as dg
from pydantic import BaseModel

from datalab.deployment.addresses import USERS
from datalab.deployment.handles import StoredRows
from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.statistics import Panel, PanelInputs, Thresholds, ValidatedDataset, register_valid_rows
from resources import VALID_ROWS, LabRun, SqlEngine

Model = TypeVar("Model", bound=BaseModel)
_OPTIONAL: dict[type[Any], dg.DagsterType] = {}


def optional(python_type: type[Any]) -> dg.DagsterType:
    """Return the type of what an asset has only if the lab has its dataset, or unlocks its panel; else it is None."""
    if python_type not in _OPTIONAL:  # Dagster wants one object per name
        name = f"Optional{python_type.__name__}"
        _OPTIONAL[python_type] = dg.PythonObjectDagsterType((python_type, type(None)), name=name)
    return _OPTIONAL[python_type]


ROWS_OF_DATASETS = {name: dg.AssetIn(dagster_type=optional(StoredRows)) for name in VALID_ROWS.values()}
"""The valid rows of all datasets, as inputs; None: the lab does not have the dataset."""


def by_kind(inputs: Mapping[str, Any], names: Mapping[DatasetKind, str]) -> dict[DatasetKind, Any]:
    """Return the inputs of an asset that have one of `names`, by the datasets of the lab."""
    return {kind: inputs[name] for kind, name in names.items() if inputs.get(name) is not None}


def stored_rows(inputs: Mapping[str, Any]) -> dict[DatasetKind, StoredRows]:
    """Return the valid rows among the inputs of an asset, by the datasets of the lab."""
    return by_kind(inputs, VALID_ROWS)


def summaries_of(inputs: Mapping[str, Any]) -> dict[DatasetKind, ValidatedDataset]:
    """Return the validation outcome of each dataset whose valid rows are among the inputs."""
    return {kind: rows.summary for kind, rows in stored_rows(inputs).items()}


@contextlib.contextmanager
def engine_on_rows(run: LabRun, sql: SqlEngine, inputs: Mapping[str, Any]) -> Iterator[Engine]:
    """Yield an engine with the valid rows among the inputs, and `users` if they are among them."""
    rows = {kind: stored.open() for kind, stored in stored_rows(inputs).items()}
    users = inputs[USERS].open() if USERS in inputs else None
    with sql.open(run.scratch) as engine:
        register_valid_rows(engine, run.definition, rows, users)
        yield engine


def computed_panel(
    panel: Panel[Model], run: LabRun, sql: SqlEngine, limits: Thresholds, inputs: Mapping[str, Any]
) -> Model | None:
    """Compute a panel from the inputs of its asset; None if the lab does not unlock it."""
    if not panel.is_unlocked(run.definition):
        return None

    def value(other: Panel[Any]) -> Any:
        return inputs[other.name]

    with engine_on_rows(run, sql, inputs) if panel.reads_rows else contextlib.nullcontext() as engine:
        return panel.compute(PanelInputs(run.definition, summaries_of(inputs), limits, engine, value))
