"""Each folder is a file as people bring it: what it is recognised as, and what its report counts.

`case.json` says what a person did and what is expected; docs/spec/cases.md lists all kinds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datalab.ingest.recognise import recognise
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, lab_from_dict, load_lab
from datalab.statistics import ValidatedDataset
from datalab.validation.stream import validate

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


ALL = [(name, kind, path) for name, case in cases().items() for kind, path in files(name, case).items()]


def test_there_are_eighteen_cases() -> None:
    assert len(cases()) == 18


@pytest.mark.parametrize(("name", "kind", "path"), ALL, ids=lambda value: getattr(value, "name", value))
def test_the_kind_is_recognised(name: str, kind: DatasetKind, path: Path) -> None:
    facts = recognise(path.read_bytes(), is_whole=True)
    assert facts.kind is (None if name in NOT_SURE else kind)
    assert facts.no_dataset is None


@pytest.mark.parametrize(("name", "kind", "path"), ALL, ids=lambda value: getattr(value, "name", value))
def test_the_report_counts_as_the_peer_does(name: str, kind: DatasetKind, path: Path) -> None:
    expected = cases()[name].get("report", {}).get(kind.value)
    if expected is None:
        pytest.skip("the case says nothing of a report")
    definition = HERE / name / "LAB.json"
    outcome = validate(path, kind, load_lab(definition) if definition.exists() else lab_from_dict(ONE_ID))
    dataset = ValidatedDataset.from_report(outcome.report, outcome.facts)
    assert not expected["fileErrors"] and not dataset.file_errors
    assert (dataset.total_rows, dataset.valid_rows) == (expected["rows"], expected["validRows"])
    assert dataset.invalid_rows_by_reason == expected["invalidRowsByReason"]
