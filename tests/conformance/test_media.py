"""Every room of tests/conformance/media gives the expected results; 01 is the worked example of the specification."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.compare_media import differences
from tests.rooms import answers, command, files_of, room_of

CASES = sorted((Path(__file__).parent / "media").iterdir())
EXIT_CODES = {"01": 1, "08": 1}
"""Case → exit code of `datalab media preflight`: too few segments for a lab to be Ready."""


def test_all_cases_are_here() -> None:
    assert len(CASES) == 6


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    found = answers(room_of(case), files_of(case), tmp_path, case)
    assert list(differences(json.loads((case / "expected.json").read_bytes()), found)) == []


@pytest.mark.parametrize(("name", "code"), EXIT_CODES.items())
def test_case_through_the_command(name: str, code: int, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    out = tmp_path / "out"
    ended = command(case / "case.json", files_of(case), out, "--scores", case)
    assert ended.code == code, ended.err
    found = json.loads((out / "results.json").read_bytes())
    assert list(differences(json.loads((case / "expected.json").read_bytes()), found)) == []
    assert out.stat().st_mode & 0o777 == 0o700
    assert (out / "seed" / "validation-report.json").exists() and (out / "validation-status.json").exists()


def test_the_comparison_sees_every_difference_but_the_last_digit_of_a_curve() -> None:
    def statistics(auc: float, users: float) -> dict[str, object]:
        return {"lookalike_statistics": {"a": {"seed_audience_size": users, "quality": {"roc_curve": {"auc": auc}}}}}

    assert not list(differences(statistics(0.5, 100), statistics(0.501, 100)))
    assert list(differences(statistics(0.5, 100), statistics(0.502, 100)))
    assert list(differences(statistics(0.5, 100), statistics(0.5, 200)))
    assert list(differences(statistics(0.5, 100), statistics(0.5, 100.0)))
    assert list(differences({"a": None}, {})) and list(differences({}, {"a": None}))
    assert list(differences({"a": [1, 2]}, {"a": [2, 1]})) and list(differences({"a": [1]}, {"a": [1, 2]}))
    assert not list(differences({"insights": {}}, {"insights": {"id": "x"}})) and list(differences({}, {"id": "x"}))
