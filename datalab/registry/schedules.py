"""The schedules of labs: when a lab is validated again, and what came of the last time that it was due.

`datalab.home.due` computes when; a schedule of Dagster asks every minute, and starts the runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from datalab.errors import UsageError
from datalab.home.due import due_after
from datalab.home.rules import cron as checked_cron
from datalab.home.rules import time_zone
from datalab.registry.database import Database
from datalab.registry.models import EventRow, LabRow, RunRow, SlotRow
from datalab.registry.queries import live_lab, named
from datalab.registry.records import RunState
from datalab.registry.schedule_rows import ScheduleRow

_LONGEST = 100
"""Characters of a schedule, and of the name of a time zone."""


@dataclass(frozen=True)
class LabSchedule:
    """When a lab is validated again, and what came of the last time that it was due."""

    lab_id: str
    cron: str
    timezone: str
    set_by: str
    set_at: datetime
    next_at: datetime
    due_at: datetime | None
    """When it was due last; None: not yet."""
    requested: bool
    """Whether a run was requested for this time that may not exist yet."""
    run_id: str | None
    """The run for this time; None: none is known."""
    outcome: str
    """Why no run was started for this time."""
    run_state: RunState | None = None
    """Of the run; None: it waits, or there is none."""


class ScheduleWrong(UsageError):
    """A schedule cannot be used; the lab keeps the one that it has."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The schedule of the lab was not changed: {reason}.")


class Schedules:
    """The schedules of a registry's labs; a lab has one or none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, lab_id: str, cron: str, timezone: str, *, by: str) -> LabSchedule:
        """Give a lab a schedule, in place of the one it has; what came of the last time is kept.

        Args:
            lab_id: which lab.
            cron: five fields, see `datalab.home.rules.cron`.
            timezone: an IANA name.
            by: the user who sets it.

        Raises:
            LabNotFound: there is no such lab.
            ScheduleWrong: the cron is wrong or never due, or the time zone is unknown.
        """
        cron, timezone = _checked(cron, timezone)
        now = datetime.now(UTC)
        values = {
            "cron": cron,
            "timezone": timezone,
            "set_by": named(by),
            "set_at": now,
            "next_at": due_after(cron, timezone, now),
        }
        with self._database.write() as session:
            live_lab(session, lab_id, lock=True)
            new = insert(ScheduleRow).values(lab_id=lab_id, **values)
            session.execute(new.on_conflict_do_update(index_elements=[ScheduleRow.lab_id], set_=values))
            return _schedule(session.get_one(ScheduleRow, lab_id))

    def remove(self, lab_id: str) -> None:
        """Take the schedule of a lab away, if it has one."""
        with self._database.write() as session:
            session.execute(delete(ScheduleRow).where(ScheduleRow.lab_id == lab_id))

    def of(self, lab_id: str) -> LabSchedule | None:
        """Return the schedule of a lab, if it has one."""
        with self._database.read() as session:
            found = session.execute(_with_runs().where(ScheduleRow.lab_id == lab_id)).one_or_none()
            return None if found is None else _schedule(*found)

    def all(self) -> list[LabSchedule]:
        """Return the schedules of all labs, the oldest lab first."""
        query = _with_runs().join(LabRow, LabRow.id == ScheduleRow.lab_id).order_by(LabRow.created_at, LabRow.id)
        with self._database.read() as session:
            return [_schedule(row, state) for row, state in session.execute(query)]

    def read_again(self, lab_id: str) -> dict[str, datetime]:
        """Return the files in the slots of a lab that connectors have taken before it was due last, and that time."""
        taken = (
            select(EventRow.source, ScheduleRow.due_at)
            .join(SlotRow, SlotRow.sequence == EventRow.sequence)
            .join(ScheduleRow, ScheduleRow.lab_id == EventRow.lab_id)
            .where(EventRow.lab_id == lab_id, EventRow.source.is_not(None), EventRow.at < ScheduleRow.due_at)
        )
        with self._database.read() as session:
            return {source: due_at for source, due_at in session.execute(taken) if source and due_at}

    def due(self, now: datetime) -> list[LabSchedule]:
        """Return the schedules that are due, and those with a requested run that may not exist yet; one statement."""
        query = select(ScheduleRow).where(or_(ScheduleRow.next_at <= now, ScheduleRow.requested))
        with self._database.read() as session:
            return [_schedule(row) for row in session.scalars(query.order_by(ScheduleRow.next_at, ScheduleRow.lab_id))]

    def take(self, due: Sequence[LabSchedule], now: datetime) -> list[LabSchedule]:
        """Move schedules on to the next time after `now`, so that what was missed is answered once; return them.

        A schedule that was changed, or moved on by another caller, is left out.
        """
        taken = []
        with self._database.write() as session:
            for one in due:
                moved = (
                    update(ScheduleRow)
                    .where(ScheduleRow.lab_id == one.lab_id, ScheduleRow.next_at == one.next_at)
                    .where(ScheduleRow.set_at == one.set_at)
                    .values(
                        due_at=one.next_at,
                        next_at=due_after(one.cron, one.timezone, now),
                        requested=True,
                        run_id=None,
                        outcome="",
                    )
                    .returning(ScheduleRow)
                )
                taken += [_schedule(row) for row in session.scalars(moved)]
        return taken

    def answer(self, schedule: LabSchedule, *, run_id: str | None = None, outcome: str = "") -> None:
        """Record what came of the time when a schedule was due: the run that exists now, or why there is none."""
        with self._database.write() as session:
            session.execute(
                update(ScheduleRow)
                .where(ScheduleRow.lab_id == schedule.lab_id, ScheduleRow.due_at == schedule.due_at)
                .values(requested=False, run_id=run_id, outcome=outcome)
            )


def _checked(cron: str, timezone: str) -> tuple[str, str]:
    if max(len(cron), len(timezone)) > _LONGEST:
        raise ScheduleWrong(f"cron and time zone have at most {_LONGEST} characters each")
    try:
        return " ".join(checked_cron(cron).split()), time_zone(timezone)
    except ValueError as error:
        raise ScheduleWrong(str(error)) from None


def _with_runs() -> Select[ScheduleRow, str | None]:
    """Return the query of schedules and the states of their runs."""
    return select(ScheduleRow, RunRow.state).outerjoin(RunRow, RunRow.run_id == ScheduleRow.run_id)


def _schedule(row: ScheduleRow, run_state: str | None = None) -> LabSchedule:
    return LabSchedule(
        row.lab_id,
        row.cron,
        row.timezone,
        row.set_by,
        row.set_at,
        row.next_at,
        row.due_at,
        row.requested,
        row.run_id,
        row.outcome,
        RunState(run_state) if run_state else None,
    )
