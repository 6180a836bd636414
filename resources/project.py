"""A lab in another Dagster project: its run in one partition, and the IO managers under which its assets are.

There is no registry and no home. The partition says which files a step reads and writes; a file that is there already
is replaced when its asset is materialised again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import override

from datalab.deployment.handles import StoredRows
from datalab.deployment.project_place import FACTS, NotMaterialised, ProjectPlace
from datalab.errors import InputError
from datalab.ingest.recognise import recognise_path
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.files import STATISTICS
from datalab.results.statistics import StatisticsResultV2
from datalab.scratch import scratch_directory
from datalab.storage import Key
from resources.engine import FindingThresholds, SqlEngine
from resources.given import given_file
from resources.guard import noting_failures
from resources.io_managers import MANAGERS, PlaceIOManager
from resources.lab_run import LabRun, UnrecordedRun
from resources.progress import LogProgress
from resources.results import ResultOptions

_UNPARTITIONED = "all"
"""The version of datasets that have no partitions."""


@dataclass(frozen=True)
class ProjectLab:
    """A lab, and where its files are in the project.

    Attributes:
        name: of the lab in the project.
        definition: of the lab.
        storage: the directory or fsspec URL of its files.
        key: encrypts the files that hold values of rows; or the name of the environment variable that has it.
        limits: of findings, by name, where they differ from the defaults.
        previous: returns the partition before one, whose statistics the new ones are compared with.
    """

    name: str
    definition: LabDefinition
    storage: str
    key: Key | dg.EnvVar | None
    limits: Mapping[str, float]
    previous: Callable[[str | None], str | None]

    @contextlib.contextmanager
    def opened(self) -> Iterator[OpenLab]:
        """Yield the lab with a scratch directory, for the steps of one run in one process."""
        with scratch_directory() as scratch:
            key = self.key
            if isinstance(key, dg.EnvVar):
                key = Key.from_text(os.environ.get(key.env_var_name, ""), f"The variable {key.env_var_name}")
            yield OpenLab(self, scratch, key)


@dataclass(frozen=True)
class OpenLab:
    """A lab during a run of the project's."""

    lab: ProjectLab
    scratch: Path
    _key: Key | None = field(repr=False)

    def place(self, partition: str | None) -> ProjectPlace:
        """Return the files of a partition."""
        return ProjectPlace(self.lab.storage, self.lab.name, partition, self.scratch, self._key)

    def run(self, partition: str | None) -> ProjectRun:
        """Return the run of the lab in a partition; None: the lab has no partitions."""
        return ProjectRun(self, partition)

    def tools(self, run: ProjectRun) -> dict[str, object]:
        """Return the resources that the bodies of assets take, by name."""
        return {
            "run": run,
            "sql": SqlEngine(),
            "progress": LogProgress(),
            "thresholds": FindingThresholds(self.lab.limits),
            "workspace": ResultOptions(),
        }


class ProjectRun(UnrecordedRun):
    """The run of a lab in one partition of another project."""

    place: ProjectPlace

    def __init__(self, lab: OpenLab, partition: str | None) -> None:
        declared, version = lab.lab, partition or _UNPARTITIONED
        datasets = dict.fromkeys(declared.definition.datasets, version)
        super().__init__(declared.name, version, declared.definition, datasets, lab.scratch)
        self.place = lab.place(partition)
        self._previous = lab.place(declared.previous(partition))
        self._files: dict[DatasetKind, Path] = {}

    @contextlib.contextmanager
    def given(
        self, kind: DatasetKind, value: object, what: str, columns: Sequence[str] | None = None
    ) -> Iterator[None]:
        """Read a dataset from what an upstream asset gave, until the block ends; keep what is recognised in it.

        Args:
            kind: of the dataset.
            value: a path, an fsspec URL, or a table.
            what: the value, for messages.
            columns: of a table, in the order of the dataset's; None: all.

        Raises:
            UsageError, InputError: it is none of these, or cannot be read.
        """
        with given_file(value, what, self.scratch, columns) as self._files[kind]:
            with contextlib.suppress(InputError, OSError):  # its validation says what is wrong
                facts = recognise_path(self._files[kind]).facts
                self.place.write(self.validated(kind, FACTS), facts.model_dump_json())
            yield

    def size(self, kind: DatasetKind) -> int:
        return self._files[kind].stat().st_size

    def content(self, kind: DatasetKind) -> AbstractContextManager[Path]:
        return contextlib.nullcontext(self._files[kind])

    def facts(self, kind: DatasetKind) -> Mapping[str, Any] | None:
        with contextlib.suppress(NotMaterialised):
            found: Mapping[str, Any] = json.loads(self.place.read(self.validated(kind, FACTS)))
            return found
        return None

    def previous_statistics(self) -> StatisticsResultV2 | None:
        with contextlib.suppress(NotMaterialised):
            return StatisticsResultV2.model_validate_json(self._previous.read(self.result(STATISTICS)))
        return None


class ProjectIOManager(dg.IOManager):
    """Stores what an asset returns in the place of its partition, as `manager` does; loads it for what is downstream.

    Several partitions are a dict. Valid rows and users are a pandas frame or an Arrow table where the input says so.
    """

    def __init__(self, lab: OpenLab, manager: Callable[[LabRun], PlaceIOManager]) -> None:
        self._lab = lab
        self._manager = manager

    @override
    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        run = self._lab.run(context.asset_partition_key if context.has_asset_partitions else None)
        with noting_failures(run, context.op_def.name):
            manager = self._manager(run)
            path = run.place.location(manager.address(context))
            manager.dump_to_path(context, obj, path)
            context.add_output_metadata({"path": dg.MetadataValue.path(str(path))})

    @override
    def load_input(self, context: dg.InputContext) -> Any:
        if not context.has_asset_partitions:
            return self._load(context, None)
        loaded = {partition: self._load(context, partition) for partition in context.asset_partition_keys}
        return loaded if len(loaded) > 1 else next(iter(loaded.values()))

    def _load(self, context: dg.InputContext, partition: str | None) -> Any:
        run = self._lab.run(partition)
        with noting_failures(run, context.op_def.name):
            manager = self._manager(run)
            loaded = manager.load_from_path(context, run.place.location(manager.address(context)))
            return _as_wanted(loaded, context.dagster_type.typing_type)


def _as_wanted(loaded: Any, wanted: Any) -> Any:
    """Return rows in the type of the input."""
    if isinstance(loaded, StoredRows) and wanted in (pa.Table, pd.DataFrame):
        table = pq.read_table(loaded.open())
        return table.to_pandas() if wanted is pd.DataFrame else table
    return loaded


def project_resources(lab: ProjectLab) -> dict[str, dg.ResourceDefinition]:
    """Return the resources of the assets of `lab`: the lab itself, and an IO manager for each key of `MANAGERS`."""
    key = f"datalab_{lab.name}"

    @dg.resource(description=f"The lab {lab.name}: its definition, and where its files are.")
    def opened() -> Iterator[OpenLab]:
        with lab.opened() as found:
            yield found

    def manager_of(manager: Callable[[LabRun], PlaceIOManager]) -> dg.IOManagerDefinition:
        @dg.io_manager(required_resource_keys={key}, description=manager.__doc__)
        def of_lab(context: dg.InitResourceContext) -> ProjectIOManager:
            return ProjectIOManager(getattr(context.resources, key), manager)

        return of_lab

    return {key: opened, **{f"{key}_{name}": manager_of(manager) for name, manager in MANAGERS.items()}}
