"""The statistics of a lab: the panels of the dashboard with filter and charts; and the files of aggregates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import Field

from datalab.dashboard.charts import MAX_BARS, MAX_SIDES, specs
from datalab.dashboard.payload import inline_json
from datalab.dashboard.summary import (
    ChangeRow,
    Note,
    TypeRow,
    Verdict,
    change_rows,
    deltas,
    headlines,
    notes,
    readiness_rows,
    verdict,
)
from datalab.dashboard.tables import PageFigure, absent, panels
from datalab.dashboard.texts import DATASETS
from datalab.dashboard.usable import usable
from datalab.lab import LabDefinition
from datalab.results.files import AGGREGATES, DASHBOARD, SHARED
from datalab.results.statistics import StatisticsResult, StatisticsResultV2
from datalab.statistics.readiness import readiness
from datalab_dagster.portal.access import Admin, Record, Service, Visitor
from datalab_dagster.portal.pages import results
from datalab_dagster.portal.pages.lab import head_of, lab_for
from datalab_dagster.portal.pages.page import PageModel, render
from datalab_dagster.portal.security import DASHBOARD_POLICY
from datalab_dagster.portal.shared import shared_file
from datalab_dagster.portal.state import portal_of
from datalab_dagster.service import LabInfo, LabService, Permission, ResultNotFound
from datalab_dagster.service.hints import evidence_of
from datalab_dagster.service.models import ServiceModel, StateInfo


class LabHead(ServiceModel):
    """The part of a lab that all visitors of its statistics may see."""

    id: str
    name: str
    state: StateInfo | None
    """Only for publishers and viewers, because it names datasets."""
    definition: LabDefinition


class ResultHead(ServiceModel):
    """The result that is shown."""

    run_id: str
    status: str
    current: bool
    created_at: datetime


class StatisticsPage(PageModel):
    """The statistics of one result in the words and groups of the dashboard; `report` has the numbers."""

    lab: LabHead
    next_step: str
    version: str
    """Of what the page shows, see `LabTab`; empty for those who may only see shared aggregates."""
    result: ResultHead | None
    verdict: Verdict | None = None
    headlines: list[PageFigure] = Field(default_factory=list)
    findings: list[Note] = Field(default_factory=list)
    readiness: list[TypeRow] = Field(default_factory=list)
    changes: list[ChangeRow] = Field(default_factory=list)
    """Compared with the result before."""
    report: StatisticsResultV2 | dict[str, Any] | None = None
    """A dict, in which a hidden count is a text, for the vendor's admins."""
    matchable_users: dict[str, dict[str, int | str]] = Field(default_factory=dict)
    """Matching id → its users, and those with an id of their own; not in the report, empty for old results."""
    legacy: StatisticsResult | None = None
    files: list[str] = Field(default_factory=list)


def show(lab: str, request: Request, visitor: Admin, service: Service) -> Response:
    """Verdict, findings, readiness, changes and every panel of the current result, or of that of `?run=`."""
    info = lab_for(service, lab, visitor)
    result = results.result_of(service, info.id, _run_asked(request, visitor))
    if result is None:
        kept = service.results(info.id) if visitor.may(Permission.READ) else []
        page = StatisticsPage(**_head(service, info, visitor), result=None)
        return render(request, "statistics.html.j2", page, shown=None, earlier=kept[0] if kept else None)
    found = results.read(service, result)
    if not visitor.may(Permission.READ):
        found = found.shared(portal_of(request).admin_minimum)
    page = _page(service, info, found, visitor)
    shown = _shown(info.definition, found) if not request.url.path.endswith(".json") else None
    response = render(request, "statistics.html.j2", page, shown=shown, earlier=None)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def file(lab: str, name: str, request: Request, visitor: Admin, service: Service, record: Record) -> Response:
    """Answers with a file of aggregates of the current result or of `?run=`; the dashboard opens, others are saved."""
    info = lab_for(service, lab, visitor)
    if name not in AGGREGATES:
        raise ResultNotFound(info.id, "file of this name")
    if visitor.may(Permission.READ):
        content = service.result_file(info.id, name, run_id=_run_asked(request, visitor))
    else:
        content = shared_file(service, info.id, name, portal_of(request).admin_minimum)
    record("lab.download", info.id, file=name)
    headers = {"Cache-Control": "private, no-cache"}
    if name == DASHBOARD.name:
        headers["Content-Security-Policy"] = DASHBOARD_POLICY
    else:
        headers["Content-Disposition"] = f'attachment; filename="{info.id}-{name}"'
    return Response(content, headers=headers, media_type=AGGREGATES[name].media_type)


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""As for all pages, except that the dashboard's script may add a style element to select columns."""


def _run_asked(request: Request, visitor: Visitor) -> str | None:
    """Return the requested run; None, the current result, for visitors who may only see shared aggregates."""
    return request.query_params.get("run") if visitor.may(Permission.READ) else None


def _head(service: LabService, info: LabInfo, visitor: Visitor) -> dict[str, Any]:
    """Return the head of a page of this lab."""
    inside = visitor.may(Permission.READ)
    state = info.state if inside else None
    definition = info.definition if inside else info.definition.model_copy(update={"publisher_email": None})
    head = LabHead(id=info.id, name=info.name, state=state, definition=definition)
    more = head_of(service, info) if inside else {"next_step": "", "version": ""}
    return {**more, "lab": head}


def _page(service: LabService, info: LabInfo, found: results.Found, visitor: Visitor) -> StatisticsPage:
    head = ResultHead(
        run_id=found.result.run_id,
        status=found.result.status,
        current=found.result.current,
        created_at=found.result.created_at,
    )
    shown = AGGREGATES if visitor.may(Permission.READ) else SHARED
    files = [name for name in shown if name in found.result.files]
    page = StatisticsPage(**_head(service, info, visitor), result=head, files=files, legacy=found.legacy)
    statistics = found.statistics
    if statistics is None:
        return page
    report = found.report()
    ready = readiness(info.definition, statistics)
    is_now = found.result.current and visitor.may(Permission.READ)
    causes = found.causes(evidence_of(info) if is_now else None)
    summed = verdict(info.definition, report, found.status, causes, ready)
    return page.model_copy(
        update={
            "verdict": summed,
            "headlines": found.headlines(info.definition),
            "findings": notes(causes),
            "readiness": readiness_rows(ready, usable(ready, report, causes, is_ready=summed.ready)),
            "changes": change_rows(found.comparison, report, found.minimum),
            "report": report if found.minimum else statistics,
            "matchable_users": found.beside(),
        }
    )


def _shown(lab: LabDefinition, found: results.Found) -> dict[str, Any] | None:
    """Return all values for the dashboard's templates."""
    if found.statistics is None:
        return None
    report = found.report()
    beside = found.beside()
    shown = panels(lab, report, beside)
    changed = deltas(found.comparison, report, found.minimum)
    for figure in [*headlines(lab, report, beside), *(figure for panel in shown for figure in panel.figures)]:
        figure.delta = changed.get(figure.metric, "")
    charts = {panel.view.chart for panel in shown if panel.view.chart}
    return {
        "datasets": {kind: words for kind, words in DATASETS.items() if kind in lab.datasets},
        "panels": shown,
        "absent": absent(lab, shown),
        "matching_ids": [entry.id_name for entry in lab.matching_ids],
        "charts": charts,
        "specs": inline_json({name: spec for name, spec in specs().items() if name.split("-")[0] in charts}),
        "max_bars": MAX_BARS,
        "max_sides": MAX_SIDES,
    }
