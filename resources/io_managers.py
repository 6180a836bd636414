"""The IO managers: what an asset returns is stored in the place of the run, and found there by the assets that take it.

The address follows from the asset and from the datasets of the run, so that an asset which is materialised alone finds
what an earlier run has stored. `rows`, `report` and `aggregates` are one class on `dg.UPathIOManager`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
from pydantic import TypeAdapter
from typing_extensions import override
from upath import UPath

from datalab.deployment.addresses import COMPARISON, SUMMARY, Address, Layer
from datalab.deployment.handles import NewReport, NewRows, Refreshed, StoredRows, UploadedDataset, load
from datalab.kinds import DatasetKind
from datalab.results.large import uncollected
from datalab.results.statistics import StatisticsResultV2
from datalab.statistics.compare import Comparison
from datalab.statistics.datasets import ValidatedDataset
from resources.asset_names import kind_of, read_at, written_at
from resources.guard import noting_failures
from resources.lab_run import LabRun

DATASET, ROWS, REPORT, AGGREGATES, STATISTICS = "dataset", "rows", "report", "aggregates", "statistics"


class PlaceIOManager(dg.UPathIOManager):
    """Stores and loads outputs in the place of `run`; an asset of a dataset that the lab does not have has none."""

    def __init__(self, run: LabRun) -> None:
        super().__init__(base_path=run.place.root)
        self.run = run

    @override
    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        with noting_failures(self.run, context.op_def.name):
            if obj is not None or kind_of(_name(context)) is None:
                path = self.run.place.location(self.address(context))
                self.dump_to_path(context, obj, path)
                context.add_output_metadata({"path": dg.MetadataValue.path(str(path))})

    @override
    def load_input(self, context: dg.InputContext) -> Any:
        with noting_failures(self.run, context.op_def.name):
            kind = kind_of(_name(context))
            return super().load_input(context) if kind is None or kind in self.run.definition.datasets else None

    @override
    def get_path_for_partition(self, context: dg.InputContext | dg.OutputContext, path: UPath, partition: str) -> UPath:
        return self.run.place.location(self.address(context))

    def address(self, context: dg.InputContext | dg.OutputContext) -> Address:
        """Return the address of the asset."""
        return (read_at if isinstance(context, dg.InputContext) else written_at)(self.run, _name(context))


class RowsIOManager(PlaceIOManager):
    """Stores `NewRows`; loads a handle of them, `StoredRows`."""

    @override
    def dump_to_path(self, context: dg.OutputContext, obj: NewRows, path: UPath) -> None:
        for name, rows in obj.files.items():
            self.run.place.keep_rows(self.address(context).beside(name), rows)

    @override
    def load_from_path(self, context: dg.InputContext, path: UPath) -> StoredRows:
        return StoredRows(self.address(context), self.run.place)


class ReportIOManager(PlaceIOManager):
    """Stores `NewReport`; loads its summary, because no asset needs the values that a report contains."""

    @override
    def dump_to_path(self, context: dg.OutputContext, obj: NewReport, path: UPath) -> None:
        place, address = self.run.place, self.address(context)
        place.write(address, obj.report.model_dump_json(by_alias=True))
        place.write(address.beside(SUMMARY), obj.summary.model_dump_json())  # last: now the validation is complete

    @override
    def load_from_path(self, context: dg.InputContext, path: UPath) -> ValidatedDataset:
        return load(self.run.place, self.address(context).beside(SUMMARY), ValidatedDataset)


class AggregatesIOManager(PlaceIOManager):
    """Stores a model as JSON, `null` for a panel that the lab does not unlock; loads what the input asks for."""

    @override
    def dump_to_path(self, context: dg.OutputContext, obj: Any, path: UPath) -> None:
        indent = 2 if self.address(context).layer is Layer.RESULTS else None  # people read those
        self.run.place.write(self.address(context), "null" if obj is None else obj.model_dump_json(indent=indent))

    @override
    def load_from_path(self, context: dg.InputContext, path: UPath) -> Any:
        stored = self.run.place.read(self.address(context))
        with uncollected():
            return TypeAdapter(context.dagster_type.typing_type).validate_json(stored)


class StatisticsIOManager(PlaceIOManager):
    """Stores and loads `Refreshed`, as two documents."""

    @override
    def dump_to_path(self, context: dg.OutputContext, obj: Refreshed, path: UPath) -> None:
        address = self.address(context)
        self.run.place.write(address, obj.report.model_dump_json())
        self.run.place.write(address.beside(COMPARISON), obj.comparison.model_dump_json())

    @override
    def load_from_path(self, context: dg.InputContext, path: UPath) -> Refreshed:
        place, address = self.run.place, self.address(context)
        comparison = load(place, address.beside(COMPARISON), Comparison)
        return Refreshed(load(place, address, StatisticsResultV2), comparison)


class DatasetIOManager(dg.IOManager):
    """Loads the handle of an uploaded dataset; there is nothing to store, because the upload has."""

    def __init__(self, run: LabRun) -> None:
        self.run = run

    @override
    def handle_output(self, context: dg.OutputContext, obj: UploadedDataset | None) -> None:
        """Do nothing."""

    @override
    def load_input(self, context: dg.InputContext) -> UploadedDataset | None:
        return self.run.dataset(DatasetKind(_name(context)))


def _name(context: dg.InputContext | dg.OutputContext) -> str:
    return context.asset_key.path[-1]


def _of_run(manager: Callable[[LabRun], PlaceIOManager | DatasetIOManager]) -> dg.IOManagerDefinition:
    @dg.io_manager(required_resource_keys={"run"}, description=manager.__doc__)
    def of_run(context: dg.InitResourceContext) -> PlaceIOManager | DatasetIOManager:
        return manager(context.resources.run)

    return of_run


MANAGERS: Mapping[str, Callable[[LabRun], PlaceIOManager]] = {
    ROWS: RowsIOManager,
    REPORT: ReportIOManager,
    AGGREGATES: AggregatesIOManager,
    STATISTICS: StatisticsIOManager,
}
"""Of what is computed, by the keys under which assets name them."""
IO_MANAGERS = {DATASET: _of_run(DatasetIOManager), **{key: _of_run(manager) for key, manager in MANAGERS.items()}}
"""By the keys under which assets name them."""
