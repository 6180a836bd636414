"""Keyed hashes of the contents of datasets, and their wrapped key; a connector may bring a content again.

Earlier datasets have no hash.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.create_table(
        "content_key",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("master_key_id", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_content_key_id"),
        sa.PrimaryKeyConstraint("id", name="pk_content_key"),
        schema=SCHEMA,
    )
    op.create_table(
        "content_hashes",
        sa.Column("manifest_hash", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["manifest_hash"],
            [f"{SCHEMA}.keychain.manifest_hash"],
            name="fk_content_hashes_manifest_hash",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("manifest_hash", name="pk_content_hashes"),
        schema=SCHEMA,
    )
    op.execute(
        f"""ALTER TABLE {SCHEMA}.provisioning_events DROP CONSTRAINT ck_provisioning_events_change,
        ADD CONSTRAINT ck_provisioning_events_change
        CHECK (manifest_hash IS DISTINCT FROM replaced OR source IS NOT NULL)"""
    )
