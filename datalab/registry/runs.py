"""Runs of labs: the datasets that they read, and how they ended. This module does not know what executes them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from datalab.formats import listed
from datalab.kinds import KINDS, DatasetKind
from datalab.registry.claims import claim_for_run
from datalab.registry.database import Database
from datalab.registry.errors import ChangeClaimed, RunNotFound, RunRefused
from datalab.registry.models import RunRow
from datalab.registry.queries import in_order, last_sequence, live_lab, locked_run, provisioned
from datalab.registry.records import Run, RunState

_LONGEST_REASON = 2_000


class Runs:
    """The runs of a registry's labs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(
        self,
        lab_id: str,
        run_id: str,
        *,
        cause: str = "",
        datasets: Mapping[DatasetKind, str] | None = None,
        sequence: int | None = None,
    ) -> Run:
        """Record the start of a run, and return it with the datasets that it must read: those and no others.

        Args:
            lab_id: the lab of the run.
            run_id: the executor's id of the run; a repeated call returns the same run.
            cause: who or what started it.
            datasets: that it reads; by default those provisioned at this moment.
            sequence: the provisioning event for which it was requested. If a later one has left other datasets, the run
                is recorded as ended: it computes nothing, and the later event keeps its own run. If a later one has
                left the same datasets, the run answers that one.

        Raises:
            LabNotFound: there is no such lab.
            RunRefused: nothing is provisioned, or a run of this id has ended or belongs to another lab.
            ChangeClaimed: another active run answers the event `sequence`.
        """
        with self._database.write() as session:
            live_lab(session, lab_id, lock=True)
            known = session.scalars(select(RunRow).where(RunRow.run_id == run_id)).first()
            now, last = provisioned(session, lab_id), last_sequence(session, lab_id)
            if known is not None:
                if known.lab_id != lab_id:
                    raise RunRefused(run_id, f"it belongs to lab {known.lab_id}")
                if known.ended_at is not None:
                    raise RunRefused(run_id, f"it has already ended ({known.state})")
                if sequence not in (None, last) and in_order(known.datasets) != now:
                    _end(session, known, RunState.SUPERSEDED, _superseded(in_order(known.datasets), now))
                return run_of(known)
            reads = dict(datasets) if datasets is not None else provisioned(session, lab_id, until=sequence)
            is_late = sequence not in (None, last) and reads != now
            row = _new(session, lab_id, run_id, reads, cause, sequence if is_late else last)
            if is_late:
                _end(session, row, RunState.SUPERSEDED, _superseded(in_order(row.datasets), now))
            elif sequence is not None:
                claim_for_run(session, row)
            else:
                with contextlib.suppress(ChangeClaimed):  # a person has requested it in addition
                    claim_for_run(session, row)
            return run_of(row)

    def start_alone(self, lab_id: str, run_id: str, *, cause: str = "", over: str | None = None) -> Run:
        """Record the start of a run of the datasets provisioned now, unless the last change of the lab has one.

        Args:
            lab_id: the lab of the run.
            run_id: its id.
            cause: who or what started it.
            over: the holder of an abandoned claim.

        Raises:
            LabNotFound: there is no such lab.
            RunRefused: nothing is provisioned.
            ChangeClaimed: another run, or a request whose run is being made, answers the last change.
        """
        with self._database.write() as session:
            live_lab(session, lab_id, lock=True)
            row = _new(session, lab_id, run_id, provisioned(session, lab_id), cause, None)
            claim_for_run(session, row, alone=True, over=over)
            return run_of(row)

    def note_assets(self, run_id: str, assets: Collection[str]) -> None:
        """Record what a run materialises; no error if it is unknown."""
        with self._database.write() as session:
            session.execute(update(RunRow).where(RunRow.run_id == run_id).values(assets=sorted(assets)))

    def finish(self, run_id: str) -> Run:
        """Record that a run has ended; if its datasets were replaced before, it is SUPERSEDED.

        A superseded or cancelled run is not changed: one that is interrupted between two steps ends like any other.

        Raises:
            RunNotFound: no such run was started.
        """
        with self._database.write() as session:
            row = locked_run(session, run_id)
            if row.state not in (RunState.FINISHED, RunState.SUPERSEDED, RunState.CANCELLED):
                _end(session, row, RunState.FINISHED if _is_current(session, row) else RunState.SUPERSEDED, None)
            return run_of(row)

    def fail(self, run_id: str, reason: str) -> Run:
        """Record that a run was interrupted and why (first 2,000 characters; the caller keeps row values out of it).

        A verdict that it has recorded stays valid. A superseded or cancelled run is not changed.

        Raises:
            RunNotFound: no such run was started.
        """
        with self._database.write() as session:
            row = locked_run(session, run_id)
            if row.state not in (RunState.SUPERSEDED, RunState.CANCELLED):
                current = _is_current(session, row)
                _end(session, row, RunState.FAILED if current else RunState.SUPERSEDED, reason)
            return run_of(row)

    def cancel(self, run_id: str, reason: str = "") -> Run:
        """Record that a run was cancelled, or superseded if its data were replaced; ended runs are not changed.

        Raises:
            RunNotFound: no such run was started.
        """
        with self._database.write() as session:
            row = locked_run(session, run_id)
            if row.ended_at is None:
                current = _is_current(session, row)
                _end(session, row, RunState.CANCELLED if current else RunState.SUPERSEDED, reason or None)
            return run_of(row)

    def supersede(self, run_id: str) -> bool:
        """End a run whose datasets were replaced, with the reason, and return whether this call ended it.

        A run of what is provisioned now continues: its datasets may have been put back since `outdated` listed it.

        Raises:
            RunNotFound: no such run was started.
        """
        with self._database.write() as session:
            row = locked_run(session, run_id)
            if row.ended_at is not None or _is_current(session, row):
                return False
            now = provisioned(session, row.lab_id)
            _end(session, row, RunState.SUPERSEDED, _superseded(in_order(row.datasets), now))
            return True

    def get(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            RunNotFound: no such run was started.
        """
        with self._database.read() as session:
            row = session.scalars(select(RunRow).where(RunRow.run_id == run_id)).first()
            if row is None:
                raise RunNotFound(run_id)
            return run_of(row)

    def is_current(self, run_id: str) -> bool:
        """Return whether a run has not ended and its datasets are still provisioned.

        Raises:
            RunNotFound: no such run was started.
        """
        with self._database.read() as session:
            row = session.scalars(select(RunRow).where(RunRow.run_id == run_id)).first()
            if row is None:
                raise RunNotFound(run_id)
            return row.ended_at is None and _is_current(session, row)

    def history(self, lab_id: str, *, limit: int | None = None) -> list[Run]:
        """Return the runs of a lab, the newest first; deleted labs too."""
        query = select(RunRow).where(RunRow.lab_id == lab_id).order_by(RunRow.number.desc()).limit(limit)
        with self._database.read() as session:
            return [run_of(row) for row in session.scalars(query)]

    def in_flight(self) -> list[Run]:
        """Return every run that has not ended; if its executor does not know a run, its process has died."""
        with self._database.read() as session:
            return [run_of(row) for row in session.scalars(_in_flight())]

    def outdated(self) -> list[Run]:
        """Return every run in flight whose data were replaced or whose lab was deleted: the caller cancels them."""
        with self._database.read() as session:
            rows = session.scalars(_in_flight()).all()
            return [run_of(row) for row in rows if not _is_current(session, row)]


def run_of(row: RunRow) -> Run:
    return Run(
        run_id=row.run_id,
        lab_id=row.lab_id,
        datasets=in_order(row.datasets),
        sequence=row.sequence,
        cause=row.cause,
        state=RunState(row.state),
        reason=row.reason,
        started_at=row.started_at,
        ended_at=row.ended_at,
        assets=None if row.assets is None else tuple(row.assets),
    )


def _new(
    session: Session, lab_id: str, run_id: str, reads: Mapping[DatasetKind, str], cause: str, sequence: int | None
) -> RunRow:
    if not reads:
        raise RunRefused(run_id, f"nothing is provisioned to lab {lab_id}")
    row = RunRow(
        run_id=run_id,
        lab_id=lab_id,
        datasets={kind.value: manifest_hash for kind, manifest_hash in reads.items()},
        sequence=last_sequence(session, lab_id) if sequence is None else sequence,
        cause=cause,
        state=RunState.STARTED,
    )
    session.add(row)
    session.flush()
    return row


def _in_flight() -> Select[RunRow]:
    return select(RunRow).where(RunRow.ended_at.is_(None)).order_by(RunRow.number)


def _is_current(session: Session, row: RunRow) -> bool:
    return provisioned(session, row.lab_id) == in_order(row.datasets)


def _superseded(read: Mapping[DatasetKind, str], now: Mapping[DatasetKind, str]) -> str:
    """Return why a run for the datasets `read` does not count, now that `now` is provisioned."""
    if not now:
        return "Nothing is provisioned any more."
    replaced = [KINDS[kind].title for kind in read if kind in now and now[kind] != read[kind]]
    removed = [KINDS[kind].title for kind in read if kind not in now]
    added = [KINDS[kind].title for kind in now if kind not in read]
    if not (replaced or removed or added):
        return "Its datasets were put back by a later change, which has a run of its own."
    found = [
        f"{listed(titles)} {'was' if len(titles) == 1 else 'were'} {verb}"
        for titles, verb in ((replaced, "replaced"), (removed, "taken out"), (added, "added"))
        if titles
    ]
    return f"{listed(found)}."


def _end(session: Session, row: RunRow, state: RunState, reason: str | None) -> None:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    row.state, row.reason, row.ended_at = state, reason[:_LONGEST_REASON] if reason else None, now
