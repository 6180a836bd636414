"""Which datasets of which labs are validated, instead of a look at their files; an index of released claims.

Kept results whose names were checked say so of labs that earlier versions validated; other datasets are validated again
with the next change of their lab.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCHEMA = "datalab_registry"


def upgrade() -> None:
    op.create_table(
        "validated_datasets",
        sa.Column("lab_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("manifest_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["lab_id"], [f"{SCHEMA}.labs.id"], name="fk_validated_datasets_lab_id"),
        sa.ForeignKeyConstraint(
            ["manifest_hash"], [f"{SCHEMA}.datasets.manifest_hash"], name="fk_validated_datasets_manifest_hash"
        ),
        sa.PrimaryKeyConstraint("lab_id", "kind", "manifest_hash", name="pk_validated_datasets"),
        schema=SCHEMA,
    )
    op.execute(
        f"""INSERT INTO {SCHEMA}.validated_datasets (lab_id, kind, manifest_hash)
        SELECT DISTINCT lab.id, dataset.key, dataset.value
        FROM {SCHEMA}.results result
        JOIN {SCHEMA}.labs lab ON lab.id = result.lab_id AND lab.deleted_at IS NULL
        CROSS JOIN LATERAL jsonb_each_text(result.datasets) dataset
        WHERE result.names_checked AND result.expired_at IS NULL"""
    )
    op.create_index(
        "ix_run_claims_released", "run_claims", ["lab_id"], schema=SCHEMA, postgresql_where=sa.text("holder = ''")
    )
