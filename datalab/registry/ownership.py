"""Who may do what: `decide` answers (user, verb, object) for every way in. The deployment's own runs do not ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session

from datalab.errors import UsageError
from datalab.registry.account_rows import UserRow
from datalab.registry.database import Database
from datalab.registry.errors import KeyAccessDenied, LabNotYours, RoleRefused
from datalab.registry.models import DatasetRow, KeyAccessRow, KeyRow, LabOwnerRow, LabRow
from datalab.registry.records import Dataset, KeyEntry, KeyRole, Lab, Role

Thing = Lab | Dataset | KeyEntry
_WHITE_SPACE = " \t\n\r\v\f"


class Permission(StrEnum):
    """What a role can allow."""

    SHARED = "shared"
    """Aggregates of labs that were created with sharing on."""
    READ = "read"
    """Labs, descriptions of datasets, runs, statistics."""
    CHANGE = "change"
    """Upload, create, provision, validate, delete."""
    PRIVATE = "private"
    """Validation reports, contents and keys of datasets, the audit log."""


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.PUBLISHER: frozenset(Permission),
    Role.VIEWER: frozenset({Permission.SHARED, Permission.READ}),
    Role.ADMIN: frozenset({Permission.SHARED}),
}


class Verb(StrEnum):
    """What a user asks for. The text of a verb on a dataset completes "they may not … dataset 4f1e"."""

    LIST = "list labs and datasets"
    MAKE = "create labs, upload datasets"
    AUDIT = "read the audit log"
    READ_LAB = "read the datasets, history and results of a lab"
    READ_SHARED = "read what a lab shares"
    READ_REPORTS = "read the validation reports of a lab"
    CHANGE_LAB = "change, validate or delete a lab"
    PROVISION = "provision"
    READ_REPORT = "read the validation report of"
    OPEN = "use the key of"
    DECRYPT = "read the content of"
    DELETE = "delete"
    SHARE = "change who may use"


@dataclass(frozen=True)
class User:
    """The user whose request it is.

    Attributes:
        name: e-mail address, or the login name of a user of the home.
        role: None: the deployment has no user of this name; they have what they own.
        alone: the deployment has no users at all: who reaches it, owns it.
    """

    name: str
    role: Role | None
    alone: bool

    def owns(self, lab: Lab) -> bool:
        """Return whether this user is an owner of the lab."""
        return any(_same(self.name, owner) for owner in lab.owners)

    def key_role(self, dataset: Dataset | KeyEntry) -> KeyRole | None:
        """Return the user's place on the access list; a dataset without a stored key belongs to its uploader."""
        if isinstance(dataset, Dataset) and dataset.access is None:
            return KeyRole.OWNER if _same(self.name, dataset.created_by) else None
        return next((role for user, role in (dataset.access or {}).items() if _same(self.name, user)), None)


def decide(user: User, verb: Verb, thing: Thing | None = None) -> UsageError | None:
    """Return why `user` may not do this to `thing`, or None if they may.

    The role must allow the verb. Then a lab is read and changed by its owners, and read by viewers; a dataset is used
    by the users on the access list of its key, deleted and shared by the owners of its key. While the deployment has
    no users, everything belongs to the person who reaches it; only keys keep their access lists.
    """
    rule = _RULES[verb]
    if user.role is not None and rule.permission not in GRANTS[user.role]:
        return RoleRefused(user.name, user.role.value, rule.permission.value)
    if user.alone and not rule.even_alone:
        return None
    if isinstance(thing, Lab):
        return None if rule.lab(user, thing) else LabNotYours(thing.id, thing.name, thing.owners, user.name)
    if thing is None or rule.dataset(user, thing):
        return None
    owners = [name for name, role in (thing.access or {}).items() if role is KeyRole.OWNER]
    return KeyAccessDenied(thing.manifest_hash, user.name, verb.value, owners)


@dataclass(frozen=True)
class _Rule:
    permission: Permission
    lab: Callable[[User, Lab], bool] = lambda user, lab: True
    dataset: Callable[[User, Dataset | KeyEntry], bool] = lambda user, dataset: True
    even_alone: bool = False
    """Whether it holds while the deployment has no users."""


def _owner_or_viewer(user: User, lab: Lab) -> bool:
    return user.role is Role.VIEWER or user.owns(lab)


def _shared(user: User, lab: Lab) -> bool:
    reader = user.alone or user.role in (Role.VIEWER, Role.ADMIN)
    return lab.definition.share_statistics and (reader or user.owns(lab))


def _listed(user: User, dataset: Dataset | KeyEntry) -> bool:
    return user.key_role(dataset) is not None


def _keyless_or_listed(user: User, dataset: Dataset | KeyEntry) -> bool:
    return dataset.access is None or _listed(user, dataset)


def _key_owner(user: User, dataset: Dataset | KeyEntry) -> bool:
    return user.key_role(dataset) is KeyRole.OWNER


_RULES: dict[Verb, _Rule] = {
    Verb.LIST: _Rule(Permission.READ),
    Verb.MAKE: _Rule(Permission.CHANGE),
    Verb.AUDIT: _Rule(Permission.PRIVATE),
    Verb.READ_LAB: _Rule(Permission.READ, lab=_owner_or_viewer),
    Verb.READ_SHARED: _Rule(Permission.SHARED, lab=_shared, even_alone=True),
    Verb.READ_REPORTS: _Rule(Permission.PRIVATE, lab=User.owns),
    Verb.CHANGE_LAB: _Rule(Permission.CHANGE, lab=User.owns),
    Verb.PROVISION: _Rule(Permission.CHANGE, dataset=_listed),
    Verb.READ_REPORT: _Rule(Permission.PRIVATE, dataset=_listed),
    Verb.OPEN: _Rule(Permission.PRIVATE, dataset=_listed, even_alone=True),
    # A dataset whose key is not stored has no access list: the key itself is the proof.
    Verb.DECRYPT: _Rule(Permission.PRIVATE, dataset=_keyless_or_listed),
    Verb.DELETE: _Rule(Permission.CHANGE, dataset=_key_owner),
    Verb.SHARE: _Rule(Permission.CHANGE, dataset=_key_owner, even_alone=True),
}


class Ownership:
    """Looks up the user of a request, and decides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def user(self, name: str) -> User:
        """Return the user of this name with their role now."""
        with self._database.read() as session:
            return user_of(session, name)

    def check(self, name: str, verb: Verb, thing: Thing | None = None) -> User:
        """Return the user of this name, who may do this.

        Raises:
            RoleRefused, LabNotYours, KeyAccessDenied: they may not; nothing was changed.
        """
        with self._database.read() as session:
            return check(session, name, verb, thing)


def check(session: Session, name: str, verb: Verb, thing: Thing | None = None) -> User:
    """Do as `Ownership.check`, in the caller's transaction."""
    user = user_of(session, name)
    if (refusal := decide(user, verb, thing)) is not None:
        raise refusal
    return user


def user_of(session: Session, name: str) -> User:
    """Return the user of this name, in the caller's transaction."""
    row = session.get(UserRow, plain(name)) if name.isprintable() else None
    if row is not None:
        return User(row.email, Role(row.role), alone=False)
    return User(name, None, alone=session.scalars(select(UserRow.email).limit(1)).first() is None)


def reads_lab(user: User) -> ColumnElement[bool]:
    """Return, for queries of labs, whether `decide` allows READ_LAB to a user whose role allows it."""
    if user.alone or user.role is Role.VIEWER:
        return true()
    return exists().where(LabOwnerRow.lab_id == LabRow.id, _plain_in(LabOwnerRow.user_id) == plain(user.name))


def uses_dataset(user: User) -> ColumnElement[bool]:
    """Return, for queries of datasets, whether the user is on the access list, as `User.key_role`."""
    if user.alone:
        return true()
    keyless = ~exists().where(KeyRow.manifest_hash == DatasetRow.manifest_hash)
    return or_(
        exists().where(
            KeyAccessRow.manifest_hash == DatasetRow.manifest_hash,
            _plain_in(KeyAccessRow.user_id) == plain(user.name),
        ),
        and_(keyless, _plain_in(DatasetRow.created_by) == plain(user.name)),
    )


def _plain_in(name: Any) -> ColumnElement[str]:
    """Return a name in a query as `plain`."""
    return func.lower(func.btrim(name, _WHITE_SPACE))


def plain(name: str) -> str:
    """Return a name as accounts keep it."""
    return name.strip().lower()


def _same(one: str, other: str) -> bool:
    return plain(one) == plain(other)
