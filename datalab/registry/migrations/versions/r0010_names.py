"""Results: whether the names in the statistics were checked for ids of users; those of earlier versions were not.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    column: sa.Column[bool] = sa.Column("names_checked", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("results", column, schema=SCHEMA)
