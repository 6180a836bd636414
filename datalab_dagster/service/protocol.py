"""The interface of a deployment for the command line, the SDK and the portal.

`LocalService` implements it on this machine; `HttpService` calls the HTTP API of a deployment. One suite of tests
covers both (tests/service). `home_protocol` contains what only a deployment on this machine offers. Both raise the same
errors: those of `datalab.errors` and of the packages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import KeyRole
from datalab.results.validation import Hint
from datalab.storage import Key
from datalab_dagster.service.account_models import AuditInfo
from datalab_dagster.service.invalid_rows import InvalidRows
from datalab_dagster.service.lists import Lists
from datalab_dagster.service.models import (
    DatasetInfo,
    EventInfo,
    ExpectedInfo,
    KeyAccess,
    KnownUsersInfo,
    LabInfo,
    OtherLabInfo,
    ResultInfo,
    RunInfo,
)
from datalab_dagster.service.repairs_protocol import Repairs
from datalab_dagster.service.schedules_protocol import Schedules
from datalab_dagster.service.shared_labs import SharedLabs
from datalab_dagster.service.uploads_protocol import Uploads

Progress = Callable[[int], None]
"""Called with the bytes of every chunk that is stored."""


class LabService(Protocol):
    """A deployment, for one user.

    Labs are named by id or partition key, or by name if only one lab has it; datasets by manifest hash.
    `datalab.registry.ownership` decides what the user may do: every call raises RoleRefused, LabNotYours or
    KeyAccessDenied if it refuses.
    """

    @property
    def user(self) -> str:
        """The user's e-mail address, as events and audit log name it."""

    @property
    def shared_labs(self) -> SharedLabs | None:
        """All that a vendor's admin may read; None for the others, and on the home itself, where no name is proved."""

    # ----------------------------------------------------------------------------------------------- datasets

    def upload_dataset(
        self,
        source: BinaryIO,
        name: str,
        *,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        store_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
        progress: Progress | None = None,
    ) -> DatasetInfo:
        """Store what `source` yields, encrypted; the dataset exists only after everything is stored.

        The same user's interrupted upload of a source of the same name and size is resumed, when `source` is seekable.

        Args:
            key: encrypts the dataset; random if None.
            store_key: keep the key, wrapped, so that the dataset can be provisioned.
            access: who may use the stored key; by default the uploader, as owner.

        Raises:
            NotADataset: the file is empty, a picture, a PDF or a spreadsheet; the rest of it is not sent.
            UploadInterrupted: the store failed or the connection broke; the same call resumes the upload.
            AccessListWrong: the key would have no owner.
        """

    @property
    def uploads(self) -> Uploads:
        """Uploads by parts, for clients that resume interrupted uploads."""

    @property
    def repairs(self) -> Repairs:
        """Repaired copies of stored datasets."""

    def datasets(self) -> list[DatasetInfo]:
        """Return all datasets, the oldest first."""

    def dataset(self, manifest_hash: str) -> DatasetInfo:
        """Return a dataset.

        Raises:
            DatasetNotFound: there is none.
        """

    def inspect_dataset(self, manifest_hash: str) -> DatasetInfo:
        """Recognise a stored dataset from its content, and return it with the facts.

        Raises:
            DatasetNotFound, KeyNotFound, KeyAccessDenied, ChunkDamaged: as their names say.
        """

    def download_dataset(self, manifest_hash: str, key: Key | None = None) -> BinaryIO:
        """Open the plain content of a dataset, every chunk verified; close it afterwards.

        Args:
            key: its key; by default the stored one, which the user must have access to.

        Raises:
            DatasetNotFound, KeyNotFound, KeyAccessDenied, KeyMismatch, ChunkDamaged: as their names say.
        """

    def delete_dataset(self, manifest_hash: str, *, force: bool = False) -> None:
        """Delete a dataset and its key permanently.

        Raises:
            DatasetNotFound: there is none.
            DatasetInUse: it is provisioned (`.labs`); with `force` it is deprovisioned first.
        """

    def dataset_key(self, manifest_hash: str) -> Key:
        """Return the stored key of a dataset.

        Raises:
            DatasetNotFound, KeyNotFound, KeyAccessDenied: as their names say.
        """

    def key_access(self, manifest_hash: str) -> KeyAccess:
        """Return who may use the stored key; raises as `dataset_key`."""

    def set_key_access(self, manifest_hash: str, access: Mapping[str, KeyRole]) -> KeyAccess:
        """Replace the access list of a key; only an owner may.

        Raises:
            DatasetNotFound, KeyNotFound, KeyAccessDenied, AccessListWrong: as their names say.
        """

    # --------------------------------------------------------------------------------------------------- labs

    def create_lab(self, definition: LabDefinition) -> LabInfo:
        """Create a lab; its definition cannot be changed later."""

    def labs(self) -> list[LabInfo]:
        """Return the labs that the user may read, the oldest first: their own; all of them to a viewer."""

    def other_labs(self) -> list[OtherLabInfo]:
        """Return the names and states of all other labs, the oldest first."""

    def lab(self, lab: str) -> LabInfo:
        """Return a lab by id or name.

        Raises:
            LabNotFound, LabNameAmbiguous, LabNotYours: as their names say.
        """

    def set_lab_owners(self, lab: str, owners: Sequence[str]) -> LabInfo:
        """Replace the owners of a lab, who change it and read its results; only an owner may.

        Raises:
            OwnersWrong: there would be no owner, or a new one is no publisher of a deployment with users.
        """

    def delete_lab(self, lab: str) -> None:
        """Deprovision everything and delete the lab; its datasets are kept."""

    def change(
        self, lab: str, changes: Mapping[DatasetKind, str | None], *, cause: str = "", check_kinds: bool = False
    ) -> LabInfo:
        """Provision (a manifest hash) or deprovision (None) slots of a lab, in one transaction.

        A dataset that is already provisioned causes no event. While `datalab up` runs, validation starts automatically.
        With `check_kinds`, a new dataset that certainly has another kind than its slot is refused too.

        Raises:
            LabNotFound, LabNameAmbiguous: no such lab.
            ProvisioningRefused: nothing was changed; `.problems` names every broken rule.
        """

    def expect(self, lab: str, expected: Mapping[DatasetKind, ExpectedInfo]) -> LabInfo:
        """Keep how many rows and ids the datasets in slots should have, until they are replaced.

        Raises:
            LabNotFound, LabNameAmbiguous: no such lab.
            ProvisioningRefused: a slot is empty; nothing was kept.
        """

    def known_users(self, lab: str, chosen: Mapping[DatasetKind, str]) -> dict[DatasetKind, KnownUsersInfo]:
        """Return how many userIds of chosen datasets, from a sample of each, are in the Identifiers of a lab.

        Nothing is changed. If Identifiers are chosen too, these count, and the datasets provisioned now are compared as
        well. A dataset is missing in the answer if this cannot be found out quickly.
        """

    def events(self, lab: str) -> list[EventInfo]:
        """Return every provisioning event of a lab, the oldest first."""

    @property
    def schedules(self) -> Schedules:
        """When labs are validated again."""

    def validate(self, lab: str, *, again: bool = False) -> RunInfo:
        """Ensure that the datasets provisioned now are validated; return the run immediately.

        If a run on exactly these datasets is active or has produced their current result, return that run;
        otherwise, or with `again`, start a new one.

        Raises:
            LabNotFound, LabNameAmbiguous: no such lab.
            LabIncomplete: a dataset that the lab needs is not provisioned.
        """

    def run(self, run_id: str) -> RunInfo:
        """Return a run with its steps.

        Raises:
            RunNotFound: there is no such run.
        """

    def runs(self, lab: str) -> list[RunInfo]:
        """Return the runs of a lab, the newest first."""

    def cancel_run(self, run_id: str) -> RunInfo:
        """Stop a run; a run that has ended does not change.

        Raises:
            RunNotFound: there is no such run.
        """

    def results(self, lab: str) -> list[ResultInfo]:
        """Return the results of a lab that are kept, the newest first."""

    def current_result(self, lab: str) -> ResultInfo | None:
        """Return the newest result of exactly what is provisioned now, if there is one."""

    def result_file(self, lab: str, name: str, *, run_id: str | None = None) -> bytes:
        """Return a file of aggregates of the current result, or of that of `run_id`.

        Args:
            name: one of `datalab.results.files.AGGREGATES`.

        Raises:
            ResultNotFound: there is no such result or file.
        """

    def hints(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> list[Hint]:
        """Return the hints in addition to a validation report, which hold no value of a row; raises as it does."""

    def validation_report(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> bytes:
        """Return the private validation report of a dataset, as JSON: it contains sample values of rows.

        Raises:
            ResultNotFound: there is no such result, or its dataset was deleted, together with the key of the report.
        """

    @property
    def invalid_rows(self) -> InvalidRows:
        """All invalid rows of the datasets; private."""

    @property
    def lists(self) -> Lists:
        """The lists in pages, filtered and sorted; `labs`, `datasets`, `events`, `runs` and `results` return all."""

    def audit_log(self, *, limit: int = 100, before: int | None = None) -> list[AuditInfo]:
        """Return the entries of the audit log, the newest first; `before`: only those with a smaller number.

        Of the entries on labs and datasets: the user's own, and those on what they own.
        """

    def close(self) -> None:
        """Close all connections; running validations continue."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
