"""The tables of the keyed hashes of contents; `models` has those of labs and datasets, and what all share."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from datalab.registry.models import Base, KeyRow


class ContentKeyRow(Base):
    """The wrapped key of the hashes; one row at most."""

    __tablename__ = "content_key"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    wrapped_key: Mapped[bytes]
    master_key_id: Mapped[str]


class ContentHashRow(Base):
    """The keyed hash of the content of a dataset whose key is stored; deleted with that key."""

    __tablename__ = "content_hashes"

    manifest_hash: Mapped[str] = mapped_column(ForeignKey(KeyRow.manifest_hash, ondelete="CASCADE"), primary_key=True)
    content_hash: Mapped[bytes]
