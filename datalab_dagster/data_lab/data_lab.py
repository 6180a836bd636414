"""A Data Lab in the vendor's words: provisions, validates and reads results; the deployment does the work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from datalab.kinds import KINDS, MATCHING, OPTIONAL, DatasetKind
from datalab_dagster.archv2.client import ClientV2
from datalab_dagster.archv2.errors import DryRunNotOffered
from datalab_dagster.archv2.leaves import LEAVES, TYPES, VENDOR, kind_of, policies, policy_id
from datalab_dagster.archv2.models import DataLabV2
from datalab_dagster.archv2.secret import SecretStoreOptions
from datalab_dagster.client import Client
from datalab_dagster.data_lab.api import IdentifiersValidationReport, ValidationReport
from datalab_dagster.data_lab.compute_job import (
    DataLabEnhancedValidationStatusJob,
    DataLabStatisticsJob,
    DataLabValidationReportsJob,
    DataLabValidationStatusJob,
)
from datalab_dagster.data_lab.config import DataLabConfig, ExistingDataLab
from datalab_dagster.data_lab.data_lab_interface import DataLabInterface
from datalab_dagster.data_lab.html import lab_html
from datalab_dagster.data_lab.provisioning import Slots
from datalab_dagster.data_lab.validation_reports import ValidationReports
from datalab_dagster.service.models import LabInfo, RunInfo
from datalab_dagster.storage import Key
from datalab_dagster.types import DataLabDatasetType, DryRunOptions

__all__ = ["DataLab", "DataLabConfig", "ExistingDataLab"]


class DataLab(DataLabInterface):
    """A lab of a deployment. Without `existing_data_lab` it is created immediately.

    A notebook shows its state and headline numbers.

    Attributes:
        client, client_v2, session_v2: call the deployment.
        cfg: its configuration.
        data_lab_id, id: its id.

    Raises:
        LabNotCreated: the configuration has errors (all listed), or the deployment refused.
    """

    def __init__(self, client: Client, cfg: DataLabConfig, existing_data_lab: ExistingDataLab | None = None) -> None:
        self.client = client
        self.client_v2 = client.client_v2
        self.session_v2 = client.create_session_v2()
        self.cfg = cfg
        if existing_data_lab is not None:
            self.data_lab_id = existing_data_lab.id
        else:
            self.data_lab_id = self.client_v2.create_data_lab(cfg.to_wire(client.user_email))["id"]
        wire = cfg.to_wire()
        has = {kind: entry.flag_key is None or wire.get(entry.flag_key, False) for kind, entry in KINDS.items()}
        self._slots = Slots(client, self.data_lab_id, has, self._clear_cached_jobs)
        self._validation_job: DataLabValidationReportsJob | None = None
        self._statistics_job: DataLabStatisticsJob | None = None
        self._enhanced_validation_status_job: DataLabEnhancedValidationStatusJob | None = None

    @property
    def id(self) -> str:
        """The lab's id."""
        return self.data_lab_id

    @property
    def info(self) -> LabInfo:
        """The deployment's current description of the lab: its state, the reason, the next step, its datasets."""
        return self.client_v2.lab(self.data_lab_id)

    @property
    def policy_ids(self) -> dict[DataLabDatasetType, str]:
        """Dataset type → id of the policy that ties a dataset to it, now or as soon as identifiers are provisioned."""
        tied = policies(self.info)
        tied |= {kind: policy_id(self.data_lab_id, LEAVES[kind], held) for kind, held in self._slots.pending.items()}
        return {TYPES[kind]: policy for kind, policy in tied.items() if kind in TYPES}

    # ------------------------------------------------------------------------------------------- provisioning

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
        """Upload files, encrypted with `key`, and provision all of them, or none.

        Raises:
            MatchingPathMissing, SlotNotConfigured, KeyNotKept, AccessListRefused: nothing was uploaded.
            FileNotFoundError: a file is missing; nothing was uploaded.
            UploadInterrupted: the store failed, or the connection was lost; the lab is unchanged.
        """
        # The order of the uploads: docs/spec/sdk.md.
        paths = {
            DatasetKind.IDENTIFIERS: matching_data_path,
            DatasetKind.SEGMENTS: segments_data_path,
            DatasetKind.EMBEDDINGS: embeddings_data_path,
            DatasetKind.DEMOGRAPHICS: demographics_data_path,
        }
        self._slots.provision_files(key, paths, secret_store_options)

    def provision_dataset(self, manifest_hash: str, key: Key, dataset_type: DataLabDatasetType) -> None:
        """Provision an uploaded dataset; replace the one provisioned as this type.

        Identifiers (MATCH) come first or later: datasets given before them are remembered and provisioned with them.

        Args:
            manifest_hash: of the dataset.
            key: accepted and ignored: the key comes from the secret store.
            dataset_type: the type to provision it as.

        Raises:
            SlotNotConfigured, UnknownDatasetType: the lab has no such dataset.
            DatasetUnknown, SecretMissing: the dataset, or its key, does not exist.
            IdentifiersMissing: they are not provisioned; the dataset is remembered.
        """
        del key
        self._slots.provision({kind_of(dataset_type): manifest_hash})

    def deprovision_dataset(self, dataset_type: DataLabDatasetType) -> None:
        """Remove a dataset from the lab; the dataset itself is kept.

        Raises:
            SlotNotConfigured, UnknownDatasetType: the lab has no such dataset.
            DatasetNotProvisioned: none is provisioned.
        """
        self._slots.deprovision(kind_of(dataset_type))

    # ------------------------------------------------------------------------------------------------- running

    def run(
        self,
        /,
        *,
        dry_run: DryRunOptions | None = None,
        parameters: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> None:
        """Start validation and statistics; return immediately. The methods that return reports wait for them.

        If results of exactly the datasets provisioned now exist, they are used and no run is started.

        Args:
            dry_run, parameters: part of the interface; they must be empty.
            again: start a new run in every case.

        Raises:
            DryRunNotOffered: they are not empty.
            JobNotCreated: a dataset is missing, or the deployment refused.
        """
        if dry_run and dry_run.get("test_datasets"):
            raise DryRunNotOffered("test datasets")
        if parameters:
            raise DryRunNotOffered("parameters")
        run = self.client_v2.validate(self.data_lab_id, again=again)
        self._validation_job = self._new_validation_job(run)
        self._statistics_job = DataLabStatisticsJob(self.data_lab_id, self.client)
        self._statistics_job.attach(run)
        self._enhanced_validation_status_job = DataLabEnhancedValidationStatusJob(self.data_lab_id, self.client)
        self._enhanced_validation_status_job.attach(run)

    def wait_for_completion(self, timeout: int | None = None, sleep_interval: int = 1) -> Self:
        """Wait until validation and statistics have ended; start them if `run` was not called.

        Raises:
            NotCompleteInTime, ConnectionLost: the run is still active; call again to keep waiting.
        """
        self._started().wait_for_completion(timeout, sleep_interval)
        return self

    async def wait(self, timeout: float | None = None, sleep_interval: float = 1) -> Self:
        """Do as `wait_for_completion` without blocking the event loop."""
        await self._started().wait(timeout, sleep_interval)
        return self

    def get_validation_report(self, timeout: int | None = None) -> dict[str, Any]:
        """Wait for the validation reports and return them by dataset; they contain sample values of rows: private.

        Raises:
            NotCompleteInTime: the time is over; the run is still active.
            JobFailed: the run failed; the text has the reason and its address.
        """
        return self._started().wait_for_completion(timeout=timeout).result().formatted_reports

    def get_statistics_report(self, timeout: int | None = None) -> dict[str, Any]:
        """Wait for the statistics and return them: aggregates only. Raises as `get_validation_report`.

        To a vendor's admin, those of the current result, without small counts: a hidden count is a text.
        """
        if self._statistics_job is None:
            self._statistics_job = DataLabStatisticsJob(self.data_lab_id, self.client)
            self._statistics_job.run()
        found = self._statistics_job.wait_for_completion(timeout=timeout).result()
        return found if isinstance(found, dict) else found.model_dump()

    def get_validation_status(self, timeout: int | None = None) -> dict[str, Any]:
        """Wait for the plain status and return it: SUCCESS if all reports passed and no needed dataset is empty.

        Returns:
            ``{"status": "SUCCESS" | "FAILED", "datasets": {name: {"status", "reason"?}}}``. Raises as
            `get_validation_report`.
        """
        job = DataLabValidationStatusJob(self.data_lab_id, self.client)
        job.run()
        return job.wait_for_completion(timeout=timeout).result()

    def get_enhanced_validation_status(self, timeout: int | None = None) -> dict[str, Any]:
        """Wait for the status with errors, numbers of rows and the statistics' findings; SUCCESS makes a lab Ready."""
        if self._enhanced_validation_status_job is None:
            self._enhanced_validation_status_job = DataLabEnhancedValidationStatusJob(self.data_lab_id, self.client)
            self._enhanced_validation_status_job.run()
        return self._enhanced_validation_status_job.wait_for_completion(timeout=timeout).result()

    def is_validation_passed(self, validation_report: dict[str, Any]) -> bool:
        """Return whether every report of `get_validation_report` has the outcome PASSED.

        Raises:
            KeyError: the report of the identifiers is not among them.
        """
        others = {
            kind.value: ValidationReport.model_validate(validation_report[kind])
            for kind in OPTIONAL
            if kind in validation_report
        }
        identifiers = IdentifiersValidationReport.model_validate(validation_report[MATCHING])
        return ValidationReports(identifiers, **others).is_passed()

    # --------------------------------------------------------------------------------------------------- facts

    def get(self) -> DataLabV2:
        """Return the deployment's description of the lab."""
        return self.client_v2.get_data_lab(self.data_lab_id)

    def is_statistics_shared_with_dq(self) -> bool:
        """Return whether aggregated statistics may be shown to the clean room's administrators."""
        return self.cfg.share_statistics

    @staticmethod
    def is_data_lab_validated(client_v2: ClientV2, data_lab_id: str, verification_key: bytes) -> bool:
        """Return whether validation and statistics of the datasets provisioned now are complete, passed or not.

        `DataLab.info.state` has the state of the lab, such as Ready.
        """
        state = json.loads(client_v2.get_data_lab(data_lab_id, verification_key)["signedContent"]["content"])
        flags = {kind: KINDS[kind].flag_key for kind in VENDOR}
        needed = {"computeStatistics"}
        needed |= {VENDOR[kind].report_action for kind, flag in flags.items() if flag is None or state.get(flag, False)}
        done = client_v2.get_data_room_actions(data_lab_id)["actions"].values()
        return needed <= {name for summary in done for name in json.loads(summary["action"])}

    def __repr__(self) -> str:
        return f"DataLab(id={self.data_lab_id!r}, name={self.cfg.name!r})"

    def _repr_html_(self) -> str:
        return lab_html(self.client.service, self.data_lab_id, self.cfg.name)

    # -------------------------------------------------------------------------------------------------- inside

    def _started(self) -> DataLabValidationReportsJob:
        if self._validation_job is None:
            self._validation_job = self._new_validation_job(self.client_v2.validate(self.data_lab_id))
        return self._validation_job

    def _new_validation_job(self, run: RunInfo) -> DataLabValidationReportsJob:
        job = DataLabValidationReportsJob(
            self.data_lab_id,
            self.client,
            has_segments=self.cfg.has_segments,
            has_demographics=self.cfg.has_demographics,
            has_embeddings=self.cfg.has_embeddings,
        )
        job.attach(run)
        return job

    def _clear_cached_jobs(self) -> None:
        """Forget the jobs, because the provisioned datasets change."""
        self._validation_job = None
        self._statistics_job = None
        self._enhanced_validation_status_job = None
