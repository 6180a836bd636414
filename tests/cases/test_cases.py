"""Each folder is a file as people bring it: what they do with it, and what the product must answer.

`case.json` says what a person did and what is expected; docs/spec/cases.md lists all kinds.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from datalab.ingest.recognise import recognise
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, lab_from_dict, load_lab
from datalab.statistics import ValidatedDataset
from datalab.validation.stream import validate
from tests.commands import Ended, datalab_here
from tests.conformance.compare import rows_of_parquet

HERE = Path(__file__).parent
ONE_ID = {"identifiersConfig": [{"idName": USER_ID, "idType": "STRING", "isMatchingId": True}]}
NOT_SURE = {"01-extra-column", "09-login-page"}


def cases() -> dict[str, dict[str, Any]]:
    """Return every case by the name of its folder."""
    found = sorted(HERE.glob("*/case.json"))
    return {path.parent.name: json.loads(path.read_text("utf-8")) for path in found}


def files(name: str, case: dict[str, Any]) -> dict[DatasetKind, Path]:
    """Return the files of a case by their datasets."""
    one = {case["dataset"]: case["file"]} if "file" in case else {}
    found = {DatasetKind(kind): HERE / name / file for kind, file in (one | case.get("files", {})).items()}
    drop = sorted((HERE / name / "drop").glob("*.csv"))
    return found | ({DatasetKind(case["dataset"]): drop[0]} if drop else {})


CASES = cases()
ALL = [(name, kind, path) for name, case in CASES.items() for kind, path in files(name, case).items()]
CHECKS = [name for name, case in CASES.items() if case["command"] == "check"]
PREFLIGHTS = [name for name, case in CASES.items() if case["command"] == "preflight"]


def test_there_are_eighteen_cases() -> None:
    assert len(CASES) == 18
    assert {case["command"] for case in CASES.values()} == {"check", "preflight", "drop zone"}


@pytest.mark.parametrize(("name", "kind", "path"), ALL, ids=lambda value: getattr(value, "name", value))
def test_the_kind_is_recognised(name: str, kind: DatasetKind, path: Path) -> None:
    facts = recognise(path.read_bytes(), is_whole=True)
    assert facts.kind is (None if name in NOT_SURE else kind)
    assert facts.no_dataset is None


@pytest.mark.parametrize(("name", "kind", "path"), ALL, ids=lambda value: getattr(value, "name", value))
def test_the_report_counts_as_the_peer_does(name: str, kind: DatasetKind, path: Path) -> None:
    expected = CASES[name].get("report", {}).get(kind.value)
    if expected is None:
        pytest.skip("the case says nothing of a report")
    definition = HERE / name / "LAB.json"
    outcome = validate(path, kind, load_lab(definition) if definition.exists() else lab_from_dict(ONE_ID))
    dataset = ValidatedDataset.from_report(outcome.report, outcome.facts)
    assert not expected["fileErrors"] and not dataset.file_errors
    assert (dataset.total_rows, dataset.valid_rows) == (expected["rows"], expected["validRows"])
    assert dataset.invalid_rows_by_reason == expected["invalidRowsByReason"]


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_of_the_file_says_what_is_wrong(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    definition = HERE / name / "LAB.json"
    lab = ["--lab", definition] if definition.exists() else []
    rows = tmp_path / "rows.parquet"
    command = ["check", case["dataset"], HERE / name / case["file"], *lab, *case["options"], "--valid-rows", rows]
    shown, told = datalab_here(*command), datalab_here(*command, "--json")
    assert (shown.code, told.code) == (case["exit"], case["exit"])
    hints = [hint["message"] for hint in told.json["hints"]]
    expect_hints(case, hints)
    assert [line for line in hints_in(shown) if line not in hints] == []
    assert len(hints_in(shown)) == len(hints)
    if "valid_rows" in case:
        assert rows_of_parquet(rows)[1:] == case["valid_rows"]


@pytest.mark.parametrize("name", PREFLIGHTS)
def test_a_preflight_says_what_is_wrong_and_shows_nothing_it_must_not(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    given = [text for kind, path in files(name, case).items() for text in (f"--{kind.value}", path)]
    command = ["preflight", HERE / name / "LAB.json", *given, *case["options"], "--out"]
    shown, told = datalab_here(*command, tmp_path / "1"), datalab_here(*command, tmp_path / "2", "--json")
    assert (shown.code, told.code) == (case["exit"], case["exit"])
    hints = [hint["message"] for dataset in told.json["datasets"].values() for hint in dataset["hints"]]
    expect_hints(case, hints)
    assert len(hints_in(shown)) == len(hints)
    results = {path.name: path.read_text("utf-8") for path in (tmp_path / "1").iterdir() if path.is_file()}
    results["terminal"] = shown.out + shown.err + told.out + told.err
    for place, texts in case.get("must_not_show", {}).items():
        assert [text for text in texts if text in results[place]] == [], place
    for place, texts in case.get("must_show", {}).items():
        assert [text for text in texts if text not in results[place]] == [], place


def expect_hints(case: dict[str, Any], hints: list[str]) -> None:
    """Compare hints with what a case wants: every pattern in one of them, or none at all."""
    if case["hint_contains"] is None:
        assert hints == []
    for pattern in case["hint_contains"] or ():
        assert any(re.search(pattern, hint, re.IGNORECASE) for hint in hints), (pattern, hints)
    for text in case.get("hint_lacks", ()):
        assert not any(text in hint for hint in hints)


def hints_in(ended: Ended) -> list[str]:
    """Return the hints that the terminal shows."""
    return [line.strip().removeprefix("hint: ") for line in ended.out.splitlines() if line.strip().startswith("hint: ")]
