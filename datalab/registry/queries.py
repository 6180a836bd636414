"""Queries that several parts of the registry share inside a transaction, and the order of their locks.

Locks are taken in one order everywhere: first the provisioning lock (to change provisioning) or the naming lock (to
choose a partition key), then the lab's row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, select, true
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from datalab.errors import UsageError
from datalab.kinds import DatasetKind
from datalab.lab import STORED, LabDefinition
from datalab.registry.errors import LabNotFound, RunNotFound
from datalab.registry.models import DatasetRow, EventRow, LabRow, RunRow, SlotRow
from datalab.registry.records import Event, Lab

_PROVISIONING_LOCK, _NAMING_LOCK = 0x64617461_6C61_6202, 0x64617461_6C61_620B
"""For advisory locks: "datalab" and a 2, or an 11."""


def begin_naming(session: Session) -> None:
    """Let one transaction at a time choose a partition key, until it is committed."""
    session.execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": _NAMING_LOCK})


def begin_provisioning(session: Session) -> None:
    """Let one transaction at a time change what is provisioned, until it is committed.

    A number is assigned only under this lock, and PostgreSQL releases it after the commit is visible. A client that
    sees an event therefore sees all smaller numbers, and a reader that keeps its last number misses no event.
    """
    session.execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": _PROVISIONING_LOCK})


def live_lab(session: Session, lab_id: str, *, lock: bool = False) -> LabRow:
    """Return the lab that exists under this id, its row locked until the end of the transaction if asked.

    Raises:
        LabNotFound: it does not exist, or was deleted.
    """
    row = session.get(LabRow, lab_id, with_for_update=lock or None)
    if row is None or row.deleted_at is not None:
        raise LabNotFound(lab_id, session.scalars(select(LabRow.id).where(LabRow.deleted_at.is_(None))))
    return row


def locked_run(session: Session, run_id: str) -> RunRow:
    """Return a run and lock its lab: until the transaction ends, neither its slots nor the run's state change.

    Raises:
        RunNotFound: no such run was started.
    """
    lab_id = session.scalars(select(RunRow.lab_id).where(RunRow.run_id == run_id)).first()
    if lab_id is None:
        raise RunNotFound(run_id)
    if session.get(LabRow, lab_id, with_for_update=True) is None:
        raise LabNotFound(lab_id)
    return session.scalars(select(RunRow).where(RunRow.run_id == run_id)).one()


def live_dataset(session: Session, manifest_hash: str) -> DatasetRow | None:
    row = session.get(DatasetRow, manifest_hash)
    return row if row is not None and row.deleted_at is None else None


def kind_in(facts: Mapping[str, Any] | None) -> DatasetKind | None:
    """Return the kind that a file certainly has; None: not sure, or its facts are of another version."""
    kind = (facts or {}).get("kind")
    return DatasetKind(kind) if kind in list(DatasetKind) else None


def provisioned(session: Session, lab_id: str, *, until: int | None = None) -> dict[DatasetKind, str]:
    """Return what the lab holds now, or held after the event `until`; identifiers first."""
    if until is None:
        slots = session.execute(select(SlotRow.kind, SlotRow.manifest_hash).where(SlotRow.lab_id == lab_id))
        return in_order({slot.kind: slot.manifest_hash for slot in slots})
    query = select(EventRow).where(EventRow.lab_id == lab_id, EventRow.sequence <= until).order_by(EventRow.sequence)
    held = {event.kind: event.manifest_hash for event in session.scalars(query)}
    return in_order({kind: manifest_hash for kind, manifest_hash in held.items() if manifest_hash is not None})


def in_order(datasets: dict[str, str]) -> dict[DatasetKind, str]:
    return {kind: datasets[kind.value] for kind in DatasetKind if kind.value in datasets}


def last_sequence(session: Session, lab_id: str) -> int:
    """Return the number of the lab's last provisioning event, 0 before the first."""
    return session.scalar(select(func.max(EventRow.sequence)).where(EventRow.lab_id == lab_id)) or 0


def change_slots(
    session: Session,
    lab_id: str,
    changes: Sequence[tuple[DatasetKind, str | None]],
    *,
    by: str,
    cause: str,
    source: str | None = None,
) -> list[Event]:
    """Write one event per changed slot, and its new content; the caller has taken the locks and checked the rules."""
    named(by)
    events = []
    for kind, manifest_hash in changes:
        slot = session.get(SlotRow, (lab_id, kind.value))
        replaced = slot.manifest_hash if slot else None
        if manifest_hash == replaced and source is None:  # what a connector takes is recorded although nothing changes
            continue
        row = EventRow(
            lab_id=lab_id,
            kind=kind.value,
            manifest_hash=manifest_hash,
            replaced=replaced,
            actor=by,
            cause=cause,
            source=source,
        )
        session.add(row)
        session.flush()
        if manifest_hash is None:
            session.delete(slot)
        elif slot is None:
            session.add(SlotRow(lab_id=lab_id, kind=kind.value, manifest_hash=manifest_hash, sequence=row.sequence))
        else:
            if manifest_hash != replaced:
                slot.expected = None
            slot.manifest_hash, slot.sequence = manifest_hash, row.sequence
        session.flush()
        events.append(event_of(row))
    return events


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL can hold this text; the driver raises for any other."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def has_text(text: str, *columns: Any, beginning: Any = None) -> ColumnElement[bool]:
    """Whether one of the columns contains a text, or `beginning` begins with it; blanks and capitals do not matter."""
    wanted = text.strip().lower()
    if not wanted:
        return true()
    if not is_storable(wanted):
        return false()
    found = [func.coalesce(func.lower(column), "").contains(wanted, autoescape=True) for column in columns]
    return or_(*found) if beginning is None else or_(*found, beginning.startswith(wanted, autoescape=True))


def named(by: str) -> str:
    """Return the name of the user who changes the registry.

    Raises:
        UsageError: it is empty.
    """
    if not by.strip():
        raise UsageError("Say who changes the registry: an empty name was given. Nothing was changed.")
    return by


def event_of(row: EventRow) -> Event:
    kind = DatasetKind(row.kind)
    return Event(row.sequence, row.lab_id, kind, row.manifest_hash, row.replaced, row.actor, row.cause, row.at)


def lab_of(row: LabRow) -> Lab:
    definition = LabDefinition.model_validate(row.definition, context=STORED)
    owners = tuple(owner.user_id for owner in row.owners)
    return Lab(row.id, row.partition_key, row.name, definition, row.created_at, row.created_by, owners, row.deleted_at)
