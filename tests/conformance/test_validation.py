"""Every case of tests/conformance/validation gives the expected report and rows, or the expected error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datalab.errors import ConfigurationError
from datalab.lab import LabDefinition, lab_from_dict
from datalab.validation import validate_file
from tests.commands import datalab_here
from tests.conformance.compare import report_differences, row_differences, rows_of_csv, rows_of_parquet

CASES = sorted((Path(__file__).parent / "validation").iterdir())
THROUGH_THE_COMMAND = {
    "001_seg_minimal": 0,
    "024_seg_png_file": 1,
    "041_seg_keep_mode_duplicate": 1,
    "080_emb_duplicate_user_and_scope": 0,
    "090_id_duplicates": 0,
    "107_id_config_duplicate_name": 2,
}
"""Case → exit code of `datalab check`."""


def input_file(case: Path) -> Path:
    return next(case.glob("input*"))


def wire_keys(case: Path) -> tuple[str, dict[str, Any]]:
    """The dataset of a case, and a lab with the case's settings."""
    config = json.loads((case / "config.json").read_bytes())
    any_identifiers = [{"idName": "userId", "idType": "STRING", "isMatchingId": True}]
    lab = {
        "identifiersConfig": config["identifiers"] if config["identifiers"] is not None else any_identifiers,
        "numIdentifiersColumns": config["num_identifiers_columns"],
        "numEmbeddings": config["num_embeddings"],
        "dropInvalidRows": config["drop_invalid_rows"],
    }
    return config["dataset"], {key: value for key, value in lab.items() if value is not None}


def expected(case: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((case / "expected.json").read_bytes())
    return document


def test_all_cases_are_here() -> None:
    assert len(CASES) == 107


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    dataset, keys = wire_keys(case)
    if "error" in expected(case):
        assert expected(case)["error"]["kind"] == "config"
        with pytest.raises(ConfigurationError):
            lab_from_dict(keys)
        return
    rows = tmp_path / "valid.parquet"
    report = validate_file(input_file(case), dataset, LabDefinition.model_validate(keys), valid_rows=rows)
    assert not report_differences(expected(case), json.loads(report.model_dump_json(by_alias=True)))
    assert not row_differences(rows_of_csv(case / "expected_valid_rows.csv"), rows_of_parquet(rows))


@pytest.mark.parametrize(("name", "code"), THROUGH_THE_COMMAND.items())
def test_case_through_the_command(name: str, code: int, tmp_path: Path) -> None:
    case = Path(__file__).parent / "validation" / name
    dataset, keys = wire_keys(case)
    lab, report, rows = tmp_path / "LAB.json", tmp_path / "report.json", tmp_path / "valid.parquet"
    lab.write_text(json.dumps(keys))
    ended = datalab_here("check", dataset, input_file(case), "--lab", lab, "--report", report, "--valid-rows", rows)
    assert ended.code == code, ended.err
    if code == 2:
        assert "Duplicate idName" in ended.err
        assert not report.exists()
        return
    assert not report_differences(expected(case), json.loads(report.read_bytes()))
    assert not row_differences(rows_of_csv(case / "expected_valid_rows.csv"), rows_of_parquet(rows))


def test_the_comparison_sees_every_difference_but_free_reasons() -> None:
    def schema(message: str) -> dict[str, Any]:
        return {"recordedErrors": [{"message": message, "row": 0}]}

    gzip = "Could not decompress the uploaded gzip stream: {}. The file may be corrupted or truncated."
    assert not report_differences(schema(gzip.format("one")), schema(gzip.format("another")))
    assert report_differences(schema(gzip.format("one")), schema(gzip.format("one") + " "))
    assert report_differences(schema("Expected text"), schema("Expected texts"))
    assert report_differences({"a": 1}, {"a": True}) and report_differences({"a": 1}, {"a": 1.0})
    assert report_differences({"a": None}, {}) and report_differences({}, {"a": None})
    assert report_differences([1, 2], [2, 1]) and report_differences([1], [1, 2])
    assert not report_differences({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert row_differences([["a"], ["1"]], [["a"], ["2"]]) and row_differences([["a"]], [["b"]])
