"""What a run materialises; of earlier runs it is not known.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.add_column("runs", sa.Column("assets", sa.ARRAY(sa.Text())), schema=SCHEMA)
