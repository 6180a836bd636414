"""The datasets in the slots of labs; every change is an event, with who, when and what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from datalab.kinds import KINDS, MATCHING, DatasetKind
from datalab.lab import STORED, LabDefinition, require_limits
from datalab.registry.database import Database
from datalab.registry.errors import Problem, ProblemCode, ProvisioningRefused
from datalab.registry.models import DatasetRow, EventRow, KeyRow, SlotRow
from datalab.registry.queries import (
    begin_provisioning,
    change_slots,
    event_of,
    kind_in,
    last_sequence,
    live_dataset,
    live_lab,
    provisioned,
)
from datalab.registry.records import Event, Slot
from datalab.statistics.recognised import file_problems


class Provisioning:
    """The provisioning of a registry's labs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def provision(
        self,
        lab_id: str,
        datasets: Mapping[DatasetKind, str],
        *,
        by: str,
        cause: str = "",
        source: str | None = None,
    ) -> list[Event]:
        """Put datasets into slots of a lab, in place of their earlier datasets. See `change`."""
        return self.change(lab_id, datasets, by=by, cause=cause, source=source)

    def deprovision(self, lab_id: str, *kinds: DatasetKind, by: str, cause: str = "") -> list[Event]:
        """Empty slots of a lab. See `change`."""
        return self.change(lab_id, dict.fromkeys(kinds), by=by, cause=cause)

    def change(
        self,
        lab_id: str,
        changes: Mapping[DatasetKind, str | None],
        *,
        by: str,
        cause: str = "",
        source: str | None = None,
        check_kinds: bool = False,
    ) -> list[Event]:
        """Change slots of a lab, all or none, in one transaction.

        Args:
            lab_id: which lab.
            changes: slot → manifest hash, or None to empty it.
            by: the user who changes it.
            cause: why, in a few words (``"upload by drop zone"``); shown with the run that follows.
            source: the fingerprint of the file that a connector provisioned, see `has_taken`.
            check_kinds: whether a new dataset that certainly has another kind than its slot is refused.

        Returns:
            One event per changed slot, identifiers first; a slot that already held the dataset has none, so it is safe
            to repeat a call after a broken connection. With a `source` it has one, because `has_taken` reads events.

        Raises:
            LabNotFound: there is no such lab.
            ProvisioningRefused: lists every broken rule: the lab has no such slot, no such dataset, its key is not
                stored, identifiers come neither first nor with it, the slot is already empty, the kind is another one.
        """
        with self._database.write() as session:
            return change_in(session, lab_id, changes, by=by, cause=cause, source=source, check_kinds=check_kinds)

    def expect(self, lab_id: str, expected: Mapping[DatasetKind, Mapping[str, Any]]) -> None:
        """Keep how many rows and ids the datasets in slots should have, until they are replaced.

        Raises:
            LabNotFound: there is no such lab.
            ProvisioningRefused: a slot is empty; nothing was kept.
        """
        with self._database.write() as session:
            live_lab(session, lab_id, lock=True)
            rows = {kind: session.get(SlotRow, (lab_id, kind.value)) for kind in expected}
            empty = [kind for kind, row in rows.items() if row is None]
            if empty:
                problems = [
                    Problem(ProblemCode.NOT_PROVISIONED, one, f"Nothing is provisioned as {one}") for one in empty
                ]
                raise ProvisioningRefused(lab_id, problems)
            for kind, row in rows.items():
                if row is not None:
                    row.expected = dict(expected[kind])

    def current(self, lab_id: str) -> dict[DatasetKind, Slot]:
        """Return what each filled slot holds, since when and by whom; identifiers first."""
        with self._database.read() as session:
            live_lab(session, lab_id)
            rows = session.execute(_slots().where(SlotRow.lab_id == lab_id))
            found = {DatasetKind(slot.kind): _slot(slot, event, dataset) for slot, event, dataset in rows}
        return {kind: found[kind] for kind in DatasetKind if kind in found}

    def all_current(self, ids: Sequence[str] | None = None) -> dict[str, dict[DatasetKind, Slot]]:
        """Return `current` of every lab that has any, or of those of these ids, by its id, all at the same moment."""
        found: dict[str, dict[DatasetKind, Slot]] = {}
        with self._database.read() as session:
            query = _slots() if ids is None else _slots().where(SlotRow.lab_id.in_(ids))
            for slot, event, dataset in session.execute(query):
                kind = DatasetKind(slot.kind)
                found.setdefault(slot.lab_id, {})[kind] = _slot(slot, event, dataset)
        return {lab: {kind: slots[kind] for kind in DatasetKind if kind in slots} for lab, slots in found.items()}

    def datasets(self, lab_id: str) -> dict[DatasetKind, str]:
        """Return slot → manifest hash, identifiers first."""
        with self._database.read() as session:
            live_lab(session, lab_id)
            return provisioned(session, lab_id)

    def last_sequence(self, lab_id: str) -> int:
        """Return the number of the lab's last event, 0 before the first; deleted labs too."""
        with self._database.read() as session:
            return last_sequence(session, lab_id)

    def newest_sequence(self) -> int:
        """Return the number of the last event of all labs, 0 before the first."""
        with self._database.read() as session:
            return session.scalar(select(func.max(EventRow.sequence))) or 0

    def events(self, lab_id: str) -> list[Event]:
        """Return every event of a lab, the oldest first; deleted labs too."""
        query = select(EventRow).where(EventRow.lab_id == lab_id).order_by(EventRow.sequence)
        with self._database.read() as session:
            return [event_of(row) for row in session.scalars(query)]

    def has_taken(self, lab_id: str, source: str) -> bool:
        """Return whether the file of this fingerprint was provisioned to the lab before; deleted labs too."""
        return bool(self.taken(lab_id, [source]))

    def taken(self, lab_id: str, sources: Collection[str]) -> set[str]:
        """Return which of these fingerprints were provisioned to the lab before; deleted labs too."""
        query = select(EventRow.source).where(EventRow.lab_id == lab_id, EventRow.source.in_(sources)).distinct()
        with self._database.read() as session:
            return {source for source in session.scalars(query) if source is not None}

    def events_after(self, sequence: int) -> list[Event]:
        """Return every event with a greater number, in order.

        A reader that continues from its last number misses none and gets none twice. Numbers may have gaps.
        """
        query = select(EventRow).where(EventRow.sequence > sequence).order_by(EventRow.sequence)
        with self._database.read() as session:
            return [event_of(row) for row in session.scalars(query)]


def _slots() -> Select[SlotRow, EventRow, DatasetRow]:
    return (
        select(SlotRow, EventRow, DatasetRow)
        .join(EventRow, EventRow.sequence == SlotRow.sequence)
        .join(DatasetRow, DatasetRow.manifest_hash == SlotRow.manifest_hash)
    )


def _slot(slot: SlotRow, event: EventRow, dataset: DatasetRow) -> Slot:
    return Slot(
        kind=DatasetKind(slot.kind),
        manifest_hash=slot.manifest_hash,
        dataset_name=dataset.name,
        size=dataset.size_bytes,
        sequence=slot.sequence,
        provisioned_by=event.actor,
        provisioned_at=event.at,
        cause=event.cause,
        looks_like=kind_in(dataset.facts),
        file_problems=file_problems(dataset.facts, DatasetKind(slot.kind)),
        expected=slot.expected,
    )


def change_in(
    session: Session,
    lab_id: str,
    changes: Mapping[DatasetKind, str | None],
    *,
    by: str,
    cause: str,
    source: str | None = None,
    check_kinds: bool = False,
) -> list[Event]:
    """Do the same as `Provisioning.change`, in the caller's transaction."""
    begin_provisioning(session)
    row = live_lab(session, lab_id, lock=True)
    wanted = [(kind, changes[kind]) for kind in DatasetKind if kind in changes]
    definition = LabDefinition.model_validate(row.definition, context=STORED)
    if any(manifest_hash is not None for manifest_hash in changes.values()):
        require_limits(definition)
    held = provisioned(session, lab_id)
    problems = _problems(session, definition, held, dict(wanted))
    if check_kinds:
        problems += _other_kinds(session, {kind: new for kind, new in wanted if new and new != held.get(kind)})
    if problems:
        raise ProvisioningRefused(lab_id, problems)
    return change_slots(session, lab_id, wanted, by=by, cause=cause, source=source)


def _problems(
    session: Session,
    definition: LabDefinition,
    now: Mapping[DatasetKind, str],
    changes: Mapping[DatasetKind, str | None],
) -> list[Problem]:
    """Return every rule of docs/spec/sdk.md#7-datalab that the change breaks."""
    found: list[Problem] = []

    def report(code: ProblemCode, kind: DatasetKind, message: str) -> None:
        found.append(Problem(code, kind, message))

    for kind, manifest_hash in changes.items():
        if kind not in definition.datasets:
            slots = ", ".join(slot.value for slot in definition.datasets)
            report(ProblemCode.NO_SUCH_SLOT, kind, f"The lab has no slot for {kind.value}; it has: {slots}")
        elif manifest_hash is None:
            if kind not in now:
                report(ProblemCode.NOT_PROVISIONED, kind, f"Nothing is provisioned as {kind.value}")
        elif live_dataset(session, manifest_hash) is None:
            report(ProblemCode.NO_SUCH_DATASET, kind, f"There is no dataset with manifest hash {manifest_hash}")
        elif session.get(KeyRow, manifest_hash) is None:
            report(
                ProblemCode.NO_KEY, kind, f"The key of dataset {manifest_hash} is not stored; upload it with its key"
            )
    filled = [kind for kind, manifest_hash in changes.items() if manifest_hash is not None]
    if filled and changes.get(MATCHING, now.get(MATCHING)) is None:
        message = "Choose Identifiers too: the other slots need them"
        report(ProblemCode.IDENTIFIERS_MISSING, filled[0], message)
    return found


def _other_kinds(session: Session, changes: Mapping[DatasetKind, str]) -> list[Problem]:
    """Return the datasets that certainly have another kind than their slot."""
    found = []
    for slot, manifest_hash in changes.items():
        row = live_dataset(session, manifest_hash)
        kind = kind_in(row.facts) if row else None
        if row and kind not in (None, slot):
            message = f"{row.name} looks like {KINDS[kind].title}, not {KINDS[slot].title}"
            found.append(Problem(ProblemCode.KIND_MISMATCH, slot, message))
    return found
