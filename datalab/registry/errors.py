"""What can go wrong with the registry, one class per failure; no message holds a password, a key or a row value.

DatalabError
├── RegistryError              the database cannot be used now; the change was not made
│   ├── DatabaseUrlWrong       the URL is not a supported URL of PostgreSQL
│   ├── DatabaseUnreachable    no server answers, or the connection broke
│   ├── DatabaseRefused        the server answers, but not to this user, password or database
│   ├── DatabaseRightMissing   the user may not create the tables that are missing
│   ├── DatabasePooled         a pool gives a session no server process of its own
│   ├── DatabaseFull           the server has no space or no connection left
│   ├── RegistryBusy           another client holds the lock
│   ├── SchemaTooOld           migrate first
│   ├── SchemaTooNew           a newer datalab has migrated it
│   └── EmbeddedPostgresFailed the server under the home directory does not start or stop
└── UsageError
    ├── LabNotFound  LabNameAmbiguous
    ├── LabNotYours  OwnersWrong  RoleRefused
    ├── DatasetNotFound  DatasetInUse  DatasetRefused
    ├── ProvisioningRefused    lists every rule that the change breaks
    ├── RunNotFound  RunRefused (ChangeClaimed)  UploadNotFound
    ├── KeyNotFound  KeyAccessDenied  AccessListWrong
    ├── UserNotFound  UserExists  UserRefused  TokenNotFound  TokenRefused
    └── LoginRefused  TooManyLogins
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from datalab.errors import DatalabError, UsageError, none_such
from datalab.formats import counted, listed
from datalab.kinds import DatasetKind

if TYPE_CHECKING:
    from datalab.registry.records import Claim


class RegistryError(DatalabError):
    """The registry cannot be used now; the requested change was not made."""


class DatabaseUrlWrong(RegistryError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"DATALAB_POSTGRES_URL cannot be used: {reason}. Write it as "
            "postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE, or unset it for a PostgreSQL under DATALAB_HOME."
        )


class DatabaseUnreachable(RegistryError):
    def __init__(self, where: str, *, lost: bool = False) -> None:
        what = "The connection to PostgreSQL broke" if lost else "PostgreSQL does not answer"
        super().__init__(
            f"{what} at {where}. Nothing of this change was kept; start the server (`datalab up` starts the one under "
            "DATALAB_HOME) or correct DATALAB_POSTGRES_URL, then run again."
        )


class DatabaseRefused(RegistryError):
    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"PostgreSQL at {where} refused the connection: {reason}. Nothing was changed; correct user, password and "
            "database in DATALAB_POSTGRES_URL, then run again."
        )


class DatabaseRightMissing(RegistryError):
    def __init__(self, where: str, grant: str) -> None:
        super().__init__(
            f"The user of PostgreSQL at {where} may not create the tables of the Data Lab. Nothing was started; let "
            f"the owner of the database run `{grant}`, then run again."
        )


class DatabasePooled(RegistryError):
    def __init__(self, where: str) -> None:
        super().__init__(
            f"PostgreSQL at {where} is behind a pool that gives a session no server process of its own, so locks "
            "would stay held. Nothing was started; set `pool_mode = session` for this database in pgbouncer.ini, or "
            "write the address of PostgreSQL itself into DATALAB_POSTGRES_URL, then run again."
        )


class DatabaseFull(RegistryError):
    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"PostgreSQL at {where} has {reason}. Nothing of this change was kept; make room, then run again."
        )


class RegistryBusy(RegistryError):
    def __init__(self) -> None:
        super().__init__(
            "Another client is changing the same labs and did not finish in time. Nothing of this change was kept; "
            "run again."
        )


class SchemaTooOld(RegistryError):
    def __init__(self, where: str) -> None:
        super().__init__(
            f"The registry at {where} is not migrated to this version of datalab. Nothing was changed; `datalab up` "
            "migrates it."
        )


class SchemaTooNew(RegistryError):
    def __init__(self, where: str, revision: str) -> None:
        super().__init__(
            f"The registry at {where} was migrated by a newer datalab (revision {revision} is unknown here). Nothing "
            "was changed; install the newer version."
        )


class EmbeddedPostgresFailed(RegistryError):
    def __init__(self, action: str, home: Path, reason: str, log: Path | None = None) -> None:
        see = f" See {log}." if log else ""
        super().__init__(f"PostgreSQL under {home} cannot be {action}: {reason}. Its data are untouched.{see}")


class LabNotFound(UsageError):
    def __init__(self, lab: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"{none_such('lab', lab, known)} `datalab lab list` lists all.")


class LabNameAmbiguous(UsageError):
    def __init__(self, name: str, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} labs are named '{name}': {', '.join(ids)}. Use the id.")


class LabNotYours(UsageError):
    """The lab belongs to others: its name and state are all that the user may see."""

    def __init__(self, lab: str, name: str, owners: Sequence[str], user: str) -> None:
        super().__init__(
            f"Lab {lab} ({name}) belongs to {listed(list(owners))}: only its owners read its datasets and results, or "
            f"change it. Nothing was changed. Ask one of them to name {user} an owner too "
            f"(`datalab lab owners {lab} --add {user}`)."
        )


class OwnersWrong(UsageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The owners of the lab were not changed: {reason}.")


class RoleRefused(UsageError):
    def __init__(self, user: str, role: str, permission: str) -> None:
        super().__init__(
            f"{user} may not do this: it needs the permission '{permission}', which the role '{role}' does not have. "
            f"Nothing was changed; ask the person who runs this deployment (`datalab user set-role`)."
        )


class DatasetNotFound(UsageError):
    def __init__(self, manifest_hash: str) -> None:
        super().__init__(f"There is no dataset with manifest hash {manifest_hash}. `datalab dataset list` lists all.")


class UploadNotFound(UsageError):
    def __init__(self, upload_id: str) -> None:
        super().__init__(f"There is no unfinished upload {upload_id}: it is finished, or was removed. Start a new one.")


class DatasetRefused(UsageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The dataset cannot be registered: {reason}. Nothing was changed.")


class DatasetInUse(UsageError):
    """`labs` holds the ids of the labs that the dataset is provisioned to."""

    def __init__(self, manifest_hash: str, labs: Sequence[tuple[str, str]]) -> None:
        self.labs = [lab for lab, _ in labs]
        lines = "".join(f"\n  - {lab} ({name})" for lab, name in labs)
        super().__init__(
            f"Dataset {manifest_hash} is provisioned to {counted(len(labs), 'lab')} and was not "
            f"deleted. Deprovision it first, or force the deletion, which deprovisions it from:{lines}"
        )


class ProblemCode(StrEnum):
    """Which rule of provisioning a change breaks."""

    NO_SUCH_SLOT = "NO_SUCH_SLOT"
    NO_SUCH_DATASET = "NO_SUCH_DATASET"
    NO_KEY = "NO_KEY"
    IDENTIFIERS_MISSING = "IDENTIFIERS_MISSING"
    NOT_PROVISIONED = "NOT_PROVISIONED"
    KIND_MISMATCH = "KIND_MISMATCH"
    """The dataset certainly has another kind; only if kinds are checked."""


@dataclass(frozen=True)
class Problem:
    """One broken rule of a change, and the slot that it concerns."""

    code: ProblemCode
    kind: DatasetKind
    message: str


class ProvisioningRefused(UsageError):
    """A change breaks rules; `problems` holds all of them, and no slot was changed."""

    def __init__(self, lab: str, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        lines = "".join(f"\n  - {problem.message}" for problem in problems)
        super().__init__(f"Lab {lab} was not changed:{lines}")


class RunNotFound(UsageError):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"The registry knows no run {run_id}.")


class RunRefused(UsageError):
    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(f"Run {run_id} was not recorded: {reason}.")


class ChangeClaimed(RunRefused):
    """Another run, or a request whose run is being made, answers the same change.

    Attributes:
        claim: says which.
    """

    def __init__(self, run_id: str, claim: Claim) -> None:
        super().__init__(
            run_id, f"{claim.run_id or claim.holder} answers the last change of lab {claim.lab_id} already"
        )
        self.claim = claim


class KeyNotFound(UsageError):
    def __init__(self, manifest_hash: str) -> None:
        super().__init__(f"Dataset {manifest_hash} has no stored key. Upload it again and store its key.")


class KeyAccessDenied(UsageError):
    def __init__(self, manifest_hash: str, user: str, what: str = "use the key of", owners: Sequence[str] = ()) -> None:
        ask = listed(list(owners), "or") if owners else "one of its owners"
        super().__init__(
            f"{user} may not {what} dataset {manifest_hash}. Nothing was changed. Ask {ask}: `datalab dataset access` "
            "changes who may use a dataset."
        )


class AccessListWrong(UsageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The access list of the key cannot be used: {reason}. Nothing was changed.")


class UserNotFound(UsageError):
    def __init__(self, email: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"{none_such('user', email, known)} `datalab user list` lists all.")


class UserExists(UsageError):
    def __init__(self, email: str) -> None:
        super().__init__(f"There is already a user '{email}'. Nothing was changed; `datalab user set-role` changes it.")


class UserRefused(UsageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The user was not changed: {reason}.")


class TokenNotFound(UsageError):
    def __init__(self, token_id: str) -> None:
        super().__init__(f"There is no API token with the id '{token_id}'. `datalab token list` lists all.")


class TokenRefused(UsageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"No API token was made: {reason}.")


class LoginRefused(UsageError):
    """Wrong e-mail address or wrong password; it does not say which."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class TooManyLogins(UsageError):
    """Too many recent logins failed; `retry_after` is the number of seconds to wait."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(
            f"Too many logins failed here lately. Wait {-(-retry_after // 60)} minutes, then try again; "
            "API tokens and sessions still work."
        )
