"""Facts: what the file of a dataset, or of an unfinished upload, looks like; counts and names of types only.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    for table in ("datasets", "uploads"):
        op.add_column(table, sa.Column("facts", JSONB(), nullable=True), schema=SCHEMA)
