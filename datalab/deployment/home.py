"""A deployment: opens its registry, dataset store and folders from the environment, and closes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from datalab.deployment.addresses import Datasets
from datalab.deployment.datasets import StoredDatasets
from datalab.deployment.lab_folders import LabFolders
from datalab.home.directory import home_directory, scratch_of_runs
from datalab.home.settings import Environment, Settings, load_settings
from datalab.kinds import DatasetKind
from datalab.registry import Lab, Registry
from datalab.scratch import sweep
from datalab.storage import DatasetStore, master_keys
from datalab.storage.objects import Objects


class Deployment:
    """Home directory, registry, dataset store and results of one deployment.

    Attributes:
        home: the directory of `DATALAB_HOME`.
        registry: labs, records of datasets, keys, runs and results.
        datasets: the uploaded datasets.
        folders: the computed files, in one folder per lab.

    Example:
        >>> with Deployment.open() as deployment:                                   # doctest: +SKIP
        ...     dataset = deployment.datasets.upload(file, "segments.csv", by="me@publisher.example")
    """

    def __init__(self, home: Path, settings: Settings, registry: Registry, environment: Mapping[str, str]) -> None:
        self.home = home
        self.settings = settings
        self.registry = registry
        keys = master_keys(home, Environment.read(environment).master_key)
        self.datasets = StoredDatasets(registry, _dataset_store(home, settings), keys)
        storage = Objects(settings.storage.url or home, settings.storage.options)
        self.folders = LabFolders(storage, self.datasets.key, registry.copies)

    @classmethod
    def open(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Open the deployment that the environment names; start and migrate its database if needed.

        Raises:
            SettingsWrong: its settings cannot be used.
            RegistryError: its database cannot be used.
        """
        home = home_directory(environment)
        return cls(home, load_settings(home, environment), Registry.open(environment), environment)

    @property
    def scratch(self) -> Path:
        """The directory in which runs create their private scratch directories."""
        return scratch_of_runs(self.home)

    def missing(self, lab: Lab) -> list[DatasetKind]:
        """Return the datasets that a lab needs but that are not provisioned."""
        provisioned = self.registry.provisioning.datasets(lab.id)
        return [kind for kind in lab.definition.datasets if kind not in provisioned]

    def sweep(self) -> None:
        """Remove what is no longer needed: results beyond their retention, abandoned uploads and files, scratch."""
        expired = self.registry.results.expire(keep=self.settings.keep_results)
        for result in expired:
            self.folders.remove_result(result.lab_id, result.run_id)
        self.registry.results.forget(expired)
        in_flight = self.registry.runs.in_flight()
        for lab in self.registry.labs.all(deleted=True):
            if lab.deleted_at is not None:
                self.registry.validated.keep_only(lab.id, [])
                self.folders.remove_lab(lab.id)
                continue
            self._copy_current(lab.id)
            wanted: list[Datasets] = [self.registry.provisioning.datasets(lab.id)]
            wanted += [result.datasets for result in self.registry.results.history(lab.id)]
            wanted += [run.datasets for run in in_flight if run.lab_id == lab.id]
            self.registry.validated.keep_only(lab.id, wanted)
            self.folders.keep_only(lab.id, wanted)
        self.datasets.sweep()
        sweep(self.scratch)

    def _copy_current(self, lab_id: str) -> None:
        """Copy a result that became current without a run, or that an earlier version published."""
        current = self.registry.results.current(lab_id)
        if current and not self.folders.is_copied(lab_id, current.run_id):
            copies = self.folders.copies(lab_id, current.run_id, current.paths, current.datasets)
            self.registry.results.copy(current.run_id, copies)

    def close(self) -> None:
        """Close the connections; the database keeps running."""
        self.registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _dataset_store(home: Path, settings: Settings) -> DatasetStore:
    """Return the store of datasets: at its own address, or at that of everything, or below the home."""
    if settings.store.url or not settings.storage.url:
        return DatasetStore(settings.store.url or str(home / "store"), settings.store.options)
    return DatasetStore(settings.storage.url, settings.storage.options)
