"""Plain and enhanced validation status, with and without statistics, and what a report is summarised to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import Finding
from datalab.results.validation import IdentifiersValidationReport, ValidationReport
from datalab.statistics import ValidatedDataset, compute_statistics, validation_status

K = DatasetKind
GOOD = ValidatedDataset(total_rows=10, valid_rows=9, invalid_rows_by_reason={"EMPTY_CELL": 1})
EMPTY = ValidatedDataset(total_rows=4, valid_rows=0, invalid_rows_by_reason={"EMPTY_CELL": 4})
BROKEN = ValidatedDataset(
    outcome="FAILED", total_rows=0, valid_rows=0, file_errors=[Finding(code="GZIP_DECODE_ERROR", message="damaged")]
)
STRICT = ValidatedDataset(
    outcome="FAILED", total_rows=7, valid_rows=0, invalid_rows_by_reason={"EMPTY_CELL": 1, "DUPLICATE_VALUES": 2}
)


def summaries(**other: ValidatedDataset) -> dict[DatasetKind, ValidatedDataset]:
    return {kind: other.get(kind.value, GOOD) for kind in DatasetKind}


@pytest.mark.parametrize(
    ("other", "failed", "codes"),
    [
        ({}, None, []),
        ({"identifiers": EMPTY}, "identifiers", ["EMPTY_DATASET"]),
        ({"segments": EMPTY}, "segments", ["EMPTY_DATASET"]),
        ({"demographics": EMPTY}, None, []),
        ({"embeddings": EMPTY}, None, []),
        ({"demographics": BROKEN}, "demographics", ["GZIP_DECODE_ERROR"]),
        ({"segments": STRICT}, "segments", ["EMPTY_CELL", "DUPLICATE_VALUES"]),
        ({"identifiers": BROKEN}, "identifiers", ["GZIP_DECODE_ERROR"]),
    ],
)
def test_which_datasets_fail(
    make_lab: Callable[..., LabDefinition], other: dict[str, ValidatedDataset], failed: str | None, codes: list[str]
) -> None:
    lab, given = make_lab(), summaries(**other)
    enhanced = validation_status(lab, given)
    plain = enhanced.plain().model_dump(mode="json")
    assert plain["status"] == ("FAILED" if failed else "SUCCESS")
    assert {name for name, dataset in plain["datasets"].items() if dataset["status"] == "FAILED"} == {failed} - {None}
    assert {name for name, dataset in plain["datasets"].items() if "reason" in dataset} == {failed} - {None}
    assert enhanced.status == plain["status"]
    assert "statistics" not in enhanced.model_dump()
    for name, dataset in enhanced.datasets.items():
        assert dataset.status == plain["datasets"][name]["status"]
        assert [error.code for error in dataset.errors] == (codes if name == failed else [])
        summary = given[DatasetKind(name)]
        assert (dataset.valid_rows, dataset.invalid_rows) == (
            summary.valid_rows,
            summary.total_rows - summary.valid_rows,
        )


def test_only_datasets_of_the_lab_that_are_provisioned(make_lab: Callable[..., LabDefinition]) -> None:
    lab = make_lab(requireEmbeddings=False)
    assert list(validation_status(lab, summaries()).plain().datasets) == ["identifiers", "segments", "demographics"]
    assert list(validation_status(lab, {K.SEGMENTS: GOOD}).datasets) == ["segments"]


def test_statistics_take_part_in_the_enhanced_status(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any], summarise: Callable[..., Any]
) -> None:
    lab, rows = make_lab(), make_rows()
    given = summarise(rows)
    statistics = compute_statistics(lab, rows, given, engine)
    assert statistics.status == "FAILED"
    status = validation_status(lab, given, statistics).model_dump(mode="json")
    assert status["status"] == "FAILED"
    assert {dataset["status"] for dataset in status["datasets"].values()} == {"SUCCESS"}
    assert status["statistics"]["status"] == "FAILED"
    assert [error["code"] for error in status["statistics"]["data_errors"]] == [
        "TOO_FEW_SEGMENTS",
        "TOO_FEW_EMBEDDINGS",
    ]
    fine = statistics.model_copy(update={"status": "SUCCESS", "data_errors": []})
    assert validation_status(lab, given, fine).status == "SUCCESS"


def report(**keys: Any) -> ValidationReport:
    return ValidationReport.model_validate({"report": {"outcome": "PASSED", **keys}})


def test_summary_of_a_report() -> None:
    summary = ValidatedDataset.from_report(
        report(
            numRowsTotal=5, numInvalidRowsTotal=3, numInvalidRowsByErrorCode={"EMPTY_CELL": 2, "DUPLICATE_VALUES": 1}
        )
    )
    assert (summary.total_rows, summary.valid_rows, summary.invalid_rows) == (5, 2, 3)
    assert summary.invalid_rows_by_reason == {"EMPTY_CELL": 2, "DUPLICATE_VALUES": 1}
    assert summary.file_errors == []


def test_summary_of_a_report_that_failed_because_rows_are_kept() -> None:
    short = {"code": "NOT_ENOUGH_COLUMNS_PROVIDED", "message": "too few", "row": 1}
    summary = ValidatedDataset.from_report(
        report(
            outcome="FAILED",
            numRowsTotal=5,
            numInvalidRowsTotal=1,
            numInvalidRowsByErrorCode={"NOT_ENOUGH_COLUMNS_PROVIDED": 1},
            schema={"numErrorsTotal": 1, "recordedErrors": [short]},
        )
    )
    assert (summary.valid_rows, summary.invalid_rows) == (0, 5)
    assert summary.file_errors == []


def test_summary_of_an_identifiers_report_with_an_error_of_the_whole_file() -> None:
    wrong = {"code": "INVALID_FILE_TYPE", "message": "Expected text/CSV", "row": 0}
    summary = ValidatedDataset.from_report(
        IdentifiersValidationReport.model_validate(
            {
                "report": {
                    "outcome": "FAILED",
                    "config": [],
                    "schema": {"numErrorsTotal": 2, "recordedErrors": [wrong, wrong]},
                }
            }
        )
    )
    assert summary.file_errors == [Finding(code="INVALID_FILE_TYPE", message="Expected text/CSV")]
    assert (summary.total_rows, summary.valid_rows) == (0, 0)


def test_summary_of_an_identifiers_report() -> None:
    summary = ValidatedDataset.from_report(
        IdentifiersValidationReport.model_validate(
            {"report": {"outcome": "PASSED", "config": [], "numRowsTotal": 9, "numValidRows": 4}}
        )
    )
    assert (summary.total_rows, summary.valid_rows, summary.invalid_rows) == (9, 4, 5)
