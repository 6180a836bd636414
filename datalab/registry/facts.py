"""The facts that the states of labs depend on, for all labs with the same few queries; `state` gives the states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, Select, case, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.orm import Session

from datalab.registry.models import LabRow, ResultRow, RunRow, SlotRow
from datalab.registry.records import Lab, RunState
from datalab.registry.state import Facts


def facts_of(session: Session, labs: Sequence[Lab]) -> dict[str, Facts]:
    """Return the facts of each lab by its id, all of the session's moment."""
    ids = [lab.id for lab in labs]
    now = _provisioned(ids)
    slots = {row.lab_id: dict(row.datasets) for row in session.execute(select(now))}
    runs = {row.lab_id: row for row in session.execute(_newest_runs(now))}
    verdicts = {row.lab_id: row for row in session.execute(_newest_verdicts(now))}
    other_results = ResultRow.datasets != now.c.datasets
    before = set(_lab_ids(session, select(ResultRow.lab_id).join(now, now.c.lab_id == ResultRow.lab_id), other_results))
    busy_runs = (RunRow.ended_at.is_(None), RunRow.datasets != now.c.datasets)
    busy = set(_lab_ids(session, select(RunRow.lab_id).join(now, now.c.lab_id == RunRow.lab_id), *busy_runs))
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


def _provisioned(ids: Iterable[str]) -> CTE:
    """Lab → what is provisioned to it now, in the form of runs and results."""
    filled = func.jsonb_object_agg(SlotRow.kind, SlotRow.manifest_hash, type_=JSONB())
    datasets = case((func.count(SlotRow.kind) > 0, filled.filter(SlotRow.kind.is_not(None))), else_=_NOTHING)
    return (
        select(LabRow.id.label("lab_id"), datasets.label("datasets"))
        .outerjoin(SlotRow, SlotRow.lab_id == LabRow.id)
        .where(LabRow.id.in_(list(ids)))
        .group_by(LabRow.id)
        .cte("now")
    )


_NOTHING = literal_column("'{}'::jsonb", JSONB())


def _newest_runs(now: CTE) -> Select[str, int, str, str | None]:
    """Per lab the newest run on exactly what is provisioned."""
    return (
        select(RunRow.lab_id, RunRow.number, RunRow.state, RunRow.reason)
        .join(now, (now.c.lab_id == RunRow.lab_id) & (now.c.datasets == RunRow.datasets))
        .ext(distinct_on(RunRow.lab_id))
        .order_by(RunRow.lab_id, RunRow.number.desc())
    )


def _newest_verdicts(now: CTE) -> Select[str, str, int]:
    """Per lab the newest verdict on exactly what is provisioned, with the number of the run that gave it."""
    return (
        select(ResultRow.lab_id, ResultRow.status, RunRow.number)
        .join(RunRow, RunRow.run_id == ResultRow.run_id)
        .join(now, (now.c.lab_id == ResultRow.lab_id) & (now.c.datasets == ResultRow.datasets))
        .where(ResultRow.expired_at.is_(None))
        .ext(distinct_on(ResultRow.lab_id))
        .order_by(ResultRow.lab_id, ResultRow.number.desc())
    )


def _lab_ids(session: Session, query: Select[str], *conditions: Any) -> Iterable[str]:
    return session.scalars(query.where(*conditions).distinct())
