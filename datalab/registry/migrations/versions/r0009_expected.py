"""Expected: how many rows and ids the dataset of a slot should have, as a person gave it.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.add_column("provisionings", sa.Column("expected", JSONB(), nullable=True), schema=SCHEMA)
