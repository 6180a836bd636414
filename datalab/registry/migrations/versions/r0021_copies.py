"""Copies of the documents of current results, for deployments whose files are in an object store.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.create_table(
        "result_copies",
        sa.Column("lab_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["lab_id"], [f"{SCHEMA}.labs.id"], name="fk_result_copies_lab_id"),
        sa.ForeignKeyConstraint(
            ["run_id"], [f"{SCHEMA}.results.run_id"], name="fk_result_copies_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lab_id", "name", name="pk_result_copies"),
        schema=SCHEMA,
    )
    op.create_index("ix_result_copies_run_id", "result_copies", ["run_id"], schema=SCHEMA)
