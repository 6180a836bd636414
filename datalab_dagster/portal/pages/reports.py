"""The private validation reports of a lab as pages: outcome, counts per error code, samples; for publishers only."""

from __future__ import annotations

import contextlib
from typing import Literal

from fastapi import Request, Response
from pydantic import Field

from datalab.codes import explain
from datalab.dashboard.states import rows_words
from datalab.formats import share
from datalab.kinds import KINDS, DatasetKind, ReportForm
from datalab.lab import LabDefinition
from datalab.results.files import VALIDATION_REPORT
from datalab.results.statistics import Finding
from datalab.results.validation import (
    AnyValidationReport,
    Hint,
    IdentifiersValidationReport,
    IdentifiersValidationReportV0,
    ValidationReport,
    ValidationReportV0,
)
from datalab.statistics.datasets import ValidatedDataset
from datalab.statistics.slots import RowsState, rows_state
from datalab.statistics.tables import ratio
from datalab_dagster.portal.access import Insider, Record, Service
from datalab_dagster.portal.pages import results
from datalab_dagster.portal.pages.lab import LabTab, head_of
from datalab_dagster.portal.pages.page import render
from datalab_dagster.service import LabService, ResultInfo, ResultNotFound
from datalab_dagster.service.models import ServiceModel

MAX_SAMPLES = 50
"""Maximum number of samples shown per group; the downloaded report may contain more."""


class CodeCount(ServiceModel):
    """The number of rows with an error code."""

    code: str
    words: str
    rows: int
    share: str
    """Share of all rows."""


class Sample(ServiceModel):
    """One row or cell that is wrong; rows count from 0, as in the report."""

    row: int
    column: str
    text: str


class Samples(ServiceModel):
    """Some of the rows with one kind of problem."""

    title: str
    total: int
    rows: list[Sample]


class FileProblem(ServiceModel):
    """Why a whole file could not be read."""

    code: str
    title: str
    message: str
    advice: str


class ReportSummary(ServiceModel):
    """A validation report, for display."""

    kind: DatasetKind
    kept: bool
    """Whether the report still exists; it is deleted with the key of its dataset."""
    outcome: Literal["PASSED", "FAILED"] | None = None
    rows_state: RowsState | None = None
    rows_words: str = ""
    """How much of the file is valid."""
    dataset_name: str = ""
    file_type: str = ""
    size: int | None = None
    rows: int = 0
    valid_rows: int = 0
    invalid_rows: int = 0
    codes: list[CodeCount] = Field(default_factory=list)
    file_problems: list[FileProblem] = Field(default_factory=list)
    samples: list[Samples] = Field(default_factory=list)
    hints: list[Hint] = Field(default_factory=list)
    """What the report counts but does not explain."""


class ReportsPage(LabTab):
    """All validation reports of one result."""

    result: ResultInfo | None
    reports: list[ReportSummary]


def show(lab: str, request: Request, visitor: Insider, service: Service, record: Record) -> Response:
    """The reports of the current result, or of that of `?run=`."""
    del visitor
    info = service.lab(lab)
    result = results.result_of(service, info.id, request.query_params.get("run"))
    summaries = [_summary(service, info.definition, result, kind) for kind in result.datasets] if result else []
    if result:
        record("report.read", info.id, run=result.run_id)
    summaries.sort(key=lambda summary: list(DatasetKind).index(summary.kind))
    return render(request, "reports.html.j2", ReportsPage(**head_of(service, info), result=result, reports=summaries))


def file(lab: str, kind: str, request: Request, visitor: Insider, service: Service, record: Record) -> Response:
    """Downloads a report unchanged."""
    del visitor
    info = service.lab(lab)
    if kind not in set(DatasetKind):
        raise ResultNotFound(info.id, "validation report of this name")
    content = service.validation_report(info.id, DatasetKind(kind), run_id=request.query_params.get("run"))
    record("report.download", info.id, kind=kind)
    name = f"{info.id}-{kind}-{VALIDATION_REPORT.name}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="application/json")


def _summary(service: LabService, lab: LabDefinition, result: ResultInfo, kind: DatasetKind) -> ReportSummary:
    try:
        text = service.validation_report(result.lab_id, kind, run_id=result.run_id)
    except ResultNotFound:
        return ReportSummary(kind=kind, kept=False)
    model = IdentifiersValidationReport if KINDS[kind].report_form is ReportForm.IDS else ValidationReport
    summary = summarised(kind, model.model_validate_json(text), lab)
    with contextlib.suppress(ResultNotFound):  # deleted meanwhile
        hints = service.hints(result.lab_id, kind, run_id=result.run_id)
        return summary.model_copy(update={"hints": hints})
    return summary


def summarised(kind: DatasetKind, report: AnyValidationReport, lab: LabDefinition) -> ReportSummary:
    """Return the content of a report, the most frequent problem first."""
    inner = report.report
    facts = ValidatedDataset.from_report(report)
    state = rows_state(facts.outcome, facts.total_rows, facts.valid_rows)
    counts = sorted(inner.num_invalid_rows_by_error_code.items(), key=lambda item: -item[1])
    samples = (
        _identifier_samples(inner)
        if isinstance(inner, IdentifiersValidationReportV0)
        else _cell_samples(inner, kind, lab)
    )
    return ReportSummary(
        kind=kind,
        kept=True,
        outcome=facts.outcome,
        rows_state=state,
        rows_words=rows_words(state, facts.total_rows, facts.valid_rows),
        file_type=inner.detected_file_type or "",
        size=inner.original_file_size_bytes,
        rows=facts.total_rows,
        valid_rows=facts.valid_rows,
        invalid_rows=facts.invalid_rows,
        codes=[
            CodeCount(code=code, words=explain(code).label, rows=rows, share=share(ratio(rows, facts.total_rows)))
            for code, rows in counts
            if rows
        ],
        file_problems=[_file_problem(error) for error in facts.file_errors],
        samples=[*_widths(inner), *samples],
    )


def _file_problem(error: Finding) -> FileProblem:
    words = explain(error.code)
    return FileProblem(code=error.code, title=words.meaning, message=error.message, advice=words.advice)


def _widths(report: ValidationReportV0 | IdentifiersValidationReportV0) -> list[Samples]:
    """Return the rows of the wrong width; errors of the whole file are shown separately."""
    found = [
        Sample(row=error.row, column="", text=explain(error.code).label)
        for error in report.schema_.recorded_errors
        if error.code.endswith("_COLUMNS_PROVIDED")
    ]
    if not found:
        return []
    return [Samples(title="Wrong number of columns", total=report.schema_.num_errors_total, rows=found[:MAX_SAMPLES])]


def _identifier_samples(report: IdentifiersValidationReportV0) -> list[Samples]:
    rows = report.invalid_rows
    groups = (
        ("Missing values", rows.missing_values.total_missing_values, rows.missing_values.sample_missing_values),
        (
            "Invalid userId",
            rows.invalid_user_id_format.total_invalid_user_id_format,
            rows.invalid_user_id_format.sample_invalid_user_id_format,
        ),
        (
            "Invalid id",
            rows.invalid_id_format.total_invalid_id_format,
            rows.invalid_id_format.sample_invalid_id_format,
        ),
        ("Duplicates", rows.duplicates.total_duplicates, rows.duplicates.sample_duplicate_rows),
    )
    return [
        Samples(
            title=title,
            total=total,
            rows=[Sample(row=sample.row_number, column="", text=sample.values) for sample in samples[:MAX_SAMPLES]],
        )
        for title, total, samples in groups
        if total
    ]


def _cell_samples(report: ValidationReportV0, kind: DatasetKind, lab: LabDefinition) -> list[Samples]:
    """Return the wrong cells by column; numbered columns, which may be many, are one group."""
    columns, numbered = KINDS[kind].file_columns(lab), KINDS[kind].numbered
    found: dict[str, Samples] = {}
    for column in report.columns:
        name = columns[min(column.column, len(columns) - 1)].file_name
        together = numbered if column.column >= len(KINDS[kind].columns) else None
        title = f"{together.what.capitalize()} values" if together else f"Column {name}"
        group = found.get(title, Samples(title=title, total=0, rows=[]))
        rows = [Sample(row=error.location.row, column=name, text=error.message) for error in column.recorded_errors]
        found[title] = Samples(
            title=title, total=group.total + column.num_errors_total, rows=[*group.rows, *rows][:MAX_SAMPLES]
        )
    groups = [group for group in found.values() if group.total]
    if report.uniqueness and report.uniqueness.num_errors_total:
        rows = [
            Sample(row=error.location.row, column="", text=explain(error.code).label)
            for error in report.uniqueness.recorded_errors[:MAX_SAMPLES]
        ]
        groups.append(Samples(title="Duplicates", total=report.uniqueness.num_errors_total, rows=rows))
    return groups
