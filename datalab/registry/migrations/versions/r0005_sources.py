"""The file that a connector provisioned; before, it was part of the text of the cause.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.add_column("provisioning_events", sa.Column("source", sa.Text(), nullable=True), schema=SCHEMA)
    op.execute(f"ALTER TABLE {SCHEMA}.provisioning_events DISABLE TRIGGER append_only")
    op.execute(
        f"""UPDATE {SCHEMA}.provisioning_events SET source = substring(cause from '\\(([0-9a-f]{{16}})\\)$')
        WHERE actor = 'drop zone' AND cause ~ '^file .* appeared \\([0-9a-f]{{16}}\\)$'"""
    )
    op.execute(f"ALTER TABLE {SCHEMA}.provisioning_events ENABLE TRIGGER append_only")
    op.create_index(
        "ix_provisioning_events_lab_id_source",
        "provisioning_events",
        ["lab_id", "source"],
        schema=SCHEMA,
        postgresql_where=sa.text("source IS NOT NULL"),
    )
