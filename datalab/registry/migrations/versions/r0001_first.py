"""Labs, datasets, keychain, provisioning events, runs and results.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def _text(name: str, *rules: sa.schema.SchemaItem, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), *rules, nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(), nullable=False)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def _later(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _refers(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{SCHEMA}.{to}"], name=f"fk_{table}_{column}", ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "labs", _text("id"), _text("name"), _json("definition"), _at("created_at"), _text("created_by"),
        _later("deleted_at"), _text("deleted_by", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_labs"), schema=SCHEMA,
    )  # fmt: skip
    op.create_table(
        "datasets", _text("manifest_hash"), _text("name"), _text("description"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False), _text("usage"), _at("created_at"),
        _text("created_by"), _later("deleted_at"), _text("deleted_by", nullable=True),
        sa.PrimaryKeyConstraint("manifest_hash", name="pk_datasets"), schema=SCHEMA,
    )  # fmt: skip
    op.create_table(
        "keychain", _text("manifest_hash"), _text("secret_id"),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False), _text("master_key_id"), _at("created_at"),
        _later("rewrapped_at"), _refers("keychain", "manifest_hash", "datasets.manifest_hash"),
        sa.PrimaryKeyConstraint("manifest_hash", name="pk_keychain"),
        sa.UniqueConstraint("secret_id", name="uq_keychain_secret_id"), schema=SCHEMA,
    )  # fmt: skip
    op.create_index("ix_keychain_master_key_id", "keychain", ["master_key_id"], schema=SCHEMA)
    op.create_table(
        "key_access", _text("manifest_hash"), _text("user_id"), _text("role"),
        sa.CheckConstraint("role IN ('Owner', 'User')", name="ck_key_access_role"),
        _refers("key_access", "manifest_hash", "keychain.manifest_hash", "CASCADE"),
        sa.PrimaryKeyConstraint("manifest_hash", "user_id", name="pk_key_access"), schema=SCHEMA,
    )  # fmt: skip
    op.create_table(
        "provisioning_events", _number("sequence"), _text("lab_id"), _text("kind"),
        _text("manifest_hash", nullable=True), _text("replaced", nullable=True), _text("actor"), _text("cause"),
        _at("at"), sa.CheckConstraint("manifest_hash IS DISTINCT FROM replaced", name="ck_provisioning_events_change"),
        _refers("provisioning_events", "lab_id", "labs.id"),
        _refers("provisioning_events", "manifest_hash", "datasets.manifest_hash"),
        sa.PrimaryKeyConstraint("sequence", name="pk_provisioning_events"), schema=SCHEMA,
    )  # fmt: skip
    op.create_index(
        "ix_provisioning_events_lab_id_sequence", "provisioning_events", ["lab_id", "sequence"], schema=SCHEMA
    )
    op.create_table(
        "provisionings", _text("lab_id"), _text("kind"), _text("manifest_hash"),
        sa.Column("sequence", sa.BigInteger(), nullable=False), _refers("provisionings", "lab_id", "labs.id"),
        _refers("provisionings", "manifest_hash", "datasets.manifest_hash"),
        _refers("provisionings", "sequence", "provisioning_events.sequence"),
        sa.PrimaryKeyConstraint("lab_id", "kind", name="pk_provisionings"), schema=SCHEMA,
    )  # fmt: skip
    op.create_index("ix_provisionings_manifest_hash", "provisionings", ["manifest_hash"], schema=SCHEMA)
    op.create_table(
        "runs", _number("number"), _text("run_id"), _text("lab_id"), _json("datasets"),
        sa.Column("sequence", sa.BigInteger(), nullable=False), _text("cause"), _text("state"),
        _text("reason", nullable=True), _at("started_at"), _later("ended_at"), _refers("runs", "lab_id", "labs.id"),
        sa.PrimaryKeyConstraint("number", name="pk_runs"), sa.UniqueConstraint("run_id", name="uq_runs_run_id"),
        schema=SCHEMA,
    )  # fmt: skip
    op.create_index("ix_runs_lab_id_number", "runs", ["lab_id", "number"], schema=SCHEMA)
    op.create_index(
        "ix_runs_in_flight", "runs", ["lab_id"], schema=SCHEMA, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "results", _number("number"), _text("run_id"), _text("lab_id"), _json("datasets"), _text("status"),
        _json("paths"), _json("summary"), _at("created_at"), _later("expired_at"),
        sa.CheckConstraint("status IN ('SUCCESS', 'FAILED')", name="ck_results_status"),
        _refers("results", "run_id", "runs.run_id"), _refers("results", "lab_id", "labs.id"),
        sa.PrimaryKeyConstraint("number", name="pk_results"),
        sa.UniqueConstraint("run_id", name="uq_results_run_id"), schema=SCHEMA,
    )  # fmt: skip
    op.create_index("ix_results_lab_id_number", "results", ["lab_id", "number"], schema=SCHEMA)
    for statement in _GUARDS:
        op.execute(statement)


_GUARDS = (
    f"""CREATE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% of % is refused', TG_OP, TG_TABLE_NAME; END $$""",
    f"""CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {SCHEMA}.provisioning_events
        FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()""",
    f"""CREATE TRIGGER immutable BEFORE UPDATE OF id, name, definition, created_at, created_by ON {SCHEMA}.labs
        FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()""",
)
"""Events are only added, and a lab's configuration never changes: the database enforces both."""
