"""The facts that the states of labs depend on, for all labs with the same few queries; `state` gives the states.

`state_in` is the table of `state` in SQL, for lists that are filtered and sorted there; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, exists, false, func, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from datalab.kinds import KINDS, DatasetKind
from datalab.registry.models import LabRow, ResultRow, RunRow, SlotRow
from datalab.registry.records import Lab, RunState
from datalab.registry.state import Facts, LabState


def facts_of(session: Session, labs: Sequence[Lab]) -> dict[str, Facts]:
    """Return the facts of each lab by its id, all of the session's moment."""
    ids = [lab.id for lab in labs]
    now = now_in(ids)
    slots = {row.lab_id: dict(row.datasets) for row in session.execute(select(now))}
    runs = {row.lab_id: row for row in session.execute(_newest_runs(now))}
    verdicts = {row.lab_id: row for row in session.execute(_newest_verdicts(now))}
    before = _lab_ids(session, now, ResultRow.lab_id == now.c.lab_id, ResultRow.datasets != now.c.datasets)
    elsewhere = (RunRow.ended_at.is_(None), RunRow.datasets != now.c.datasets)
    busy = _lab_ids(session, now, RunRow.lab_id == now.c.lab_id, *elsewhere)
    return {
        lab.id: _facts(lab, slots[lab.id], runs.get(lab.id), verdicts.get(lab.id), lab.id in before, lab.id in busy)
        for lab in labs
    }


def _facts(lab: Lab, slots: dict[str, str], run: Any, verdict: Any, before: bool, busy: bool) -> Facts:
    if run is not None and verdict is not None and run.number <= verdict.number:
        # The run that gave the verdict may have failed after it; earlier runs no longer count.
        run = run if run.number == verdict.number and run.state == RunState.FAILED else None
    return Facts(
        lab=lab.id,
        required=lab.definition.datasets,
        provisioned=[kind for kind in lab.definition.datasets if kind.value in slots],
        verdict=verdict.status if verdict else None,
        run=RunState(run.state) if run else None,
        reason=run.reason if run else None,
        validated_before=before,
        outdated_run=busy,
        run_gave_verdict=run is not None and verdict is not None and run.number == verdict.number,
    )


def now_in(labs: Sequence[str] | Select[str]) -> CTE:
    """Return lab → what is provisioned to it now, in the form of runs and results; of the labs of these ids."""
    filled = func.jsonb_object_agg(SlotRow.kind, SlotRow.manifest_hash, type_=JSONB())
    datasets = case((func.count(SlotRow.kind) > 0, filled.filter(SlotRow.kind.is_not(None))), else_=_NOTHING)
    return (
        select(LabRow.id.label("lab_id"), datasets.label("datasets"))
        .outerjoin(SlotRow, SlotRow.lab_id == LabRow.id)
        .where(LabRow.id.in_(labs))
        .group_by(LabRow.id)
        .cte("now")
    )


_NOTHING = literal_column("'{}'::jsonb", JSONB())


def newest_result_on(now: CTE, *columns: Any) -> Select[Any]:
    """Return lab → these columns of its newest result that counts: on exactly what is provisioned, not expired."""
    return _newest(now, ResultRow, select(*columns).where(ResultRow.expired_at.is_(None)))


def _newest(now: CTE, row: type[RunRow | ResultRow], columns: Select[Any]) -> Select[Any]:
    """Walk the runs or results of each lab backwards, mostly one step; a join reads all that there ever were.

    PostgreSQL expects few rows with equal datasets, and would read and sort those of a lab; of a CASE it expects many.
    """
    same = case((row.datasets == now.c.datasets, true()), else_=false())
    newest = columns.where(row.lab_id == now.c.lab_id, same).order_by(row.number.desc()).limit(1).lateral()
    return select(now.c.lab_id, *newest.c).join(newest, true())


def _newest_runs(now: CTE) -> Select[Any]:
    """Return per lab the newest run on exactly what is provisioned."""
    columns: tuple[Any, ...] = (RunRow.number, RunRow.state, RunRow.reason)
    return _newest(now, RunRow, select(*columns))


def _newest_verdicts(now: CTE) -> Select[Any]:
    """Per lab the newest verdict, with the number of the run that gave it."""
    number = select(RunRow.number).where(RunRow.run_id == ResultRow.run_id).scalar_subquery()
    return newest_result_on(now, ResultRow.status, number.label("number"))


def state_in(now: CTE) -> Select[str, str]:
    """Return lab → its state."""
    run, verdict = _newest_runs(now).subquery(), _newest_verdicts(now).subquery()
    counts = or_(
        verdict.c.number.is_(None),
        run.c.number > verdict.c.number,
        and_(run.c.number == verdict.c.number, run.c.state == RunState.FAILED),
    )
    state = case((counts, run.c.state))
    found = case(
        (now.c.datasets == _NOTHING, LabState.EMPTY),
        (or_(*(_misses(kind, now) for kind in KINDS)), LabState.INCOMPLETE),
        (verdict.c.status == "SUCCESS", LabState.READY),
        (state == RunState.STARTED, LabState.VALIDATING),
        (or_(verdict.c.status == "FAILED", state == RunState.FAILED), LabState.FAILED),
        else_=LabState.STALE,
    )
    return (
        select(now.c.lab_id, found.label("state"))
        .join(LabRow, LabRow.id == now.c.lab_id)
        .outerjoin(run, run.c.lab_id == now.c.lab_id)
        .outerjoin(verdict, verdict.c.lab_id == now.c.lab_id)
    )


def _misses(kind: DatasetKind, now: CTE) -> ColumnElement[bool]:
    """Whether a lab has a slot of this kind that is empty."""
    return and_(has_slot(kind), ~now.c.datasets.has_key(kind.value))


def has_slot(kind: DatasetKind) -> ColumnElement[bool]:
    """Whether a lab has a slot of this kind, as `Kind.is_in` says from its definition."""
    key = KINDS[kind].flag_key
    return true() if key is None else func.coalesce(LabRow.definition[key].astext, "0").not_in(["0", "false"])


def waiting_labs() -> Select[int]:
    """Return the number of labs in which a slot is empty."""
    filled = select(func.count()).where(SlotRow.lab_id == LabRow.id).scalar_subquery()
    slots = sum(case((has_slot(kind), 1), else_=0) for kind in KINDS)
    return select(func.count()).select_from(LabRow).where(LabRow.deleted_at.is_(None), filled < slots)


def _lab_ids(session: Session, now: CTE, *conditions: Any) -> set[str]:
    """Return the labs for which there is a row that meets the conditions."""
    return set(session.scalars(select(now.c.lab_id).where(exists().where(*conditions))))
