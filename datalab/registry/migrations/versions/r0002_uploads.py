"""Unfinished uploads.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.create_table(
        "uploads",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("upload_id", "name", "description", "usage")),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("keep_key", sa.Boolean(), nullable=False),
        sa.Column("access", postgresql.JSONB(), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("master_key_id", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name="pk_uploads"),
        schema=SCHEMA,
    )
    op.create_index("ix_uploads_master_key_id", "uploads", ["master_key_id"], schema=SCHEMA)
