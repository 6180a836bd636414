"""Unfinished uploads: what is needed to continue one. The store holds their bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from datalab.registry.database import Database
from datalab.registry.errors import UploadNotFound
from datalab.registry.keychain import check_access
from datalab.registry.models import UploadRow
from datalab.registry.queries import named
from datalab.registry.records import KeyRole, Upload


class Uploads:
    """The unfinished uploads of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        upload_id: str,
        *,
        name: str,
        size_bytes: int | None,
        by: str,
        wrapped: bytes,
        master_key_id: str,
        description: str = "",
        usage: str = "PUBLISHED",
        keep_key: bool = True,
        access: Mapping[str, KeyRole] | None = None,
    ) -> Upload:
        """Keep what is needed to continue an upload, before its first byte is stored.

        Raises:
            AccessListWrong: the key would have no owner.
        """
        if access is not None:
            check_access(access)
        row = UploadRow(
            upload_id=upload_id,
            name=name,
            description=description,
            usage=usage,
            size_bytes=size_bytes,
            keep_key=keep_key,
            access=None if access is None else {user: KeyRole(role).value for user, role in access.items()},
            wrapped_key=wrapped,
            master_key_id=master_key_id,
            created_by=named(by),
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()
            return _upload_of(row)

    def get(self, upload_id: str) -> Upload:
        """Return an unfinished upload.

        Raises:
            UploadNotFound: it does not exist, or has become a dataset.
        """
        with self._database.read() as session:
            row = session.get(UploadRow, upload_id)
            if row is None:
                raise UploadNotFound(upload_id)
            return _upload_of(row)

    def all(self, *, by: str | None = None) -> list[Upload]:
        """Return all unfinished uploads, or those of `by`, the newest first."""
        query = select(UploadRow).order_by(UploadRow.created_at.desc(), UploadRow.upload_id)
        with self._database.read() as session:
            return [_upload_of(row) for row in session.scalars(query if by is None else query.filter_by(created_by=by))]

    def forget(self, upload_ids: Iterable[str]) -> None:
        """Delete the records of uploads that have become datasets, or never will; unknown ones are skipped."""
        with self._database.write() as session:
            session.execute(delete(UploadRow).where(UploadRow.upload_id.in_(list(upload_ids))))

    @contextlib.contextmanager
    def claim(self, upload_id: str) -> Iterator[bool]:
        """Yield whether this upload is free; if so, it is reserved for the caller while the block runs.

        The connection holds the claim: it is released when the process dies.
        """
        key = {"key": int(upload_id[:15], 16)}
        with self._database.standing_connection() as connection:
            mine = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar())
            try:
                yield mine
            finally:
                if mine:
                    with contextlib.suppress(SQLAlchemyError):  # a broken connection has released it
                        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)

    def set_facts(self, upload_id: str, facts: Mapping[str, Any]) -> None:
        """Keep what the file of an upload looks like; no error if the upload no longer exists."""
        with self._database.write() as session:
            session.execute(update(UploadRow).where(UploadRow.upload_id == upload_id).values(facts=dict(facts)))

    def rewrap(self, upload: Upload, wrapped: bytes, master_key_id: str) -> bool:
        """Keep the key of `upload` under a new master key, unless it was deleted or has changed."""
        statement = (
            update(UploadRow)
            .where(UploadRow.upload_id == upload.upload_id, UploadRow.master_key_id == upload.master_key_id)
            .values(wrapped_key=wrapped, master_key_id=master_key_id)
            .returning(UploadRow.upload_id)
        )
        with self._database.write() as session:
            return session.scalars(statement).first() is not None


def _upload_of(row: UploadRow) -> Upload:
    return Upload(
        upload_id=row.upload_id,
        name=row.name,
        description=row.description,
        usage=row.usage,
        size_bytes=row.size_bytes,
        keep_key=row.keep_key,
        access=None if row.access is None else {user: KeyRole(role) for user, role in row.access.items()},
        facts=row.facts,
        wrapped=row.wrapped_key,
        master_key_id=row.master_key_id,
        created_at=row.created_at,
        created_by=row.created_by,
    )
