"""The schedules of labs, and what came of the last time that each was due.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.create_table(
        "lab_schedules",
        sa.Column("lab_id", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["lab_id"], [f"{SCHEMA}.labs.id"], name="fk_lab_schedules_lab_id"),
        sa.PrimaryKeyConstraint("lab_id", name="pk_lab_schedules"),
        schema=SCHEMA,
    )
