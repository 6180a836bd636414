"""Which datasets are validated in a lab: known without reading their files."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from datalab.kinds import DatasetKind
from datalab.registry.database import Database
from datalab.registry.models import ValidatedRow
from datalab.registry.records import Datasets
from datalab.validation import CODE_VERSION

_KEY = "pk_validated_datasets"


class Validated:
    """The validated datasets of a registry's labs.

    A validation that writes its files again is removed before and added after, so that an interruption between leaves
    a dataset that is validated once more, never files that are not complete. What an earlier version of the code has
    validated is validated again with the next run.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, lab_id: str, kind: DatasetKind, manifest_hash: str) -> None:
        """Record that the files of a validation are complete."""
        row = {"lab_id": lab_id, "kind": kind.value, "manifest_hash": manifest_hash, "code_version": CODE_VERSION}
        new = insert(ValidatedRow).values(row)
        with self._database.write() as session:
            session.execute(new.on_conflict_do_update(constraint=_KEY, set_={"code_version": CODE_VERSION}))

    def remove(self, lab_id: str, kind: DatasetKind, manifest_hash: str) -> None:
        """Record that the files of a validation are not complete."""
        one = (ValidatedRow.kind == kind.value, ValidatedRow.manifest_hash == manifest_hash)
        with self._database.write() as session:
            session.execute(delete(ValidatedRow).where(ValidatedRow.lab_id == lab_id, *one))

    def of(self, lab_id: str) -> set[tuple[DatasetKind, str]]:
        """Return the datasets of a lab that this version of the code has validated, provisioned now or not."""
        query = select(ValidatedRow).where(ValidatedRow.lab_id == lab_id, ValidatedRow.code_version == CODE_VERSION)
        with self._database.read() as session:
            return {(DatasetKind(row.kind), row.manifest_hash) for row in session.scalars(query)}

    def keep_only(self, lab_id: str, wanted: Iterable[Datasets]) -> None:
        """Forget all validations of a lab but those of the `wanted` datasets, whose files the caller keeps."""
        kept = {item for datasets in wanted for item in datasets.items()}
        query = select(ValidatedRow).where(ValidatedRow.lab_id == lab_id)
        with self._database.read() as session:
            known = {(DatasetKind(row.kind), row.manifest_hash) for row in session.scalars(query)}
        for kind, manifest_hash in known - kept:
            self.remove(lab_id, kind, manifest_hash)
