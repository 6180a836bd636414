"""Claims: one row for each (lab, provisioning event), taken before a run is made. Active runs hold theirs.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.create_table(
        "run_claims",
        sa.Column("lab_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column(
            "claimed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["lab_id"], [f"{SCHEMA}.labs.id"], name="fk_run_claims_lab_id"),
        sa.PrimaryKeyConstraint("lab_id", "sequence", name="pk_run_claims"),
        schema=SCHEMA,
    )
    op.create_index("ix_run_claims_run_id", "run_claims", ["run_id"], schema=SCHEMA)
    op.execute(
        f"""INSERT INTO {SCHEMA}.run_claims (lab_id, sequence, holder, run_id)
        SELECT lab_id, sequence, run_id, run_id FROM {SCHEMA}.runs WHERE ended_at IS NULL
        ORDER BY number ON CONFLICT DO NOTHING"""
    )
