"""What anybody may ask of a deployment: one interface for the command line, the SDK and the portal.

`LocalService` carries it out on this machine; `HttpService` asks a deployment over its HTTP API. One suite of tests
holds both to it (tests/service). What only a deployment on this machine offers is in `home_protocol`. Errors are those
of `datalab.errors` and the rooms below it, the same on both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import KeyRole
from datalab.storage import Key
from datalab_dagster.service.models import (
    AuditInfo,
    DatasetInfo,
    EventInfo,
    KeyAccess,
    LabInfo,
    PartInfo,
    PartStored,
    ResultInfo,
    RunInfo,
    UploadInfo,
)

Progress = Callable[[int], None]
"""Called with the bytes of every chunk that is stored."""


class LabService(Protocol):
    """A deployment, as one user sees it.

    Labs are named by id, or by name where only one has it; datasets by manifest hash.
    """

    @property
    def user(self) -> str:
        """Who asks: the e-mail address that events and audit log name."""

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
        """Store what `source` yields, encrypted; it appears when everything is stored, or not at all.

        The same user's interrupted upload of a source of the same name and size is resumed, when `source` is seekable.

        Args:
            key: encrypts the dataset; random if None.
            store_key: keep the key, wrapped, so that the dataset can be provisioned.
            access: who may use the stored key; by default the uploader, as owner.

        Raises:
            UploadInterrupted: the store failed or the connection broke; the same call goes on where it stopped.
            AccessListWrong: nobody would own the key.
        """

    @property
    def uploads(self) -> Uploads:
        """Uploads by parts, for senders that go on where they stopped."""

    def datasets(self) -> list[DatasetInfo]:
        """Return all datasets, the oldest first."""

    def dataset(self, manifest_hash: str) -> DatasetInfo:
        """Return a dataset.

        Raises:
            DatasetNotFound: there is none.
        """

    def download_dataset(self, manifest_hash: str, key: Key | None = None) -> BinaryIO:
        """Open the plain content of a dataset, every chunk verified; close it afterwards.

        Args:
            key: its key; by default the stored one, which the user must have access to.

        Raises:
            DatasetNotFound, KeyNotFound, KeyAccessDenied, KeyMismatch, ChunkDamaged: as their names say.
        """

    def delete_dataset(self, manifest_hash: str, *, force: bool = False) -> None:
        """Delete a dataset and its key, for good.

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
        """Make a lab; its definition never changes afterwards."""

    def labs(self) -> list[LabInfo]:
        """Return all labs, the oldest first."""

    def lab(self, lab: str) -> LabInfo:
        """Return a lab by id or name.

        Raises:
            LabNotFound, LabNameAmbiguous: as their names say.
        """

    def delete_lab(self, lab: str) -> None:
        """Deprovision everything and delete the lab; datasets stay."""

    def change(self, lab: str, changes: Mapping[DatasetKind, str | None], *, cause: str = "") -> LabInfo:
        """Provision (a manifest hash) or deprovision (None) slots of a lab, in one transaction.

        What is provisioned already is no event. While `datalab up` runs, a validation starts by itself.

        Raises:
            LabNotFound, LabNameAmbiguous: no such lab.
            ProvisioningRefused: nothing was changed; `.problems` names every broken rule.
        """

    def events(self, lab: str) -> list[EventInfo]:
        """Return every provisioning event of a lab, the oldest first."""

    # --------------------------------------------------------------------------------------------------- runs

    def validate(self, lab: str, *, again: bool = False) -> RunInfo:
        """See to it that the datasets provisioned now are validated, and return the run that does it, at once.

        A run on exactly these datasets that goes on, or has given their current result, is returned as it is;
        otherwise, or with `again`, a new one is started.

        Raises:
            LabNotFound, LabNameAmbiguous: no such lab.
            LabIncomplete: a dataset that the lab needs is not provisioned.
        """

    def run(self, run_id: str) -> RunInfo:
        """Return a run with its steps.

        Raises:
            RunNotFound: no such run was started.
        """

    def runs(self, lab: str) -> list[RunInfo]:
        """Return the runs of a lab, the newest first."""

    def cancel_run(self, run_id: str) -> RunInfo:
        """Stop a run; one that has ended stays as it is.

        Raises:
            RunNotFound: no such run was started.
        """

    # ------------------------------------------------------------------------------------------------ results

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

    def validation_report(self, lab: str, kind: DatasetKind, *, run_id: str | None = None) -> bytes:
        """Return the private validation report of a dataset, as JSON: it holds sample values of rows.

        Raises:
            ResultNotFound: there is no such result, or its dataset was deleted and with it the key of the report.
        """

    # ---------------------------------------------------------------------------------------------- audit log

    def audit_log(self, *, limit: int = 100, before: int | None = None) -> list[AuditInfo]:
        """Return who did what, the newest first; `before`: only entries with a smaller number."""

    # ---------------------------------------------------------------------------------------------------- end

    def close(self) -> None:
        """Give back what is held open; running validations go on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Uploads(Protocol):
    """The user's unfinished uploads by parts: parts come in any order and any number of times, until it is complete."""

    def begin(
        self,
        name: str,
        size: int,
        *,
        key: Key | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        store_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
    ) -> tuple[UploadInfo, bool]:
        """Begin an upload, or find the unfinished one that is the same in all this; return it, and whether it is new.

        Raises:
            AccessListWrong: nobody would own the key.
        """

    def all(self) -> list[UploadInfo]:
        """Return all of them, the newest first."""

    def get(self, upload_id: str) -> UploadInfo:
        """Return an upload and which of its parts are stored. Raises UploadNotFound, as all that follow."""

    def part_size(self, upload_id: str, number: int) -> int:
        """Return how many bytes a part must have. Raises PartUnknown."""

    def put(self, upload_id: str, number: int, part: bytes | bytearray) -> PartStored:
        """Store a part in place of what was sent before. Raises PartUnknown, PartSizeWrong, StoreUnreachable."""

    def part(self, upload_id: str, number: int) -> PartInfo:
        """Return what is stored of a part, to compare it with one's own. Raises PartUnknown, PartMissing."""

    def complete(self, upload_id: str, *, sha256: str | None = None) -> DatasetInfo:
        """Make a dataset of all parts; asked again, return the same one.

        Args:
            sha256: SHA-256 of the SHA-256 digests of all parts, one after the other: guards against mixed files.

        Raises:
            PartMissing, PartsDiffer: parts are missing, or not those of `sha256`; what is there is kept.
        """

    def abandon(self, upload_id: str) -> None:
        """Give an upload up and remove its parts."""
