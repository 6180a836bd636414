"""Wrapped keys of datasets and who may use them. This module does not know how keys are wrapped."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from datalab.registry.database import Database
from datalab.registry.errors import AccessListWrong, DatasetNotFound, KeyNotFound
from datalab.registry.models import KeyAccessRow, KeyRow
from datalab.registry.ownership import Verb, check
from datalab.registry.queries import live_dataset
from datalab.registry.records import KeyEntry, KeyRole, WrappedKey

_WRAPPING_LOCK = 0x64617461_6C61_6203
"""For an advisory lock: "datalab" and a 3."""


class Keychain:
    """The keychain of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entry(self, manifest_hash: str, *, user: str | None = None) -> KeyEntry:
        """Return the wrapped key of a dataset.

        Args:
            manifest_hash: which dataset.
            user: the user of the key; None for the project's own runs, which unwrap what is provisioned.

        Raises:
            DatasetNotFound, KeyNotFound: the dataset or its key does not exist.
            KeyAccessDenied, RoleRefused: `user` may not use it.
        """
        with self._database.read() as session:
            entry = _entry(session, manifest_hash)
            if user is not None:
                check(session, user, Verb.OPEN, entry)
            return entry

    def set_access(self, manifest_hash: str, access: Mapping[str, KeyRole], *, by: str) -> KeyEntry:
        """Replace the access list of a key; `by` must be an owner.

        Raises:
            DatasetNotFound, KeyNotFound: the dataset or its key does not exist.
            KeyAccessDenied, RoleRefused: `by` is no owner.
            AccessListWrong: the key would have no owner.
        """
        with self._database.write() as session:
            session.get(KeyRow, manifest_hash, with_for_update=True)
            check(session, by, Verb.SHARE, _entry(session, manifest_hash))
            _grant(session, manifest_hash, access)
            return _entry(session, manifest_hash)

    def all(self) -> list[str]:
        """Return the manifest hashes of all datasets whose keys are stored."""
        with self._database.read() as session:
            return list(session.scalars(select(KeyRow.manifest_hash).order_by(KeyRow.manifest_hash)))

    @contextlib.contextmanager
    def wrapping(self, *, exclusive: bool = False) -> Iterator[None]:
        """Block rotations of the master key while a key is wrapped and stored; `exclusive`: for the rotation itself.

        Otherwise a key that is wrapped just before a rotation and stored just after it would be lost.
        """
        lock = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
        with self._database.write() as session:
            session.execute(text(f"SELECT {lock}(:key)"), {"key": _WRAPPING_LOCK})
            yield

    def not_wrapped_by(self, master_key_id: str) -> list[str]:
        """Return the manifest hashes whose keys another master key wraps: the rest of a rotation."""
        query = select(KeyRow.manifest_hash).where(KeyRow.master_key_id != master_key_id).order_by(KeyRow.manifest_hash)
        with self._database.read() as session:
            return list(session.scalars(query))

    def rewrap(self, entry: KeyEntry, wrapped: bytes, master_key_id: str) -> bool:
        """Keep `entry` under a new master key, unless it has changed or was deleted; return whether it was kept."""
        statement = (
            update(KeyRow)
            .where(KeyRow.secret_id == entry.secret_id, KeyRow.master_key_id == entry.master_key_id)
            .values(wrapped_key=wrapped, master_key_id=master_key_id, rewrapped_at=func.clock_timestamp())
            .returning(KeyRow.manifest_hash)
        )
        with self._database.write() as session:
            return session.scalars(statement).first() is not None


def put_key(session: Session, manifest_hash: str, key: WrappedKey, *, owner: str) -> None:
    """Store a key and its access list, in the caller's transaction."""
    session.add(
        KeyRow(
            manifest_hash=manifest_hash,
            secret_id=str(uuid.uuid4()),
            wrapped_key=key.wrapped,
            master_key_id=key.master_key_id,
        )
    )
    session.flush()
    _grant(session, manifest_hash, {owner: KeyRole.OWNER} if key.access is None else key.access)


def check_access(access: Mapping[str, KeyRole]) -> None:
    """Refuse an access list that would make a key unusable.

    Raises:
        AccessListWrong: says why.
    """
    if KeyRole.OWNER not in access.values():
        raise AccessListWrong("it must contain at least one owner")
    if any(not user.strip() for user in access):
        raise AccessListWrong("a user has no name")


def _grant(session: Session, manifest_hash: str, access: Mapping[str, KeyRole]) -> None:
    check_access(access)
    for row in session.scalars(select(KeyAccessRow).where(KeyAccessRow.manifest_hash == manifest_hash)).all():
        session.delete(row)
    session.flush()
    session.add_all(
        KeyAccessRow(manifest_hash=manifest_hash, user_id=user, role=KeyRole(role).value)
        for user, role in access.items()
    )
    session.flush()


def _entry(session: Session, manifest_hash: str) -> KeyEntry:
    row = session.get(KeyRow, manifest_hash)
    if row is None:
        raise KeyNotFound(manifest_hash) if live_dataset(session, manifest_hash) else DatasetNotFound(manifest_hash)
    listed = session.scalars(
        select(KeyAccessRow).where(KeyAccessRow.manifest_hash == manifest_hash).order_by(KeyAccessRow.user_id)
    )
    access = {one.user_id: KeyRole(one.role) for one in listed}
    return KeyEntry(manifest_hash, row.secret_id, row.wrapped_key, row.master_key_id, access)
