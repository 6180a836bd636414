"""What anybody may ask of a deployment: one interface for the command line, the SDK and the portal.

`LocalService` carries it out on this machine; `HttpService` asks a deployment over its HTTP API. One suite of tests
holds both to `LabService` (tests/service). What `HomeService` has besides is only for who can read the home: users,
sessions and tokens, and the master key have no route. Errors are those of `datalab.errors` and the rooms below it, the
same on both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import KeyRole, Role
from datalab.storage import Key
from datalab_dagster.service.models import (
    AccountInfo,
    AuditInfo,
    DatasetInfo,
    EventInfo,
    KeyAccess,
    LabInfo,
    ResultInfo,
    RunInfo,
    TokenInfo,
    UserInfo,
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


class Accounts(Protocol):
    """The users of a deployment, their passwords, sessions and API tokens; every change goes to the audit log."""

    def any_user(self) -> bool:
        """Tell whether there is any user, so that everybody has to log in."""

    def users(self) -> list[UserInfo]:
        """Return all users, by e-mail address."""

    def add(self, email: str, role: Role, *, password: str | None = None) -> UserInfo:
        """Add a user; without a password there are API tokens only. Raises UserExists, UserRefused."""

    def set_role(self, email: str, role: Role) -> UserInfo:
        """Change a role; it holds from the next request. Raises UserNotFound."""

    def set_password(self, email: str, password: str) -> UserInfo:
        """Change a password and end the user's sessions; tokens stay. Raises UserNotFound, UserRefused."""

    def delete(self, email: str) -> int:
        """Delete a user with all sessions and tokens; return how many users are left. Raises UserNotFound."""

    def tokens(self, email: str | None = None) -> list[TokenInfo]:
        """Return all tokens, or those of a user, the newest first; ended ones too."""

    def create_token(self, email: str, name: str, *, lifetime: timedelta) -> tuple[TokenInfo, str]:
        """Make a token; return it beside what is kept of it. Raises UserNotFound, TokenRefused."""

    def revoke_token(self, token_id: str) -> TokenInfo:
        """End a token at once. Raises TokenNotFound."""

    def sign_in(self, email: str, password: str, *, address: str, lifetime: timedelta) -> str:
        """Begin a session and return its secret. Raises LoginRefused, TooManyLogins."""

    def sign_out(self, secret: str) -> None:
        """End a session, if it goes on."""

    def of_session(self, secret: str, *, idle: timedelta) -> AccountInfo | None:
        """Return whose session it is; None when it has ended, or was not used for `idle`."""

    def of_token(self, token: str) -> AccountInfo | None:
        """Return whose token it is; None when it has ended."""

    def record(
        self, action: str, subject: str = "", *, via: str, address: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Add to the audit log what the user has done. Never row values, never secrets."""


class HomeService(LabService, Protocol):
    """A deployment whose home is on this machine."""

    @property
    def accounts(self) -> Accounts:
        """Who may use the portal."""

    def for_user(self, user: str) -> HomeService:
        """Return the same deployment as another user sees it; shares what is open."""
