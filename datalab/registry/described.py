"""Uploaded datasets as Dagster's pages describe them: what is known without their content, and which labs use them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text

from datalab.kinds import DatasetKind
from datalab.registry.database import Database
from datalab.registry.models import SCHEMA, DatasetRow
from datalab.registry.partition_keys import upload_key
from datalab.registry.queries import kind_in

DESCRIBED = f"""jsonb_build_object(
    'manifest_hash', dataset.manifest_hash, 'name', dataset.name, 'size', dataset.size_bytes, 'facts', dataset.facts,
    'created_by', dataset.created_by, 'created_at', dataset.created_at, 'labs', (
        SELECT coalesce(jsonb_agg(DISTINCT lab.partition_key ORDER BY lab.partition_key), '[]')
        FROM {SCHEMA}.provisionings slot JOIN {SCHEMA}.labs lab ON lab.id = slot.lab_id
        WHERE slot.manifest_hash = dataset.manifest_hash
    )
)"""
"""The description of `dataset`, in SQL."""

_STATEMENT = text(
    f"SELECT {DESCRIBED} FROM {SCHEMA}.datasets dataset WHERE deleted_at IS NULL AND manifest_hash IN :hashes"
).bindparams(bindparam("hashes", expanding=True))


@dataclass(frozen=True)
class DescribedDataset:
    """An uploaded dataset, without its content."""

    manifest_hash: str
    name: str
    size: int
    """Bytes of the uploaded file."""
    kind: DatasetKind | None
    """That its file certainly has; None: not sure."""
    created_by: str
    created_at: datetime
    labs: tuple[str, ...]
    """The partition keys of the labs that it is provisioned to."""

    @property
    def partition_key(self) -> str:
        """What Dagster calls it."""
        return upload_key(self.name, self.manifest_hash)


def described_in(wire: Mapping[str, Any]) -> DescribedDataset:
    """Return the dataset of an answer of `DESCRIBED`."""
    return DescribedDataset(
        wire["manifest_hash"],
        wire["name"],
        wire["size"],
        kind_in(wire["facts"]),
        wire["created_by"],
        datetime.fromisoformat(wire["created_at"]),
        tuple(wire["labs"]),
    )


class Described:
    """The descriptions of a registry's datasets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keys(self) -> dict[str, str]:
        """Return the partition key of every dataset that exists → its manifest hash."""
        query = select(DatasetRow.manifest_hash, DatasetRow.name).where(DatasetRow.deleted_at.is_(None))
        with self._database.read() as session:
            return {upload_key(row.name, row.manifest_hash): row.manifest_hash for row in session.execute(query)}

    def of(self, hashes: Collection[str]) -> list[DescribedDataset]:
        """Return the datasets of these manifest hashes that exist."""
        with self._database.read() as session:
            return [described_in(one) for one in session.scalars(_STATEMENT, {"hashes": list(hashes)})]
