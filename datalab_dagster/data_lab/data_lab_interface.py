"""The interface of every Data Lab, without an implementation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datalab_dagster.storage import Key
from datalab_dagster.types import DataLabDatasetType, DryRunOptions

if TYPE_CHECKING:
    from datalab_dagster.archv2.secret import SecretStoreOptions


class DataLabInterface(ABC):
    """A lab, which provisions, validates and profiles datasets."""

    @abstractmethod
    def provision_local_datasets(
        self,
        key: Key,
        matching_data_path: str,
        segments_data_path: str | None = None,
        demographics_data_path: str | None = None,
        embeddings_data_path: str | None = None,
        *,
        secret_store_options: SecretStoreOptions | None = None,
    ) -> None:
        """Upload files and provision them, all or none."""

    @abstractmethod
    def provision_dataset(self, manifest_hash: str, key: Key, dataset_type: DataLabDatasetType) -> None:
        """Provision an uploaded dataset."""

    @abstractmethod
    def deprovision_dataset(self, dataset_type: DataLabDatasetType) -> None:
        """Remove a dataset from its slot."""

    @abstractmethod
    def run(self, /, *, dry_run: DryRunOptions | None = None, parameters: Mapping[str, str] | None = None) -> None:
        """Start validation and statistics; return immediately."""

    @abstractmethod
    def get_validation_report(self, timeout: int | None = None) -> dict[str, Any]:
        """Wait for the validation reports and return them, dataset by dataset."""

    @abstractmethod
    def get_statistics_report(self, timeout: int | None = None) -> dict[str, Any]:
        """Wait for the statistics and return them."""

    @abstractmethod
    def is_validation_passed(self, validation_report: dict[str, Any]) -> bool:
        """Return whether every report's outcome is PASSED."""
