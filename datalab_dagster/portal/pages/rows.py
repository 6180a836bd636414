"""All invalid rows of a dataset as a page and a download; private, for publishers only."""

from __future__ import annotations

from fastapi import Request, Response

from datalab.codes import explain
from datalab.kinds import DatasetKind
from datalab_dagster.portal.access import Insider, Record, Service
from datalab_dagster.portal.api.results import rows_answer
from datalab_dagster.portal.pages.lab import LabTab, head_of
from datalab_dagster.portal.pages.page import render
from datalab_dagster.portal.pages.paging import MOST_PAGES, Paging, asked, paging, with_choices
from datalab_dagster.service import InvalidRowsInfo, ResultNotFound, RowsQuery
from datalab_dagster.service.invalid_rows import MOST_PAGE_ROWS, PAGE_ROWS
from datalab_dagster.service.models import ServiceModel

MOST_COLUMNS = 12
"""How many columns the page shows; the download has all."""
MOST_CHARACTERS = 200
"""How much of a value the page shows."""


class ReasonChoice(ServiceModel):
    """A reason by which rows can be filtered."""

    code: str
    words: str
    rows: int
    address: str


class RowsPage(LabTab):
    """Some of the invalid rows of one dataset."""

    found: InvalidRowsInfo
    reasons: list[ReasonChoice]
    every: str
    """The address without a filter."""
    paging: Paging
    further_columns: int
    """How many columns the page leaves out."""


def show(lab: str, kind: str, request: Request, visitor: Insider, service: Service, record: Record) -> Response:
    """The invalid rows of the current result, or of that of `?run=`; `?reason=` filters them."""
    del visitor
    info = service.lab(lab)
    page, size = asked(request, "page", 1, MOST_PAGES), asked(request, "size", PAGE_ROWS, MOST_PAGE_ROWS)
    found = service.invalid_rows.page(_wanted(info.id, kind, request), first=(page - 1) * size, count=size)
    record("rows.read", info.id, dataset=kind, result=found.run_id)
    reasons = [
        ReasonChoice(
            code=code, words=explain(code).label, rows=rows, address=with_choices(request, reason=code, page="")
        )
        for code, rows in sorted(found.reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    shown = RowsPage(
        **head_of(service, info),
        found=found,
        reasons=reasons,
        every=with_choices(request, reason="", page=""),
        paging=paging(request, page, size, found.matching),
        further_columns=max(0, len(found.columns) - MOST_COLUMNS),
    )
    words = {reason.code: reason.words for reason in reasons}
    most = {"most_columns": MOST_COLUMNS, "most_characters": MOST_CHARACTERS}
    response = render(request, "rows.html.j2", shown, words=words, **most)
    response.headers["Cache-Control"] = "no-store"
    return response


def file(lab: str, kind: str, request: Request, visitor: Insider, service: Service, record: Record) -> Response:
    """Downloads all of them, or those of `?reason=`, as CSV."""
    del visitor
    return rows_answer(service, record, _wanted(service.lab(lab).id, kind, request))


def _wanted(lab: str, kind: str, request: Request) -> RowsQuery:
    if kind not in set(DatasetKind):
        raise ResultNotFound(lab, "dataset of this name")
    run, reason = request.query_params.get("run"), request.query_params.get("reason")
    return RowsQuery(lab, DatasetKind(kind), run, reason or None)
