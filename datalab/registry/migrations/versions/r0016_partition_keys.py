"""The partition key of each lab in Dagster; that of earlier labs is their id, so their history stays where it is.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.add_column("labs", sa.Column("partition_key", sa.Text()), schema=SCHEMA)
    op.execute(f"UPDATE {SCHEMA}.labs SET partition_key = id")
    op.alter_column("labs", "partition_key", nullable=False, schema=SCHEMA)
    op.create_unique_constraint("uq_labs_partition_key", "labs", ["partition_key"], schema=SCHEMA)
