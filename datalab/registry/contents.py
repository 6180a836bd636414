"""Which datasets have the same content: a keyed hash of each, and the wrapped key of these hashes.

This module knows neither the key nor a content; `datalab.deployment.contents` computes the hashes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from datalab.registry.content_rows import ContentHashRow, ContentKeyRow
from datalab.registry.database import Database
from datalab.registry.models import DatasetRow
from datalab.registry.ownership import User, uses_dataset

_ONLY = 1
MOST = 20
"""How many datasets of the same content are named."""


@dataclass(frozen=True)
class ContentKey:
    """The wrapped key of the hashes."""

    wrapped: bytes = field(repr=False)
    master_key_id: str


class Contents:
    """The keyed hashes of contents in a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def key(self) -> ContentKey | None:
        """Return the wrapped key; None before the first upload."""
        with self._database.read() as session:
            row = session.get(ContentKeyRow, _ONLY)
            return ContentKey(row.wrapped_key, row.master_key_id) if row else None

    def keep_key(self, wrapped: bytes, master_key_id: str) -> ContentKey:
        """Keep the key and return the kept one: of several processes the first one decides."""
        values = {"id": _ONLY, "wrapped_key": wrapped, "master_key_id": master_key_id}
        with self._database.write() as session:
            session.execute(insert(ContentKeyRow).values(**values).on_conflict_do_nothing())
            row = session.get_one(ContentKeyRow, _ONLY)
            return ContentKey(row.wrapped_key, row.master_key_id)

    def rewrap(self, before: ContentKey, wrapped: bytes, master_key_id: str) -> bool:
        """Keep the key under a new master key, unless it has changed; return whether it was kept."""
        statement = (
            update(ContentKeyRow)
            .where(ContentKeyRow.wrapped_key == before.wrapped)
            .values(wrapped_key=wrapped, master_key_id=master_key_id)
            .returning(ContentKeyRow.id)
        )
        with self._database.write() as session:
            return session.scalars(statement).first() is not None

    def forget_unused_key(self) -> None:
        """Delete the key if no hash is left, so that a lost master key stops no rotation for its sake."""
        with self._database.write() as session:
            session.execute(delete(ContentKeyRow).where(~select(ContentHashRow).exists()))

    def same_as(self, manifest_hash: str, user: User) -> list[str]:
        """Return the other datasets of the same content that `user` may use, the oldest first; `MOST` at most.

        Only datasets that the user may use, and of the same size, are compared, so the time it takes shows nothing of
        the contents of others.
        """
        size = select(DatasetRow.size_bytes).where(DatasetRow.manifest_hash == manifest_hash)
        kept = select(ContentHashRow.content_hash).where(ContentHashRow.manifest_hash == DatasetRow.manifest_hash)
        own = (
            select(DatasetRow.manifest_hash, DatasetRow.created_at, kept.scalar_subquery().label("content_hash"))
            .where(uses_dataset(user), DatasetRow.deleted_at.is_(None))
            .where(DatasetRow.size_bytes == size.correlate(None).scalar_subquery())
            .cte("own")
            .prefix_with("MATERIALIZED")
        )
        content = select(ContentHashRow.content_hash).where(ContentHashRow.manifest_hash == manifest_hash)
        query = (
            select(own.c.manifest_hash)
            .where(own.c.content_hash == content.scalar_subquery(), own.c.manifest_hash != manifest_hash)
            .order_by(own.c.created_at, own.c.manifest_hash)
            .limit(MOST)
        )
        with self._database.read() as session:
            return list(session.scalars(query))


def put_content(session: Session, manifest_hash: str, content_hash: bytes) -> None:
    """Keep the hash of a dataset whose key is kept, in the caller's transaction."""
    values = {"manifest_hash": manifest_hash, "content_hash": content_hash}
    session.execute(insert(ContentHashRow).values(**values).on_conflict_do_nothing())
