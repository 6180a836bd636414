"""One finding of a result as a page: what it means, its rows, its cause and consequences, how to fix it, its trend."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response

from datalab.codes import ROW_ERRORS, explain
from datalab.dashboard.fixes import fix_of
from datalab.dashboard.repairs import steps_of
from datalab.dashboard.sentences import advice, sentence
from datalab.dashboard.trends import Line, line_of
from datalab.errors import UsageError
from datalab.formats import Cell, figures_in_text
from datalab.ingest.repair import StepName
from datalab.kinds import MATCHING, DatasetKind
from datalab.lab import LabDefinition
from datalab.results.refreshes import MOST_REFRESHES
from datalab.statistics.cause import Cause, Severity
from datalab.statistics.causes import causes_of
from datalab.statistics.numbered import every, numbered
from datalab_dagster.portal.access import Reader, Record, Recorder, Service, Visitor
from datalab_dagster.portal.pages import results
from datalab_dagster.portal.pages.lab import LabTab, head_of
from datalab_dagster.portal.pages.page import render
from datalab_dagster.portal.pages.paging import MOST_PAGES, Paging, asked, paging
from datalab_dagster.service import LabInfo, LabService, Permission, ResultInfo, ResultNotFound, RowsQuery
from datalab_dagster.service.hints import evidence_of
from datalab_dagster.service.models import ServiceModel

ROWS_AT_ONCE = 50
_OF_ALL_ROWS = frozenset({"HIGH_INVALID_SHARE", "EMPTY_DATASET", "POSSIBLE_WRONG_SEPARATOR"})
"""Findings whose rows are all invalid rows of the dataset."""
_OF_FORMATS = frozenset({"NO_MATCHING_IDS", "UPPER_CASE_IDS"})
"""Findings whose rows are those with a wrong format of an id."""


class FindingLink(ServiceModel):
    """Another finding of the same result."""

    number: int
    code: str
    sentence: str


class FixLines(ServiceModel):
    """How to fix a finding at the source, with the names of the lab."""

    sql: str
    python: str


class FindingRepair(ServiceModel):
    """The stored dataset that a repair would correct."""

    kind: DatasetKind
    manifest_hash: str
    steps: list[StepName]
    """The steps that correct the finding, or what it follows from."""


class FindingRows(ServiceModel):
    """The numbers of the invalid rows that a finding is about; no value."""

    kind: DatasetKind
    reason: str | None
    """None: every invalid row of the dataset."""
    numbers: list[int]
    """From 1."""
    paging: Paging
    kept: int
    total: int


class CountPoint(ServiceModel):
    """The count of a finding in one refresh."""

    run_id: str
    at: datetime
    count: Cell | None
    """None: the result has no such finding."""


class FindingPage(LabTab):
    """One finding."""

    result: ResultInfo | None
    """None: the finding is about what is provisioned, which was not validated yet."""
    number: int
    code: str
    severity: Severity
    subject: str
    dataset: DatasetKind | None
    sentence: str
    meaning: str
    """What its code means in general; empty: nothing more than the sentence."""
    figures: str
    """The figures of the finding, as its message has them."""
    count: Cell | None
    advice: str
    cause: FindingLink | None
    """What it follows from."""
    follows: list[FindingLink]
    fix: FixLines | None
    repair: FindingRepair | None
    """None: no step of a repair corrects it, or the visitor may not use the dataset that is provisioned."""
    rows: FindingRows | None
    """None: the finding is about no single rows, or the visitor may not see them."""
    trend: list[CountPoint]
    """The oldest first."""


def show(lab: str, finding: str, request: Request, visitor: Reader, service: Service, record: Record) -> Response:
    """A finding of the current result, or of that of `?run=`, by its number."""
    info = service.lab(lab)
    result = results.result_of(service, info.id, request.query_params.get("run"))
    files = evidence_of(info) if result is None or result.current else None
    causes = results.read(service, result).causes(files) if result else numbered(causes_of(None, evidence=files))
    found = next((cause for cause in every(causes) if str(cause.number) == finding), None)
    if found is None:
        raise ResultNotFound(info.id, f"finding {finding[:10]} in this result")
    above = next((cause for cause in causes if found in cause.follows), None)
    fix = fix_of(found, info.definition)
    trend = _trend(service, info.id, found)
    page = FindingPage(
        **head_of(service, info),
        result=result,
        number=found.number,
        code=found.code,
        severity=found.severity,
        subject=found.subject,
        dataset=found.dataset,
        sentence=sentence(found),
        meaning=explain(found.code).meaning if found.finding else "",
        figures=figures_in_text(found.finding.message) if found.finding else "",
        count=_count(found),
        advice=advice(found),
        cause=_link(above) if above else None,
        follows=[_link(below) for below in found.follows],
        fix=FixLines(sql=fix.sql, python=fix.python) if fix else None,
        repair=_repair(service, visitor, info, result, [found, above] if above else [found]),
        rows=_rows(request, visitor, service, record, info.definition, result, found) if result else None,
        trend=trend,
    )
    return render(request, "finding.html.j2", page, line=_line(trend))


def _count(cause: Cause) -> Cell | None:
    return cause.figures[0] if cause.figures else None


def _link(cause: Cause) -> FindingLink:
    return FindingLink(number=cause.number, code=cause.code, sentence=sentence(cause))


def _repair(
    service: LabService, visitor: Visitor, info: LabInfo, result: ResultInfo | None, causes: list[Cause]
) -> FindingRepair | None:
    """Return what a repair would correct: the first of the causes that has steps."""
    cause = next((cause for cause in causes if steps_of(cause)), None)
    held = next((slot.manifest_hash for slot in info.slots if cause and slot.kind is cause.dataset), None)
    if cause is None or cause.dataset is None or held is None or not visitor.may(Permission.CHANGE):
        return None
    if result and result.datasets.get(cause.dataset) != held:  # another dataset is in the slot now
        return None
    dataset = service.dataset(held)
    if dataset.your_role is None or dataset.secret_id is None:
        return None
    return FindingRepair(kind=cause.dataset, manifest_hash=held, steps=list(steps_of(cause)))


def _trend(service: LabService, lab: str, found: Cause) -> list[CountPoint]:
    """Return the count of the same finding in each of the newest results that are kept; a number that fell, in all."""
    if found.severity is Severity.CHANGE:
        refreshes = service.lists.refreshes(lab)
        return [CountPoint(run_id=one.run_id, at=one.at, count=one.numbers.get(found.subject)) for one in refreshes]
    points, same = [], (found.code, found.subject)
    for result in reversed(service.results(lab)[:MOST_REFRESHES]):
        listed = every(causes_of(results.status_of(service, result)))
        count = next((_count(cause) for cause in listed if (cause.code, cause.subject) == same), None)
        points.append(CountPoint(run_id=result.run_id, at=result.created_at, count=count))
    return points


def _line(trend: list[CountPoint]) -> Line | None:
    values = [point.count if isinstance(point.count, int) else None for point in trend]
    return line_of(values, [False] * len(values)) if sum(value is not None for value in values) > 1 else None


def _reason(lab: LabDefinition, cause: Cause) -> tuple[DatasetKind, str | None] | None:
    """Return which invalid rows a finding is about: the dataset, and the code by which they are found."""
    if cause.dataset is None:
        return None
    if cause.code in ROW_ERRORS:
        return cause.dataset, cause.code
    if cause.code in _OF_ALL_ROWS:
        return cause.dataset, None
    if cause.code in _OF_FORMATS:
        forms = {entry.id_name: entry.id_type.value_format for entry in lab.identifiers_config}
        listed = [forms.get(cause.subject)] if cause.subject in forms else list(forms.values())
        form = next((form for form in listed if form is not None), None)
        return (MATCHING, form.code) if form else None
    return None


def _rows(
    request: Request,
    visitor: Visitor,
    service: LabService,
    record: Recorder,
    lab: LabDefinition,
    result: ResultInfo,
    cause: Cause,
) -> FindingRows | None:
    about = _reason(lab, cause)
    if about is None or not visitor.may(Permission.PRIVATE):
        return None
    kind, reason = about
    page = asked(request, "page", 1, MOST_PAGES)
    try:
        wanted = RowsQuery(result.lab_id, kind, result.run_id, reason)
        found = service.invalid_rows.page(wanted, first=(page - 1) * ROWS_AT_ONCE, count=ROWS_AT_ONCE)
    except UsageError:  # no row has the reason, they are not kept, or the visitor may not use the dataset
        return None
    if not found.matching:
        return None
    record("rows.read", result.lab_id, dataset=kind.value, result=result.run_id, finding=cause.code)
    return FindingRows(
        kind=kind,
        reason=reason,
        numbers=[row.row for row in found.rows],
        paging=paging(request, page, ROWS_AT_ONCE, found.matching),
        kept=found.kept,
        total=found.total,
    )
