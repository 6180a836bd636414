"""A deployment as one thing: opened from the environment, closed again. What is done with it is its parts' matter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from datalab.deployment.addresses import Datasets
from datalab.deployment.datasets import StoredDatasets
from datalab.deployment.lab_folders import LabFolders
from datalab.home.directory import home_directory
from datalab.home.settings import Environment, Settings, load_settings
from datalab.kinds import DatasetKind
from datalab.registry import Lab, Registry
from datalab.storage import DatasetStore, master_keys


class Deployment:
    """Home directory, registry, dataset store and results of one deployment.

    Attributes:
        home: the directory of `DATALAB_HOME`.
        registry: what is known.
        datasets: what was uploaded.
        folders: what was computed, a folder per lab.

    Example:
        >>> with Deployment.open() as deployment:                                   # doctest: +SKIP
        ...     dataset = deployment.datasets.upload(file, "segments.csv", by="me@publisher.example")
    """

    def __init__(self, home: Path, settings: Settings, registry: Registry, environment: Mapping[str, str]) -> None:
        self.home = home
        self.settings = settings
        self.registry = registry
        keys = master_keys(home, Environment.read(environment).master_key)
        store = DatasetStore(settings.store.url or str(home / "store"), settings.store.options)
        self.datasets = StoredDatasets(registry, store, keys)
        self.folders = LabFolders(home / "labs", self.datasets.key)

    @classmethod
    def open(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Open the deployment that the environment names; its database is started and migrated when needed.

        Raises:
            SettingsWrong: its settings cannot be used.
            RegistryError: its database cannot be used.
        """
        home = home_directory(environment)
        return cls(home, load_settings(home, environment), Registry.open(environment), environment)

    @property
    def scratch(self) -> Path:
        """Where runs make their private scratch directories."""
        return self.home / "scratch"

    def missing(self, lab: Lab) -> list[DatasetKind]:
        """Return the datasets that a lab needs and that are not provisioned."""
        provisioned = self.registry.provisioning.datasets(lab.id)
        return [kind for kind in lab.definition.datasets if kind not in provisioned]

    def sweep(self) -> None:
        """Remove what nobody needs any more: results beyond their retention, uploads and files that were given up."""
        expired = self.registry.results.expire(keep=self.settings.keep_results)
        for result in expired:
            self.folders.remove_result(result.lab_id, result.run_id)
        self.registry.results.forget(expired)
        in_flight = self.registry.runs.in_flight()
        for lab in self.registry.labs.all(deleted=True):
            if lab.deleted_at is not None:
                self.folders.remove_lab(lab.id)
                continue
            wanted: list[Datasets] = [self.registry.provisioning.datasets(lab.id)]
            wanted += [result.datasets for result in self.registry.results.history(lab.id)]
            wanted += [run.datasets for run in in_flight if run.lab_id == lab.id]
            self.folders.keep_only(lab.id, wanted)
        self.datasets.sweep()

    def close(self) -> None:
        """Give connections back; the database goes on."""
        self.registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
