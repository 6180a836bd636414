"""Results have the vendor's shape, whatever a deployment writes; reports, statistics and both statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from datalab.results.status import DatasetStatus, StatisticsStatus, ValidationStatus
from datalab_dagster.client import Client
from datalab_dagster.data_lab import (
    StatisticsResult,
    StatisticsResultV2,
    ValidationReport,
    ValidationReports,
    parse_statistics_result,
)
from datalab_dagster.data_lab.api import IdentifiersValidationReport, ValidationOutcome
from datalab_dagster.storage import Key
from tests.labs import EMAIL, USER_ID, check_text, make_lab
from tests.sdk.labs import MATCH, identifiers_report, report, two_ids, upload

CASES = sorted((Path(__file__).parents[1] / "conformance" / "statistics").glob("p*"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_plain_status_follows_from_the_enhanced_one(case: Path) -> None:
    enhanced = ValidationStatus.model_validate_json((case / "expected" / "validation-status.json").read_text())
    expected = json.loads((case / "expected" / "validation-status-legacy.json").read_text())
    assert enhanced.plain().model_dump(mode="json") == expected


def test_the_statistics_do_not_make_the_plain_status_fail() -> None:
    fine = DatasetStatus(status="SUCCESS", valid_rows=1, invalid_rows=0)
    statistics = StatisticsStatus(status="FAILED")
    plain = ValidationStatus(status="FAILED", datasets={"identifiers": fine}, statistics=statistics).plain()
    expected = {"status": "SUCCESS", "datasets": {"identifiers": {"status": "SUCCESS"}}}
    assert plain.model_dump(mode="json") == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_statistics_of_both_versions(case: Path) -> None:
    second = (case / "expected" / "statistics.json").read_text()
    assert isinstance(parse_statistics_result(second), StatisticsResultV2)
    first = parse_statistics_result((case / "expected" / "statistics-v1.json").read_bytes())
    assert isinstance(first, StatisticsResult)
    users = first.model_dump()["original_number_of_unique_users"]
    assert list(users) == ["matching", "segments", "demographics", "embeddings", "all"]


@pytest.mark.parametrize("text", ["{}", '{"status": "SUCCESS"}', "[]", "null", '"identifiers_overview"'])
def test_what_is_no_statistics(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Invalid statistics result format$"):
        parse_statistics_result(text)


def test_statistics_that_are_broken() -> None:
    with pytest.raises(json.JSONDecodeError):
        parse_statistics_result("{")
    with pytest.raises(ValidationError):
        parse_statistics_result('{"identifiers_overview": {}}')
    with pytest.raises(ValidationError):
        parse_statistics_result('{"original_number_of_unique_users": 1}')


DIRTY = {
    "segments": "u1,sport\nu1,sport\nu2,\nu3\n",
    "demographics": "u1,18,f\nu1,19,f\n,20,m\n",
    "embeddings": "u1,all,0.5,x\nu2,all,1,2,3\nu3,all,1,2\n",
}


@pytest.mark.parametrize("dataset", DIRTY)
def test_reports_of_dirty_files_keep_every_number(tmp_path: Path, dataset: str) -> None:
    written = check_text(tmp_path, dataset, DIRTY[dataset]).document
    read = ValidationReport.model_validate_json(json.dumps(written))
    dumped = json.loads(json.dumps(read.model_dump()))
    assert {key: value for key, value in dumped["report"].items() if value is not None} == written["report"]
    assert read.report.numInvalidRowsTotal == written["report"]["numInvalidRowsTotal"] > 0
    assert read.report.schema.numErrorsTotal == written["report"]["schema"]["numErrorsTotal"]


def test_hints_are_beside_a_report_and_never_in_it(tmp_path: Path) -> None:
    checked = check_text(tmp_path, "segments", "u1,sport\nu2,news\n(2 rows)\n")
    plain = ValidationReport.model_validate(checked.document)
    hinted = ValidationReport.model_validate(checked.document).with_hints(checked.facts.hints)
    assert plain.hints == () and [hint.code for hint in hinted.hints] == ["FOOTER_ROW"]
    assert hinted.model_dump_json() == plain.model_dump_json()


def test_a_report_of_dirty_identifiers_keeps_every_number(tmp_path: Path) -> None:
    lab = make_lab(USER_ID, EMAIL)
    text = "u1,email,a@x.org\nu1,email,a@x.org\nu2,email,A@X.ORG\n,email,b@x.org\nu3,userId\n"
    written = check_text(tmp_path, "identifiers", text, lab).document
    read = IdentifiersValidationReport.model_validate_json(json.dumps(written))
    assert read.report.invalidRows is not None
    assert read.report.invalidRows.duplicates.totalDuplicates == 1
    assert read.report.invalidRows.invalidIdFormat.totalInvalidIdFormat == 1
    dumped = json.loads(json.dumps(read.model_dump()))["report"]
    for key, value in written["report"].items():
        if key != "config":
            assert dumped[key] == value, key


def reports(**outcomes: str) -> ValidationReports:
    others = {
        name: ValidationReport.model_validate(report(outcome))
        for name, outcome in outcomes.items()
        if name != "identifiers"
    }
    first = IdentifiersValidationReport.model_validate(identifiers_report(outcomes.get("identifiers", "PASSED")))
    return ValidationReports(first, **others)


def test_reports_side_by_side() -> None:
    both = reports(segments="PASSED")
    assert list(both.formatted_reports) == ["identifiers", "segments"]
    assert both.formatted_reports["segments"]["report"]["outcome"] is ValidationOutcome.PASSED
    assert str(both) == both.model_dump_json() == json.dumps(both.formatted_reports, indent=2)
    assert both.demographics is None and both.embeddings is None


@pytest.mark.parametrize("failed", ["identifiers", "segments", "demographics", "embeddings"])
def test_one_failed_report_fails_all(failed: str) -> None:
    kinds = ("identifiers", "segments", "demographics", "embeddings")
    assert reports(**dict.fromkeys(kinds, "PASSED")).is_passed()
    assert not reports(**(dict.fromkeys(kinds, "PASSED") | {failed: "FAILED"})).is_passed()


def test_whether_validation_passed_is_asked_of_plain_dictionaries(quick: Client) -> None:
    lab = two_ids(quick).build()
    passed: dict[str, Any] = {"identifiers": identifiers_report()}
    assert lab.is_validation_passed(passed) is True
    assert lab.is_validation_passed({**passed, "embeddings": report("FAILED")}) is False
    assert lab.is_validation_passed(json.loads(str(reports(segments="PASSED")))) is True
    with pytest.raises(KeyError, match="identifiers"):
        lab.is_validation_passed({"segments": report()})
    with pytest.raises(ValidationError):
        lab.is_validation_passed({"identifiers": {}})


def test_a_report_that_cannot_be_read_is_not_quoted(quick: Client) -> None:
    broken = identifiers_report()
    broken["report"]["invalidRows"] = {"duplicates": {"sampleDuplicateRows": [{"values": "u1, email, a@x.org"}]}}
    with pytest.raises(ValidationError) as error:
        two_ids(quick).build().is_validation_passed({"identifiers": broken})
    assert "a@x.org" not in str(error.value) and "rowNumber" in str(error.value)
    with pytest.raises(ValidationError) as error:
        ValidationReport.model_validate_json(json.dumps({"report": ["u1, email, a@x.org"], "version": "v0"}))
    assert "a@x.org" not in str(error.value)


# ------------------------------------------------------------------------------------------------------- notebooks


def test_a_notebook_shows_state_datasets_and_headline_numbers(quick: Client, memory: Any) -> None:
    from tests.sdk.labs import finish, runs

    lab = two_ids(quick, "Autumn <b>& co").build()
    shown = lab._repr_html_()
    assert "Empty" in shown and "Autumn &lt;b&gt;&amp; co" in shown and "<b>& co" not in shown
    lab.provision_dataset(upload(quick, name="<script>alert(1)</script>"), Key(), MATCH)
    lab.run()
    assert "Validating" in lab._repr_html_()
    finish(memory, runs(memory, lab)[0])
    shown = lab._repr_html_()
    assert "Ready" in shown and "1,234" in shown and "identifiers · distinct user ids" in shown
    assert "<script>" not in shown and "&lt;script&gt;" in shown


def test_a_notebook_shows_that_a_lab_is_gone(quick: Client) -> None:
    lab = two_ids(quick, "Gone <i>").build()
    quick.client_v2.delete_data_lab(lab.id)
    assert "Gone &lt;i&gt;" in lab._repr_html_() and "There is no lab" in lab._repr_html_()
    assert repr(lab) == f"DataLab(id='{lab.id}', name='Gone <i>')"
