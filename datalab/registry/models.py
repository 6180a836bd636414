"""The tables of the registry, in their own PostgreSQL schema. This module does not know the rules of their changes.

A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA = "datalab_registry"
"""Dagster keeps its tables (and its own `alembic_version`) in the default schema of the same database. That is the
schema with the user's name if it exists, so this name must not be a user's, as `datalab` is."""


class Base(DeclarativeBase):
    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own way to declare it)
        str: Text(),
        int: BigInteger(),
        bytes: LargeBinary(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        dict[str, str]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        list[str]: ARRAY(Text()),
    }


def now() -> Mapped[datetime]:
    # The clock, not the beginning of the transaction: a client that waited for a lock gets the later time.
    return mapped_column(server_default=func.clock_timestamp())


class LabRow(Base):
    """A lab; its definition never changes (a trigger enforces it)."""

    __tablename__ = "labs"

    id: Mapped[str] = mapped_column(primary_key=True)
    partition_key: Mapped[str] = mapped_column(unique=True)
    """What Dagster calls the lab, see `partition_keys`."""
    name: Mapped[str]
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = now()
    created_by: Mapped[str]
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None]
    owners: Mapped[list[LabOwnerRow]] = relationship(order_by="LabOwnerRow.number", cascade="all, delete-orphan")


class LabOwnerRow(Base):
    """An owner of a lab, who changes it and reads its results."""

    __tablename__ = "lab_owners"

    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id), primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True))
    """The order in which they were named."""


class DatasetRow(Base):
    """An uploaded dataset; the store holds its bytes. The row stays after its deletion, because events name it."""

    __tablename__ = "datasets"

    manifest_hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    size_bytes: Mapped[int]
    rows: Mapped[int | None]
    usage: Mapped[str]
    facts: Mapped[dict[str, Any] | None]
    made_from: Mapped[str | None] = mapped_column(ForeignKey("datasets.manifest_hash"))
    """The dataset that it is a repaired copy of."""
    steps: Mapped[list[dict[str, Any]] | None]
    created_at: Mapped[datetime] = now()
    created_by: Mapped[str]
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None]


class KeyRow(Base):
    """The key of a dataset, wrapped by the master key `master_key_id`; deleted with the dataset."""

    __tablename__ = "keychain"

    manifest_hash: Mapped[str] = mapped_column(ForeignKey(DatasetRow.manifest_hash), primary_key=True)
    secret_id: Mapped[str] = mapped_column(unique=True)
    wrapped_key: Mapped[bytes]
    master_key_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime] = now()
    rewrapped_at: Mapped[datetime | None]


class KeyAccessRow(Base):
    """Who may use a key."""

    __tablename__ = "key_access"
    __table_args__ = (CheckConstraint("role IN ('Owner', 'User')", name="role"),)

    manifest_hash: Mapped[str] = mapped_column(ForeignKey(KeyRow.manifest_hash, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]


class UploadRow(Base):
    """An unfinished upload, with its key; deleted when it has become a dataset."""

    __tablename__ = "uploads"

    upload_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    usage: Mapped[str]
    size_bytes: Mapped[int | None]
    keep_key: Mapped[bool]
    access: Mapped[dict[str, str] | None]
    facts: Mapped[dict[str, Any] | None]
    wrapped_key: Mapped[bytes]
    master_key_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime] = now()
    created_by: Mapped[str]


class EventRow(Base):
    """One change of one slot; append-only (a trigger enforces it). `manifest_hash` is null for a deprovision.

    A connector may bring the content that a slot holds: then `manifest_hash` is `replaced`, and `source` is not null.
    """

    __tablename__ = "provisioning_events"
    __table_args__ = (
        Index(None, "lab_id", "sequence"),
        Index("ix_provisioning_events_lab_id_source", "lab_id", "source", postgresql_where=text("source IS NOT NULL")),
        CheckConstraint("manifest_hash IS DISTINCT FROM replaced OR source IS NOT NULL", name="change"),
    )

    sequence: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id))
    kind: Mapped[str]
    manifest_hash: Mapped[str | None] = mapped_column(ForeignKey(DatasetRow.manifest_hash))
    replaced: Mapped[str | None]
    actor: Mapped[str]
    cause: Mapped[str]
    source: Mapped[str | None]
    """The fingerprint of the file that a connector provisioned."""
    at: Mapped[datetime] = now()


class SlotRow(Base):
    """What is provisioned now: the sum of the events, kept in the same transaction."""

    __tablename__ = "provisionings"

    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    manifest_hash: Mapped[str] = mapped_column(ForeignKey(DatasetRow.manifest_hash), index=True)
    sequence: Mapped[int] = mapped_column(ForeignKey(EventRow.sequence))
    expected: Mapped[dict[str, Any] | None]


class ValidatedRow(Base):
    """A dataset whose validation in a lab is complete: its valid rows, report and counts are stored.

    `code_version` is that of the code that validated it.
    """

    __tablename__ = "validated_datasets"

    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    manifest_hash: Mapped[str] = mapped_column(ForeignKey(DatasetRow.manifest_hash), primary_key=True)
    code_version: Mapped[str]


class RunRow(Base):
    """One run of a lab, for exactly the datasets (kind → manifest hash) that it reads."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "lab_id", "number"),
        Index("ix_runs_in_flight", "lab_id", postgresql_where=text("ended_at IS NULL")),
    )

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[str] = mapped_column(unique=True)
    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id))
    datasets: Mapped[dict[str, str]]
    sequence: Mapped[int]
    cause: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    assets: Mapped[list[str] | None]
    started_at: Mapped[datetime] = now()
    ended_at: Mapped[datetime | None]


class ClaimRow(Base):
    """Who answers a change of a lab: a request (`holder`), and its run as soon as that starts."""

    __tablename__ = "run_claims"
    __table_args__ = (Index("ix_run_claims_released", "lab_id", postgresql_where=text("holder = ''")),)

    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    holder: Mapped[str]
    run_id: Mapped[str | None] = mapped_column(index=True)
    claimed_at: Mapped[datetime] = now()


class ResultRow(Base):
    """What a run computed: its paths, verdict and headline numbers. Aggregates and paths only."""

    __tablename__ = "results"
    __table_args__ = (
        Index(None, "lab_id", "number"),
        CheckConstraint("status IN ('SUCCESS', 'FAILED')", name="status"),
    )

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey(RunRow.run_id), unique=True)
    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id))
    datasets: Mapped[dict[str, str]]
    status: Mapped[str]
    paths: Mapped[dict[str, str]]
    summary: Mapped[dict[str, Any]]
    names_checked: Mapped[bool] = mapped_column(server_default=false())
    """False: an earlier version made its files, without looking for ids of users among the names."""
    created_at: Mapped[datetime] = now()
    expired_at: Mapped[datetime | None]


class CopyRow(Base):
    """A document of the current result of a lab, as it is stored in the object store; shown while that is away."""

    __tablename__ = "result_copies"

    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    """Of the object, below the folder of the lab."""
    run_id: Mapped[str] = mapped_column(ForeignKey(ResultRow.run_id, ondelete="CASCADE"), index=True)
    content: Mapped[bytes]


class ForgottenRow(Base):
    """The headline numbers of a result that is no longer kept, for trends; only those of the newest refreshes."""

    __tablename__ = "forgotten_results"
    __table_args__ = (Index(None, "lab_id", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """That of the result."""
    run_id: Mapped[str]
    lab_id: Mapped[str] = mapped_column(ForeignKey(LabRow.id))
    datasets: Mapped[dict[str, str]]
    summary: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
