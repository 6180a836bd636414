"""Which version of the code has validated a dataset: those known so far were validated by the first.

Revision ID: 0018
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    column = sa.Column("code_version", sa.Text(), nullable=False, server_default="1")
    op.add_column("validated_datasets", column, schema=SCHEMA)
    op.alter_column("validated_datasets", "code_version", server_default=None, schema=SCHEMA)
