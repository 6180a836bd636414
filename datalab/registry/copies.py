"""Copies of the documents of current results: what people read of a lab while its object store is away.

A copy has the bytes of the object: what is stored encrypted is encrypted here too. The caller decides what is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from datalab.registry.database import Database
from datalab.registry.models import CopyRow

Documents = Mapping[str, bytes]
"""Name of an object below the folder of its lab → its bytes."""
NO_COPIES: Documents = MappingProxyType({})


class Copies:
    """The copies in a registry; `Results` writes them, together with the result that they belong to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, lab_id: str) -> set[str]:
        """Return the names of the objects of a lab that are copied."""
        with self._database.read() as session:
            return set(session.scalars(select(CopyRow.name).where(CopyRow.lab_id == lab_id)))

    def get(self, lab_id: str, name: str) -> bytes | None:
        """Return the copy of an object; None: there is none."""
        with self._database.read() as session:
            row = session.get(CopyRow, (lab_id, name))
            return None if row is None else row.content

    def run_of(self, lab_id: str) -> str | None:
        """Return the run whose result is copied; None: none is."""
        with self._database.read() as session:
            return copied_run(session, lab_id)


def copied_run(session: Session, lab_id: str) -> str | None:
    """Return the run of a lab whose result is copied; None: none is."""
    return session.scalars(select(CopyRow.run_id).where(CopyRow.lab_id == lab_id).limit(1)).first()


def replace_copies(session: Session, lab_id: str, run_id: str, documents: Documents) -> None:
    """Replace the copies of a lab by those of the result of a run."""
    remove_copies(session, lab_id)
    session.add_all(_rows(lab_id, run_id, documents))


def add_copies(session: Session, lab_id: str, run_id: str, documents: Documents) -> None:
    """Add copies to those of a result, or replace those of the same name."""
    for row in _rows(lab_id, run_id, documents):
        session.merge(row)


def remove_copies(session: Session, lab_id: str) -> None:
    """Remove all copies of a lab."""
    session.execute(delete(CopyRow).where(CopyRow.lab_id == lab_id))


def _rows(lab_id: str, run_id: str, documents: Documents) -> Iterator[CopyRow]:
    for name, content in documents.items():
        yield CopyRow(lab_id=lab_id, name=name, run_id=run_id, content=content)
