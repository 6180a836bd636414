"""The owners of labs.

The owner of an existing lab is its creator. A creator who is no publisher of the deployment could not act as its owner,
so every publisher, all of whom could change the lab until now, becomes one too. What a drop zone uploaded belongs to
the owners of the labs that it was provisioned to.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.create_table(
        "lab_owners",
        sa.Column("lab_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.ForeignKeyConstraint(["lab_id"], [f"{SCHEMA}.labs.id"], name="fk_lab_owners_lab_id"),
        sa.PrimaryKeyConstraint("lab_id", "user_id", name="pk_lab_owners"),
        schema=SCHEMA,
    )
    op.execute(f"INSERT INTO {SCHEMA}.lab_owners (lab_id, user_id) SELECT id, created_by FROM {SCHEMA}.labs")
    op.execute(
        f"""INSERT INTO {SCHEMA}.lab_owners (lab_id, user_id)
        SELECT labs.id, users.email FROM {SCHEMA}.labs CROSS JOIN {SCHEMA}.users
        WHERE users.role = 'publisher' AND NOT EXISTS (
            SELECT 1 FROM {SCHEMA}.users creator
            WHERE creator.role = 'publisher' AND creator.email = lower(trim(labs.created_by))
        ) ORDER BY labs.id, users.email ON CONFLICT DO NOTHING"""
    )
    op.execute(
        f"""INSERT INTO {SCHEMA}.key_access (manifest_hash, user_id, role)
        SELECT DISTINCT keychain.manifest_hash, lab_owners.user_id, 'Owner'
        FROM {SCHEMA}.keychain
        JOIN {SCHEMA}.datasets ON datasets.manifest_hash = keychain.manifest_hash
        JOIN {SCHEMA}.provisioning_events event ON event.manifest_hash = keychain.manifest_hash
        JOIN {SCHEMA}.lab_owners ON lab_owners.lab_id = event.lab_id
        WHERE datasets.created_by = 'drop zone' AND event.actor = 'drop zone' ON CONFLICT DO NOTHING"""
    )
