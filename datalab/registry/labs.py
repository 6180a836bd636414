"""Labs in the registry: created, never changed, found, deleted, and their states."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select

from datalab.lab import LabDefinition
from datalab.registry.database import Database
from datalab.registry.errors import LabNameAmbiguous, LabNotFound
from datalab.registry.facts import facts_of
from datalab.registry.models import LabRow
from datalab.registry.queries import (
    begin_provisioning,
    change_slots,
    lab_of,
    live_lab,
    named,
    provisioned,
)
from datalab.registry.records import Lab
from datalab.registry.state import ExplainedState, state_of


class Labs:
    """The labs of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, definition: LabDefinition, *, by: str) -> Lab:
        """Create a lab; its configuration cannot be changed afterwards."""
        row = LabRow(
            id=str(uuid.uuid4()),
            name=definition.name,
            definition=definition.model_dump(mode="json", by_alias=True),
            created_by=named(by),
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()
            return lab_of(row)

    def get(self, lab: str) -> Lab:
        """Return the lab of this id, or the only one of this name.

        Raises:
            LabNotFound: the lab does not exist; the message suggests a similar name.
            LabNameAmbiguous: several labs have this name.
        """
        with self._database.read() as session:
            rows = session.scalars(select(LabRow).where(LabRow.deleted_at.is_(None))).all()
            found = [row for row in rows if row.id == lab] or [row for row in rows if row.name == lab]
            if not found:
                raise LabNotFound(lab, [name for row in rows for name in (row.name, row.id)])
            if len(found) > 1:
                raise LabNameAmbiguous(lab, sorted(row.id for row in found))
            return lab_of(found[0])

    def all(self, *, deleted: bool = False) -> list[Lab]:
        """Return all labs, the oldest first; `deleted`: those that were deleted, too."""
        query = select(LabRow).order_by(LabRow.created_at, LabRow.id)
        with self._database.read() as session:
            rows = session.scalars(query if deleted else query.where(LabRow.deleted_at.is_(None)))
            return [lab_of(row) for row in rows]

    def delete(self, lab_id: str, *, by: str) -> Lab:
        """Deprovision everything and delete the lab, in one transaction; its events and results stay readable.

        Raises:
            LabNotFound: there is no such lab.
        """
        with self._database.write() as session:
            begin_provisioning(session)
            row = live_lab(session, lab_id, lock=True)
            slots = provisioned(session, lab_id)
            change_slots(session, lab_id, [(kind, None) for kind in slots], by=by, cause="lab deleted")
            row.deleted_at, row.deleted_by = session.scalars(select(func.clock_timestamp())).one(), by
            return lab_of(row)

    def state(self, lab_id: str) -> ExplainedState:
        """Return the state of a lab now, why, and the next step.

        Raises:
            LabNotFound: there is no such lab.
        """
        with self._database.read() as session:
            return state_of(facts_of(session, [lab_of(live_lab(session, lab_id))])[lab_id])

    def states(self) -> list[tuple[Lab, ExplainedState]]:
        """Return every lab with its state, all at the same moment."""
        query = select(LabRow).where(LabRow.deleted_at.is_(None)).order_by(LabRow.created_at, LabRow.id)
        with self._database.read() as session:
            labs = [lab_of(row) for row in session.scalars(query)]
            facts = facts_of(session, labs)
            return [(lab, state_of(facts[lab.id])) for lab in labs]
