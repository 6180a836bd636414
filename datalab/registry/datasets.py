"""Uploaded datasets in the registry: identified by manifest hash, described, deleted. The store holds their bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from datalab.kinds import DatasetKind
from datalab.registry.contents import put_content
from datalab.registry.database import Database
from datalab.registry.errors import DatasetInUse, DatasetNotFound, DatasetRefused
from datalab.registry.keychain import put_key
from datalab.registry.models import DatasetRow, KeyAccessRow, KeyRow, LabRow, SlotRow
from datalab.registry.queries import begin_provisioning, change_slots, live_dataset, live_lab, named
from datalab.registry.records import Dataset, Event, KeyRole, Origin, WrappedKey

_MANIFEST_HASH = re.compile(r"[0-9a-f]{64}")


class Datasets:
    """The datasets of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self,
        manifest_hash: str,
        *,
        name: str,
        size_bytes: int,
        by: str,
        key: WrappedKey | None = None,
        content_hash: bytes | None = None,
        description: str = "",
        usage: str = "PUBLISHED",
        facts: Mapping[str, Any] | None = None,
        origin: Origin | None = None,
    ) -> Dataset:
        """Register an upload with its wrapped key; without a key it cannot be provisioned.

        Registering the same dataset again only adds a missing key; a deleted dataset is restored.

        Raises:
            DatasetRefused: not a manifest hash, or registered with another size.
            AccessListWrong: the key would have no owner.
        """
        if not _MANIFEST_HASH.fullmatch(manifest_hash):
            raise DatasetRefused("a manifest hash has 64 characters of 0-9 and a-f")
        kept = None if facts is None else dict(facts)
        values: dict[str, Any] = {
            "name": name,
            "description": description,
            "size_bytes": size_bytes,
            "usage": usage,
            "facts": kept,
            "made_from": origin and origin.made_from,
            "steps": origin and [dict(step) for step in origin.steps],
            "created_by": named(by),
        }
        with self._database.write() as session:
            session.execute(insert(DatasetRow).values(manifest_hash=manifest_hash, **values).on_conflict_do_nothing())
            row = session.get_one(DatasetRow, manifest_hash, with_for_update=True)
            if row.size_bytes != size_bytes:
                raise DatasetRefused(f"{manifest_hash} is registered with {row.size_bytes} bytes, not {size_bytes}")
            if row.deleted_at is not None:
                row.name, row.description, row.usage, row.created_by = name, description, usage, by
                row.created_at = session.scalars(select(func.clock_timestamp())).one()
                row.facts = kept
                row.made_from, row.steps = values["made_from"], values["steps"]
                row.deleted_at = row.deleted_by = None
            if key is not None and session.get(KeyRow, manifest_hash) is None:
                put_key(session, manifest_hash, key, owner=by)
                if content_hash is not None:
                    put_content(session, manifest_hash, content_hash)
            session.flush()
            return _dataset(session, manifest_hash)

    def get(self, manifest_hash: str) -> Dataset:
        """Return a dataset and the labs that it is provisioned to.

        Raises:
            DatasetNotFound: it does not exist, or was deleted.
        """
        with self._database.read() as session:
            return _dataset(session, manifest_hash)

    def all(self, *, by: str | None = None) -> list[Dataset]:
        """Return all datasets, or those that `by` uploaded, the oldest first."""
        query = (
            _query().where(DatasetRow.deleted_at.is_(None)).order_by(DatasetRow.created_at, DatasetRow.manifest_hash)
        )
        with self._database.read() as session:
            found = session.execute(query if by is None else query.where(DatasetRow.created_by == by))
            return [_record(*row) for row in found]

    def set_rows(self, manifest_hash: str, rows: int) -> None:
        """Keep the number of rows that a validation counted in a dataset; no error if it no longer exists."""
        with self._database.write() as session:
            session.execute(update(DatasetRow).where(DatasetRow.manifest_hash == manifest_hash).values(rows=rows))

    def set_facts(self, manifest_hash: str, facts: Mapping[str, Any]) -> None:
        """Keep what the file of a dataset looks like; no error if it no longer exists."""
        with self._database.write() as session:
            statement = update(DatasetRow).where(DatasetRow.manifest_hash == manifest_hash)
            session.execute(statement.values(facts=dict(facts)))

    def delete(self, manifest_hash: str, *, by: str, force: bool = False) -> list[Event]:
        """Delete a dataset and its key permanently; with `force` also if it is provisioned.

        Returns:
            The events by which it was deprovisioned; the store may remove its bytes after this call.

        Raises:
            DatasetNotFound: it does not exist, or was deleted.
            DatasetInUse: it is provisioned; names the labs.
        """
        with self._database.write() as session:
            begin_provisioning(session)
            row = live_dataset(session, manifest_hash)
            if row is None:
                raise DatasetNotFound(manifest_hash)
            uses = session.execute(
                select(SlotRow.lab_id, LabRow.name, SlotRow.kind)
                .join(LabRow, LabRow.id == SlotRow.lab_id)
                .where(SlotRow.manifest_hash == manifest_hash)
                .order_by(SlotRow.lab_id)
            ).all()
            labs = {lab: name for lab, name, _ in uses}
            if uses and not force:
                raise DatasetInUse(manifest_hash, list(labs.items()))
            events: list[Event] = []
            for lab in labs:
                live_lab(session, lab, lock=True)
                kinds = [kind for kind in DatasetKind if (lab, labs[lab], kind.value) in uses]
                events += change_slots(session, lab, [(k, None) for k in kinds], by=by, cause="dataset deleted")
            session.execute(delete(KeyRow).where(KeyRow.manifest_hash == manifest_hash))
            row.deleted_at, row.deleted_by = session.scalars(select(func.clock_timestamp())).one(), named(by)
            return events


def _query() -> Select[DatasetRow, str | None, dict[str, str] | None, Sequence[str] | None]:
    labs = (
        select(func.array_agg(SlotRow.lab_id.distinct()))
        .where(SlotRow.manifest_hash == DatasetRow.manifest_hash)
        .scalar_subquery()
    )
    access = (
        select(func.jsonb_object_agg(KeyAccessRow.user_id, KeyAccessRow.role, type_=JSONB()))
        .where(KeyAccessRow.manifest_hash == KeyRow.manifest_hash)
        .scalar_subquery()
    )
    return select(DatasetRow, KeyRow.secret_id, access, labs).outerjoin(
        KeyRow, KeyRow.manifest_hash == DatasetRow.manifest_hash
    )


def datasets_of(session: Session, hashes: Sequence[str]) -> list[Dataset]:
    """Return the datasets of these manifest hashes, in the same order."""
    found = {
        row[0].manifest_hash: _record(*row)
        for row in session.execute(_query().where(DatasetRow.manifest_hash.in_(hashes)))
    }
    return [found[manifest_hash] for manifest_hash in hashes if manifest_hash in found]


def _dataset(session: Session, manifest_hash: str) -> Dataset:
    query = _query().where(DatasetRow.manifest_hash == manifest_hash, DatasetRow.deleted_at.is_(None))
    found = session.execute(query).first()
    if found is None:
        raise DatasetNotFound(manifest_hash)
    return _record(*found)


def _record(
    row: DatasetRow, secret_id: str | None, access: dict[str, str] | None, labs: Sequence[str] | None
) -> Dataset:
    listed = {user: KeyRole(role) for user, role in sorted((access or {}).items())}
    return Dataset(
        manifest_hash=row.manifest_hash,
        name=row.name,
        description=row.description,
        size=row.size_bytes,
        rows=row.rows,
        usage=row.usage,
        facts=row.facts,
        origin=Origin(row.made_from, row.steps or []) if row.made_from else None,
        created_at=row.created_at,
        created_by=row.created_by,
        secret_id=secret_id,
        access=None if secret_id is None else listed,
        labs=tuple(sorted(labs or ())),
    )
