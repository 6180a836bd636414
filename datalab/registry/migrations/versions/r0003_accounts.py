"""Users, API tokens, sessions, failed logins and the audit log.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _hash(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["email"], [f"{SCHEMA}.users.email"], name=f"fk_{table}_email", ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "users", _text("email"), _text("role"), _text("password_hash", nullable=True), _now("created_at"),
        _text("created_by"),
        sa.CheckConstraint("role IN ('publisher', 'viewer', 'admin')", name="ck_users_role"),
        sa.PrimaryKeyConstraint("email", name="pk_users"), schema=SCHEMA,
    )  # fmt: skip
    op.create_table(
        "api_tokens", _text("id"), _hash("token_hash"), _text("email"), _text("name"), _now("created_at"),
        _text("created_by"), _time("expires_at", nullable=False), _time("revoked_at"), _time("last_used_at"),
        _of_user("api_tokens"), sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"), schema=SCHEMA,
    )  # fmt: skip
    op.create_index("ix_api_tokens_email", "api_tokens", ["email"], schema=SCHEMA)
    op.create_table(
        "sessions", _hash("session_hash"), _text("email"), _now("created_at"), _time("expires_at", nullable=False),
        _now("last_used_at"), _of_user("sessions"), sa.PrimaryKeyConstraint("session_hash", name="pk_sessions"),
        schema=SCHEMA,
    )  # fmt: skip
    op.create_index("ix_sessions_email", "sessions", ["email"], schema=SCHEMA)
    op.create_table(
        "login_attempts", _number(), _hash("account_hash"), _text("address"), _now("at"),
        sa.PrimaryKeyConstraint("number", name="pk_login_attempts"), schema=SCHEMA,
    )  # fmt: skip
    op.create_index("ix_login_attempts_account_hash", "login_attempts", ["account_hash"], schema=SCHEMA)
    op.create_index("ix_login_attempts_address", "login_attempts", ["address"], schema=SCHEMA)
    op.create_table(
        "audit_log", _number(), _now("at"), _text("actor"), _text("via"), _text("address"), _text("action"),
        _text("subject"), sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_log"), schema=SCHEMA,
    )  # fmt: skip
    op.execute(
        f"""CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {SCHEMA}.audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"""
    )
