"""Labs in the registry: created, never changed, found, deleted, and their states."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Select, delete, exists, false, func, or_, select
from sqlalchemy.orm import Session, selectinload

from datalab.lab import LabDefinition, require_limits
from datalab.registry.account_rows import UserRow
from datalab.registry.copies import remove_copies
from datalab.registry.database import Database
from datalab.registry.errors import LabNameAmbiguous, LabNotFound, OwnersWrong
from datalab.registry.facts import facts_of
from datalab.registry.models import (
    ClaimRow,
    ForgottenRow,
    LabOwnerRow,
    LabRow,
    ResultRow,
    RunRow,
    ValidatedRow,
)
from datalab.registry.ownership import Verb, check, plain
from datalab.registry.partition_keys import RekeyRefused, new_key
from datalab.registry.queries import (
    begin_naming,
    begin_provisioning,
    change_slots,
    is_storable,
    lab_of,
    last_sequence,
    live_lab,
    named,
    provisioned,
)
from datalab.registry.records import Lab, Role
from datalab.registry.schedule_rows import ScheduleRow
from datalab.registry.state import ExplainedState, state_of

_LONGEST_NAME = 254


class Labs:
    """The labs of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, definition: LabDefinition, *, by: str) -> Lab:
        """Create a lab, whose owner is `by`; its configuration cannot be changed afterwards.

        Raises:
            LabTooLarge: the definition is that of a lab which an earlier version made, beyond the limits.
        """
        require_limits(definition)
        lab_id = str(uuid.uuid4())
        with self._database.write() as session:
            begin_naming(session)
            row = LabRow(
                id=lab_id,
                partition_key=_new_key(session, definition.name, lab_id),
                name=definition.name,
                definition=definition.model_dump(mode="json", by_alias=True),
                created_by=named(by),
                owners=[LabOwnerRow(user_id=by)],
            )
            session.add(row)
            session.flush()
            return lab_of(row)

    def get(self, lab: str, *, user: str | None = None) -> Lab:
        """Return the lab of this id or partition key, or the only one of this name; of several, the only one of `user`.

        Raises:
            LabNotFound: the lab does not exist; the message suggests a similar name.
            LabNameAmbiguous: several labs have this name.
        """
        with self._database.read() as session:
            return lab_of(_found(session, lab, user))

    def get_for(self, user: str, verb: Verb, lab: str) -> Lab:
        """Return the lab as `get` does, to a user who may do this.

        Raises:
            LabNotFound, LabNameAmbiguous: as `get`.
            RoleRefused, LabNotYours: they may not.
        """
        with self._database.read() as session:
            found = lab_of(_found(session, lab, user))
            check(session, user, verb, found)
            return found

    def of_partition(self, partition_key: str) -> Lab:
        """Return the lab that Dagster calls so; `Lab.partition_key` is the way back.

        Raises:
            LabNotFound: no lab that exists has this key.
        """
        query = _labs().where(LabRow.deleted_at.is_(None), LabRow.partition_key == partition_key)
        with self._database.read() as session:
            row = session.scalars(query).one_or_none() if is_storable(partition_key) else None
            if row is None:
                raise LabNotFound(partition_key)
            return lab_of(row)

    def rekey(self, lab_id: str) -> Lab:
        """Give a lab that an earlier version made a readable partition key; a lab that has one keeps it.

        Dagster's pages show the history of a partition by its key, so a lab that ever had a result keeps its key. What
        is validated of it is forgotten: its next validation materialises every asset under the new key.

        Raises:
            LabNotFound: there is no such lab.
            RekeyRefused: it has had a result, or a validation of it is running or requested.
        """
        with self._database.write() as session:
            begin_naming(session)
            row = live_lab(session, lab_id, lock=True)
            if row.partition_key == row.id:
                _refuse_rekey(session, lab_id)
                row.partition_key = _new_key(session, row.name, lab_id)
                session.execute(delete(ValidatedRow).where(ValidatedRow.lab_id == lab_id))
            return lab_of(row)

    def all(self, *, deleted: bool = False) -> list[Lab]:
        """Return all labs, the oldest first; `deleted`: those that were deleted, too."""
        query = _labs().order_by(LabRow.created_at, LabRow.id)
        with self._database.read() as session:
            rows = session.scalars(query if deleted else query.where(LabRow.deleted_at.is_(None)))
            return [lab_of(row) for row in rows]

    def set_owners(self, lab_id: str, owners: Sequence[str]) -> Lab:
        """Replace the owners of a lab; those who stay keep their place in the order.

        Raises:
            LabNotFound: there is no such lab.
            OwnersWrong: there would be no owner, or a new one is no publisher of a deployment with users.
        """
        with self._database.write() as session:
            row = live_lab(session, lab_id, lock=True)
            wanted = {plain(owner): owner.strip() for owner in owners}
            before = _owner_names(row)
            _check_owners(session, {name: text for name, text in wanted.items() if name not in before})
            if not wanted:
                raise OwnersWrong("a lab needs at least one owner; name another one first")
            row.owners = [owner for owner in row.owners if plain(owner.user_id) in wanted] + [
                LabOwnerRow(user_id=text) for name, text in wanted.items() if name not in before
            ]
            session.flush()
            session.refresh(row, ["owners"])
            return lab_of(row)

    def delete(self, lab_id: str, *, by: str) -> Lab:
        """Deprovision everything and delete the lab and its schedule, in one transaction.

        Its events and results stay readable.

        Raises:
            LabNotFound: there is no such lab.
        """
        with self._database.write() as session:
            begin_provisioning(session)
            row = live_lab(session, lab_id, lock=True)
            slots = provisioned(session, lab_id)
            change_slots(session, lab_id, [(kind, None) for kind in slots], by=by, cause="lab deleted")
            remove_copies(session, lab_id)
            session.execute(delete(ScheduleRow).where(ScheduleRow.lab_id == lab_id))
            row.deleted_at, row.deleted_by = session.scalars(select(func.clock_timestamp())).one(), by
            return lab_of(row)

    def state(self, lab_id: str) -> ExplainedState:
        """Return the state of a lab now, why, and the next step.

        Raises:
            LabNotFound: there is no such lab.
        """
        with self._database.read() as session:
            return state_of(facts_of(session, [lab_of(live_lab(session, lab_id))])[lab_id])

    def states(self, ids: Sequence[str] | None = None) -> list[tuple[Lab, ExplainedState]]:
        """Return every lab with its state, or those of these ids, all at the same moment; the oldest first."""
        query = _labs() if ids is None else _labs().where(LabRow.id.in_(ids))
        query = query.where(LabRow.deleted_at.is_(None)).order_by(LabRow.created_at, LabRow.id)
        with self._database.read() as session:
            labs = [lab_of(row) for row in session.scalars(query)]
            facts = facts_of(session, labs)
            return [(lab, state_of(facts[lab.id])) for lab in labs]


def _labs() -> Select[LabRow]:
    return select(LabRow).options(selectinload(LabRow.owners))


def _found(session: Session, lab: str, user: str | None) -> LabRow:
    live = LabRow.deleted_at.is_(None)
    wanted = or_(LabRow.id == lab, LabRow.partition_key == lab, LabRow.name == lab) if is_storable(lab) else false()
    rows = session.scalars(_labs().where(live, wanted)).all()
    found = [row for row in rows if lab in (row.id, row.partition_key)] or list(rows)
    if not found:
        others = session.execute(select(LabRow.name, LabRow.id).where(live))
        raise LabNotFound(lab, [name for row in others for name in row])
    if len(found) > 1 and user is not None:
        found = [row for row in found if plain(user) in _owner_names(row)] or found
    if len(found) > 1:
        raise LabNameAmbiguous(lab, sorted(row.id for row in found))
    return found[0]


def _new_key(session: Session, name: str, lab_id: str) -> str:
    def is_taken(key: str) -> bool:
        return session.scalars(select(LabRow.id).where(LabRow.partition_key == key)).first() is not None

    return new_key(name, lab_id, is_taken)


def _refuse_rekey(session: Session, lab_id: str) -> None:
    """Refuse another partition key for a lab with history under its present one, or with a run that has it."""

    def any_of(row: type[ResultRow | ForgottenRow | RunRow | ClaimRow], *conditions: ColumnElement[bool]) -> bool:
        return session.scalars(select(exists().where(row.lab_id == lab_id, *conditions))).one()

    if any_of(ResultRow) or any_of(ForgottenRow):
        raise RekeyRefused(
            lab_id,
            "Dagster's pages show the history of its results by this key. For a readable key, create another lab with "
            "the same definition",
        )
    requested = (ClaimRow.sequence == last_sequence(session, lab_id), ClaimRow.holder != "", ClaimRow.run_id.is_(None))
    if any_of(RunRow, RunRow.ended_at.is_(None)) or any_of(ClaimRow, *requested):
        raise RekeyRefused(lab_id, "a validation of it is running or requested. Repeat the command when it has ended")


def _owner_names(row: LabRow) -> set[str]:
    return {plain(owner.user_id) for owner in row.owners}


def _check_owners(session: Session, new: Mapping[str, str]) -> None:
    """Refuse new owners who could not act as such, most often because of a typing error."""
    roles = {row.email: row.role for row in session.scalars(select(UserRow))}
    for name, text in new.items():
        if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
            raise OwnersWrong("an owner is named by an e-mail address")
        if roles and roles.get(name) != Role.PUBLISHER:
            role = f"has the role '{roles[name]}'" if name in roles else "is no user of this deployment"
            raise OwnersWrong(f"{text} {role}; owners are publishers (`datalab user list`)")
