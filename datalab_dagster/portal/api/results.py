"""Routes of results: history, the files of one result, the private validation reports, and zips with the vendor's
names."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from datalab.kinds import DatasetKind
from datalab.results import files
from datalab.results.files import ResultFile
from datalab.results.validation import Hint
from datalab_dagster.portal.access import Insider, Reader, Record, Service
from datalab_dagster.portal.api.values import LabName, ResultId, attachment, run_of
from datalab_dagster.portal.security import DASHBOARD_POLICY
from datalab_dagster.service import ResultInfo, ResultNotFound

router = APIRouter(prefix="/labs/{lab}/results", tags=["results"])
_ANY_JSON: dict[str, Any] = {"content": {"application/json": {"schema": {}}}}
_FILE: dict[str, Any] = {"content": {"application/json": {"schema": {}}, "text/html": {"schema": {"type": "string"}}}}
_ZIP: dict[str, Any] = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}

Download = Annotated[bool, Query(description="Let a browser save it")]


class FileName(StrEnum):
    """A shareable file of a result: aggregates only."""

    STATISTICS = files.STATISTICS.name
    STATUS = files.VALIDATION_STATUS.name
    DASHBOARD = files.DASHBOARD.name
    COMPARISON = files.COMPARISON.name


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
