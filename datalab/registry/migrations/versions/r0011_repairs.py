"""Repaired datasets: what they are a copy of, and the steps that made them.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.add_column("datasets", sa.Column("made_from", sa.Text(), nullable=True), schema=SCHEMA)
    op.add_column("datasets", sa.Column("steps", JSONB(), nullable=True), schema=SCHEMA)
    op.create_foreign_key(
        "fk_datasets_made_from",
        "datasets",
        "datasets",
        ["made_from"],
        ["manifest_hash"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
    )
