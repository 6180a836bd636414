"""Routes of results: history, the files of one result, the private validation reports, and zips with the vendor's
names."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from starlette.responses import StreamingResponse

from datalab.kinds import DatasetKind
from datalab.results import files
from datalab.results.files import ResultFile
from datalab.results.validation import Hint
from datalab_dagster.portal.access import Insider, Reader, Record, Recorder, Service
from datalab_dagster.portal.api.values import CURRENT, LabName, ResultId, attachment, pieces, run_of
from datalab_dagster.portal.security import DASHBOARD_POLICY
from datalab_dagster.service import InvalidRowsInfo, LabService, ResultInfo, ResultNotFound, RowsQuery
from datalab_dagster.service.invalid_rows import MOST_PAGE_ROWS, PAGE_ROWS

router = APIRouter(prefix="/labs/{lab}/results", tags=["results"])
_ANY_JSON: dict[str, Any] = {"content": {"application/json": {"schema": {}}}}
_FILE: dict[str, Any] = {"content": {"application/json": {"schema": {}}, "text/html": {"schema": {"type": "string"}}}}
_ZIP: dict[str, Any] = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}

_CSV: dict[str, Any] = {"content": {"text/csv": {"schema": {"type": "string"}}}}

Reason = Annotated[str | None, Query(max_length=100, description="Only rows that are invalid for this reason, a code")]
Download = Annotated[bool, Query(description="Let a browser save it")]


class FileName(StrEnum):
    """A shareable file of a result: aggregates only."""

    STATISTICS = files.STATISTICS.name
    STATUS = files.VALIDATION_STATUS.name
    DASHBOARD = files.DASHBOARD.name
    COMPARISON = files.COMPARISON.name
    MATCHABLE_USERS = files.MATCHABLE_USERS.name


class ZipName(StrEnum):
    """A file of a result as the vendor returns it: alone in a zip."""

    STATISTICS = files.STATISTICS.zip_name
    STATUS = files.VALIDATION_STATUS.zip_name


@router.get("")
def list_results(lab: LabName, visitor: Reader, service: Service) -> list[ResultInfo]:
    """Return the results that are kept, the newest first."""
    return service.results(lab)


@router.get("/current")
def current_result(lab: LabName, visitor: Reader, service: Service) -> ResultInfo:
    """Return the newest result of exactly the datasets provisioned now."""
    result = service.current_result(lab)
    if result is None:
        raise ResultNotFound(lab, "current result")
    return result


@router.get("/{result}/files/{name}", response_class=Response, responses={200: _FILE})
def result_file(
    lab: LabName, result: ResultId, name: FileName, visitor: Reader, service: Service, download: Download = False
) -> Response:
    """Return a file of aggregates."""
    return file_answer(
        files.AGGREGATES[name.value], service.result_file(lab, name.value, run_id=run_of(result)), download=download
    )


@router.get("/{result}/{name}", response_class=Response, responses={200: _ZIP})
def result_zip(lab: LabName, result: ResultId, name: ZipName, visitor: Reader, service: Service) -> Response:
    """Return a file of aggregates as a zip."""
    file = next(file for file in files.AGGREGATES.values() if file.zip_name == name.value)
    return zip_answer(file, service.result_file(lab, file.name, run_id=run_of(result)))


@router.get("/{result}/reports/{kind}", response_class=Response, responses={200: _ANY_JSON})
def validation_report(
    lab: LabName,
    result: ResultId,
    kind: DatasetKind,
    visitor: Insider,
    service: Service,
    record: Record,
    download: Download = False,
) -> Response:
    """Return the private validation report of a dataset, which contains sample values of rows."""
    report = service.validation_report(lab, kind, run_id=run_of(result))
    record("report.read", service.lab(lab).id, dataset=kind.value, result=result)
    return file_answer(files.VALIDATION_REPORT, report, download=download)


@router.get("/{result}/reports/{kind}/hints")
def report_hints(lab: LabName, result: ResultId, kind: DatasetKind, visitor: Insider, service: Service) -> list[Hint]:
    """Return what a dataset's report counts but does not explain; no value of a row."""
    return service.hints(lab, kind, run_id=run_of(result))


@router.get(
    "/{result}/reports/{kind}/" + files.VALIDATION_REPORT.zip_name, response_class=Response, responses={200: _ZIP}
)
def validation_report_zip(
    lab: LabName, result: ResultId, kind: DatasetKind, visitor: Insider, service: Service, record: Record
) -> Response:
    """Return the private validation report of a dataset as a zip."""
    report = service.validation_report(lab, kind, run_id=run_of(result))
    record("report.read", service.lab(lab).id, dataset=kind.value, result=result)
    return zip_answer(files.VALIDATION_REPORT, report)


def _wanted_rows(lab: LabName, result: ResultId, kind: DatasetKind, reason: Reason = None) -> RowsQuery:
    return RowsQuery(lab, kind, run_of(result), reason)


WantedRows = Annotated[RowsQuery, Depends(_wanted_rows)]


@router.get("/{result}/rows/{kind}")
def invalid_rows(
    wanted: WantedRows,
    visitor: Insider,
    service: Service,
    record: Record,
    first: Annotated[int, Query(ge=0, le=2**53, description="How many rows come before")] = 0,
    count: Annotated[int, Query(ge=1, le=MOST_PAGE_ROWS)] = PAGE_ROWS,
) -> InvalidRowsInfo:
    """Return some of the invalid rows of a dataset, with their values; private."""
    rows = service.invalid_rows.page(wanted, first=first, count=count)
    record("rows.read", rows.lab_id, dataset=rows.kind.value, result=rows.run_id)
    return rows


@router.get("/{result}/rows/{kind}/download", response_class=StreamingResponse, responses={200: _CSV})
def download_invalid_rows(wanted: WantedRows, visitor: Insider, service: Service, record: Record) -> StreamingResponse:
    """Return all invalid rows of a dataset as CSV; an apostrophe stands before what a spreadsheet could run."""
    return rows_answer(service, record, wanted)


def rows_answer(service: LabService, record: Recorder, wanted: RowsQuery) -> StreamingResponse:
    """Return the answer with all invalid rows of a dataset, as they are read; nothing on the way keeps it."""
    lab_id = service.lab(wanted.lab).id
    rows = service.invalid_rows.csv(wanted)
    record("rows.download", lab_id, dataset=wanted.kind.value, result=wanted.run_id or CURRENT)
    headers = {
        "Content-Disposition": attachment(f"{lab_id}-{wanted.kind.value}-invalid-rows.csv"),
        "Cache-Control": "no-store",
    }
    return StreamingResponse(pieces(rows), media_type="text/csv; charset=utf-8", headers=headers)


def file_answer(file: ResultFile, data: bytes, *, download: bool = False) -> Response:
    """Return the answer with a file; a dashboard runs its own scripts, in a separate origin."""
    headers = {"Content-Disposition": attachment(file.name)} if download else {}
    if file.media_type == files.HTML:
        headers["Content-Security-Policy"] = DASHBOARD_POLICY
    return Response(data, media_type=file.media_type, headers=headers)


def zip_answer(file: ResultFile, data: bytes) -> Response:
    """Return the answer with a zip that contains one file."""
    headers = {"Content-Disposition": attachment(file.zip_name)}
    return Response(file.zipped(data), media_type="application/zip", headers=headers)
