"""The history of a lab: every change of its datasets with user and time, every run, and its result."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from functools import partial
from typing import Literal

from fastapi import Request, Response

from datalab.dashboard.activity import VALIDATION, kinds_validated, what_ran
from datalab.dashboard.summary import ChangeRow, change_rows
from datalab.dashboard.texts import metric_name
from datalab.dashboard.trends import Trend, trends_of
from datalab.formats import counted, harmless, listed
from datalab.kinds import DatasetKind
from datalab.results.refreshes import Refresh
from datalab_dagster.portal.access import Reader, Service
from datalab_dagster.portal.pages import results
from datalab_dagster.portal.pages.lab import LabTab, head_of
from datalab_dagster.portal.pages.page import render
from datalab_dagster.portal.pages.paging import Paging, Sorting, paging_of, query_in, sorting, with_choices
from datalab_dagster.portal.pages.texts import RUN_WORDS, dataset_title, done_to
from datalab_dagster.service import (
    Action,
    EventInfo,
    HappenedInfo,
    HistoryQuery,
    LabService,
    ResultInfo,
    ResultQuery,
    RunInfo,
    RunState,
    Verdict,
)
from datalab_dagster.service.models import ServiceModel


class KeptResult(ServiceModel):
    """One result that is kept."""

    run_id: str
    at: datetime
    status: Verdict
    current: bool
    datasets: dict[DatasetKind, str]
    """Names of stored datasets; for deleted ones, the beginnings of their hashes."""
    figures: list[tuple[str, str]]
    """Dataset → its users and rows."""


class Entry(ServiceModel):
    """One entry of the history."""

    at: datetime
    what: Literal["event", "run"]
    title: str
    detail: str
    by: str
    cause: str
    run_id: str | None = None
    run_state: RunState | None = None
    url: str | None = None
    action: Action | None = None


class NumberPoint(ServiceModel):
    """A headline number in one refresh."""

    run_id: str
    at: datetime
    value: int | None
    """None: the result has no such number."""
    replaced: bool
    """Whether its dataset was replaced since the refresh before."""


class NumberTrend(ServiceModel):
    """A headline number over the refreshes, the oldest first."""

    metric: str
    dataset: str
    name: str
    points: list[NumberPoint]


class HistoryPage(LabTab):
    """The history of a lab, the newest first."""

    refreshes: list[KeptResult]
    """A page of the results that are kept; the one that counts now is the first."""
    results_paging: Paging
    verdict: Verdict | None
    """Only results with it are listed."""
    trends: list[NumberTrend]
    """Of the headline numbers of all datasets, over up to 30 refreshes."""
    entries: list[Entry]
    """A page of the events and runs."""
    paging: Paging
    total: int
    """Events and runs before any filter."""
    sorting: Sorting
    what: str
    """`event` or `run`: only these are listed."""
    kind: DatasetKind | None
    state: RunState | None
    """Only runs in this state are listed."""
    search: str
    changes: list[ChangeRow]
    """The current result compared with the one before."""


def show(lab: str, request: Request, visitor: Reader, service: Service) -> Response:
    """Every refresh with user and time, the comparison with the previous one, every run."""
    del visitor
    info = service.lab(lab)
    query, wanted = _queries(request)
    happened, kept = service.lists.history(info.id, query), service.lists.results(info.id, wanted)
    current = service.current_result(info.id)
    trends = trends_of(_refreshes(service, info.id))
    page = HistoryPage(
        **head_of(service, info),
        refreshes=[_refresh(result, kept.names) for result in kept.results],
        results_paging=paging_of(request, wanted, kept.found, page="results"),
        verdict=wanted.status,
        trends=[_shown(trend) for trend in trends],
        entries=[_entry(one, happened.names) for one in happened.entries],
        paging=paging_of(request, query, happened.found),
        total=happened.total,
        sorting=sorting(request, HistoryQuery.columns()),
        what=query.what or "",
        kind=query.kind,
        state=query.state,
        search=query.text,
        changes=_changes(results.read(service, current)) if current else [],
    )
    lines = {trend.metric: trend.line for trend in trends if len(trend.points) > 1}
    return render(
        request,
        "history.html.j2",
        page,
        lines=lines,
        narrowed=partial(with_choices, request),
        kind_choices=[(kind.value, dataset_title(kind)) for kind in info.definition.datasets],
        state_choices=[(state.value, words) for state, words in RUN_WORDS.items()],
    )


def _queries(request: Request) -> tuple[HistoryQuery, ResultQuery]:
    """Return what the address asks for: of the events and runs, and of the results."""
    given = request.query_params
    what = given.get("what") if given.get("what") in ("event", "run") else None
    kind = next((known for known in DatasetKind if known.value == given.get("kind")), None)
    state = next((known for known in RunState if known.value == given.get("state")), None)
    status = given.get("verdict") if given.get("verdict") in ("SUCCESS", "FAILED") else None
    query = query_in(request, HistoryQuery, what=what, kind=kind, state=state)
    first = query_in(request, HistoryQuery, page="results").first
    return query, ResultQuery.model_validate({"first": first, "count": query.count, "status": status})


def _entry(one: HappenedInfo, names: dict[str, str]) -> Entry:
    if one.event:
        return _of_event(one.event, names)
    assert one.run
    return _of_run(one.run, one.verdict)


def trends(lab: str, visitor: Reader, service: Service) -> Response:
    """Downloads the headline numbers of the refreshes as CSV, a line for each number of each."""
    del visitor
    info = service.lab(lab)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["computed", "run", "dataset", "number", "metric", "value", "dataset_replaced"])
    for trend in map(_shown, trends_of(_refreshes(service, info.id))):
        for point in trend.points:
            value = "" if point.value is None else point.value
            named = [harmless(cell) for cell in (trend.dataset, trend.name, trend.metric)]
            writer.writerow([point.at.isoformat(), point.run_id, *named, value, str(point.replaced).lower()])
    headers = {"Content-Disposition": f'attachment; filename="{info.id}-trends.csv"', "Cache-Control": "no-store"}
    return Response(text.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


def _refreshes(service: LabService, lab: str) -> list[Refresh]:
    return [Refresh(one.run_id, one.at, one.datasets, one.numbers) for one in service.lists.refreshes(lab)]


def _shown(trend: Trend) -> NumberTrend:
    dataset, name = metric_name(trend.metric)
    points = [NumberPoint.model_validate(point) for point in trend.points]
    return NumberTrend(metric=trend.metric, dataset=dataset, name=name, points=points)


def _changes(found: results.Found) -> list[ChangeRow]:
    if found.statistics is None:
        return []
    return change_rows(found.comparison, found.statistics.model_dump(mode="json", by_alias=True), 0)


_FIGURES = {"distinct_user_ids": "user", "valid_rows": "valid row", "invalid_rows": "invalid row"}


def _refresh(result: ResultInfo, names: dict[str, str]) -> KeptResult:
    figures = []
    for kind in result.datasets:
        numbers = ((result.summary.get(f"{kind.value}.{key}"), what) for key, what in _FIGURES.items())
        found = [counted(value, what) for value, what in numbers if isinstance(value, int)]
        if found:
            figures.append((dataset_title(kind), ", ".join(found)))
    return KeptResult(
        run_id=result.run_id,
        at=result.created_at,
        status=result.status,
        current=result.current,
        datasets={kind: _named(manifest_hash, names) for kind, manifest_hash in result.datasets.items()},
        figures=figures,
    )


def _of_event(event: EventInfo, names: dict[str, str]) -> Entry:
    held = _named(event.manifest_hash or event.replaced or "", names)
    detail = held
    if event.replaced and event.manifest_hash not in (None, event.replaced):
        detail = f"{held}, in place of {_named(event.replaced, names)}"
    return Entry(
        at=event.at,
        what="event",
        title=f"{dataset_title(event.kind)} {done_to(event)}",
        detail=detail,
        by=event.by,
        cause=event.cause,
        action=event.action,
    )


def _of_run(run: RunInfo, status: Verdict | None) -> Entry:
    came_out = {"SUCCESS": "Passed", "FAILED": "Did not pass"}.get(status or "", "")
    what = what_ran(run.assets)
    title = what if run.state is RunState.FINISHED else f"{what} {RUN_WORDS[run.state].lower()}"
    reason = run.reason if run.state is RunState.FAILED or not came_out else None
    detail = ". ".join(filter(None, (came_out, reason)))
    if not detail and what == VALIDATION:
        kinds = list(run.datasets) if run.assets is None else kinds_validated(run.assets)
        detail = f"of {listed([dataset_title(kind) for kind in kinds])}" if kinds else "of valid rows of earlier runs"
    return Entry(
        at=run.started_at,
        what="run",
        title=title,
        detail=detail,
        by="",
        cause=run.cause,
        run_id=run.run_id,
        run_state=run.state,
        url=run.url,
    )


def _named(manifest_hash: str, names: dict[str, str]) -> str:
    return names.get(manifest_hash) or f"{manifest_hash[:12]}… (deleted)"
