"""Pages of what happened in a lab: provisioning events and runs together, and results, filtered and cut in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, exists, false, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from datalab.registry.database import Database
from datalab.registry.models import DatasetRow, EventRow, ResultRow, RunRow
from datalab.registry.queries import event_of, has_text
from datalab.registry.records import Event, Result, Run, Verdict
from datalab.registry.results import current_row, kept, result_of
from datalab.registry.runs import run_of
from datalab.registry.wanted import HistoryQuery, ResultQuery


@dataclass(frozen=True)
class Happened:
    """An event or a run."""

    event: Event | None
    run: Run | None
    verdict: Verdict | None
    """Of the run's result, if it is kept."""


@dataclass(frozen=True)
class HistoryList:
    """A page of the history of a lab."""

    entries: list[Happened]
    names: Mapping[str, str]
    """Manifest hash → name, of the datasets that are still stored."""
    found: int
    total: int


@dataclass(frozen=True)
class ResultList:
    """A page of the results of a lab that are kept."""

    results: list[Result]
    current: Result | None
    """The current result of the lab, on this page or not."""
    names: Mapping[str, str]
    found: int
    total: int


class History:
    """The histories of a registry's labs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, lab_id: str, query: HistoryQuery) -> HistoryList:
        """Return a page of the events and runs of a lab; deleted labs too."""
        every, wanted = union_all(_events(lab_id), _runs(lab_id)).subquery(), _wanted(lab_id, query).subquery()
        columns = (wanted.c.at, wanted.c.what, wanted.c.number)
        order = [column.desc() if query.descending else column.asc() for column in columns]
        page = select(wanted.c.what, wanted.c.number).order_by(*order).offset(query.first).limit(query.count)
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(every)) or 0
            found = session.scalar(select(func.count()).select_from(wanted)) or 0
            entries = _happened(session, session.execute(page).all())
            return HistoryList(entries, _names(session, _hashes(entries)), found, total)

    def results(self, lab_id: str, query: ResultQuery) -> ResultList:
        """Return a page of the results of a lab; unless they are sorted otherwise, the current one is the first."""
        listed = kept(lab_id).order_by(None)
        if query.status is not None:
            listed = listed.where(ResultRow.status == query.status)
        listed = listed.where(has_text(query.text, ResultRow.run_id))
        with self._database.read() as session:
            current = current_row(session, lab_id)
            column = {"created": ResultRow.number, "status": ResultRow.status}[query.column]
            order: list[Any] = [column.desc() if query.descending else column.asc(), ResultRow.number.desc()]
            if query.sort == "-created" and current is not None:
                order.insert(0, case((ResultRow.number == current.number, 0), else_=1))
            total = session.scalar(select(func.count()).select_from(kept(lab_id).subquery())) or 0
            found = session.scalar(select(func.count()).select_from(listed.subquery())) or 0
            rows = session.scalars(listed.order_by(*order).offset(query.first).limit(query.count)).all()
            results = [result_of(row) for row in rows]
            names = _names(session, {one for result in results for one in result.datasets.values()})
            return ResultList(results, result_of(current) if current else None, names, found, total)


def _wanted(lab_id: str, query: HistoryQuery) -> Any:
    parts = []
    if query.what != "run" and query.state is None:
        named = exists().where(
            DatasetRow.manifest_hash.in_([EventRow.manifest_hash, EventRow.replaced]),
            has_text(query.text, DatasetRow.name),
        )
        events = _events(lab_id).where(or_(has_text(query.text, EventRow.actor, EventRow.cause), named))
        parts.append(events if query.kind is None else events.where(EventRow.kind == query.kind.value))
    if query.what != "event":
        runs = _runs(lab_id).where(has_text(query.text, RunRow.cause, RunRow.run_id, RunRow.reason))
        if query.kind is not None:
            runs = runs.where(RunRow.datasets.has_key(query.kind.value))
        parts.append(runs if query.state is None else runs.where(RunRow.state == query.state.value))
    return union_all(*parts or [_events(lab_id).where(false())])


def _events(lab_id: str) -> Select[str, int, datetime]:
    columns = (literal("event").label("what"), EventRow.sequence.label("number"), EventRow.at.label("at"))
    return select(*columns).where(EventRow.lab_id == lab_id)


def _runs(lab_id: str) -> Select[str, int, datetime]:
    columns = (literal("run").label("what"), RunRow.number.label("number"), RunRow.started_at.label("at"))
    return select(*columns).where(RunRow.lab_id == lab_id)


def _happened(session: Session, page: Sequence[Any]) -> list[Happened]:
    numbers = {what: [row.number for row in page if row.what == what] for what in ("event", "run")}
    events = session.scalars(select(EventRow).where(EventRow.sequence.in_(numbers["event"])))
    runs = session.execute(
        select(RunRow, ResultRow.status)
        .outerjoin(ResultRow, (ResultRow.run_id == RunRow.run_id) & ResultRow.expired_at.is_(None))
        .where(RunRow.number.in_(numbers["run"]))
    )
    found = {("event", row.sequence): Happened(event_of(row), None, None) for row in events}
    verdicts: dict[str | None, Verdict] = {"SUCCESS": "SUCCESS", "FAILED": "FAILED"}
    found |= {("run", row.number): Happened(None, run_of(row), verdicts.get(status)) for row, status in runs}
    return [found[row.what, row.number] for row in page]


def _hashes(entries: Iterable[Happened]) -> set[str]:
    events = [entry.event for entry in entries if entry.event]
    return {one for event in events for one in (event.manifest_hash, event.replaced) if one}


def _names(session: Session, hashes: set[str]) -> dict[str, str]:
    query = select(DatasetRow.manifest_hash, DatasetRow.name).where(
        DatasetRow.manifest_hash.in_(hashes), DatasetRow.deleted_at.is_(None)
    )
    return {row.manifest_hash: row.name for row in session.execute(query)}
