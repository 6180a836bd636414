"""A preflight from Python checks files against whatever describes a lab, without a deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datalab.errors import ConfigurationError, InputMissing, UsageError
from datalab_dagster.client import Client
from datalab_dagster.data_lab import preflight
from tests.sdk.labs import DEMOGRAPHICS, two_ids, write_files

LAB: dict[str, Any] = {
    "name": "Small",
    "identifiersConfig": [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "email", "idType": "EMAIL", "isMatchingId": True},
    ],
    "collaborationTypes": ["OVERLAP", "REMARKETING"],
    "requireDemographics": True,
}


def test_files_are_checked_and_nothing_is_kept(quick: Client, tmp_path: Path) -> None:
    files = write_files(tmp_path)
    before = sorted(tmp_path.iterdir())
    builder = two_ids(quick).with_demographics()
    found = preflight(builder, files["identifiers"], demographics_data_path=files["demographics"])
    assert list(found.validation_reports.formatted_reports) == ["identifiers", "demographics"]
    assert found.validation_reports.is_passed()
    assert found.statistics["basic_statistics"]["identifiers"]["distinct_user_ids"] == 2
    assert found.status["datasets"]["demographics"]["valid_rows"] == 2
    assert found.out is None and sorted(tmp_path.iterdir()) == before
    assert quick.service.labs() == [], "a preflight makes no lab"


def test_a_broken_file_is_reported_and_results_are_kept_where_said(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    Path(files["demographics"]).write_text(DEMOGRAPHICS + "u3\n")
    found = preflight(
        {**LAB, "dropInvalidRows": False}, files["identifiers"], None, files["demographics"], out=tmp_path / "out"
    )
    assert not found.passed
    assert found.validation_reports.formatted_reports["demographics"]["report"]["numInvalidRowsTotal"] == 1
    assert json.loads((tmp_path / "out" / "validation-status.json").read_text())["status"] == "FAILED"


def test_what_does_not_match_is_refused_before_anything_is_read(quick: Client, tmp_path: Path) -> None:
    files = write_files(tmp_path)
    with pytest.raises(UsageError, match="demographics"):
        preflight(LAB, files["identifiers"])
    with pytest.raises(UsageError, match="segments"):
        preflight(two_ids(quick).config(), files["identifiers"], files["segments"])
    with pytest.raises(InputMissing):
        preflight(two_ids(quick).build(), tmp_path / "nowhere.csv")
    with pytest.raises(InputMissing):
        preflight(tmp_path / "LAB.json", files["identifiers"])
    with pytest.raises(ConfigurationError, match="identifiersConfig"):
        preflight({}, files["identifiers"])
    with pytest.raises(Exception, match="Matching data path is required"):
        preflight(LAB, " ")
