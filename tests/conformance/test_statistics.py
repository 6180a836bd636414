"""Every case of tests/conformance/statistics gives the expected statistics, findings and statuses."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from datalab import statistics
from datalab.engines import open_engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, load_lab
from datalab.validation.stream import validate
from tests.commands import datalab

CASES = sorted(path for path in (Path(__file__).parent / "statistics").iterdir() if path.is_dir())
THROUGH_THE_COMMAND = ("p03-three-columns-everything", "p11-nine-segments", "p28-optional-datasets-empty")


def differences(expected: Any, actual: Any, path: str = "$") -> Iterator[str]:
    """Yield where two results differ: findings count by code, texts of messages and reasons do not."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            if key in ("message", "reason") and key in expected and key in actual:
                continue
            if (key in expected) != (key in actual):
                yield f"{path}.{key}: only {'expected' if key in expected else 'found'}"
            else:
                yield from differences(expected[key], actual[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        if (expected and isinstance(expected[0], dict)) or (actual and isinstance(actual[0], dict)):
            codes = [Counter(finding["code"] for finding in side) for side in (expected, actual)]
            if codes[0] != codes[1]:
                yield f"{path}: expected {codes[0]}, got {codes[1]}"
        elif len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} entries, got {len(actual)}"
        else:
            for index, pair in enumerate(zip(expected, actual, strict=True)):
                yield from differences(*pair, f"{path}[{index}]")
    elif isinstance(expected, float) and isinstance(actual, (int, float)):
        if not math.isclose(expected, actual, rel_tol=1e-9, abs_tol=1e-9):
            yield f"{path}: expected {expected}, got {actual}"
    elif expected != actual:
        yield f"{path}: expected {expected!r}, got {actual!r}"


def computed(case: Path, folder: Path) -> dict[str, BaseModel]:
    """Every result of a case, by the name of the file that is expected."""
    lab: LabDefinition = load_lab(case / "lab.json")
    summaries, rows = {}, {}
    for kind in lab.datasets:
        rows[kind] = folder / f"{kind.value}.parquet"
        outcome = validate(case / f"{kind.value}.csv", kind, lab, valid_rows=rows[kind])
        summaries[kind] = statistics.ValidatedDataset.from_report(outcome.report, outcome.facts)
    with open_engine() as engine:
        report = statistics.compute_statistics(lab, rows, summaries, engine)
        legacy = statistics.legacy_statistics(engine, lab, summaries)
    status = statistics.validation_status(lab, summaries, report)
    return {
        "statistics.json": report,
        "statistics-v1.json": legacy,
        "validation-status.json": status,
        "validation-status-legacy.json": status.plain(),
    }


def test_all_cases_are_here() -> None:
    assert len(CASES) == 31


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    for name, result in computed(case, tmp_path).items():
        expected = json.loads((case / "expected" / name).read_bytes())
        assert list(differences(expected, json.loads(result.model_dump_json()))) == [], name


@pytest.mark.parametrize("name", THROUGH_THE_COMMAND)
@pytest.mark.parametrize("version", [1, 2])
def test_case_through_the_graph(name: str, version: int, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    files = [
        word
        for kind in DatasetKind
        if (file := case / f"{kind.value}.csv").exists()
        for word in (f"--{kind.value}", file)
    ]
    run = datalab("preflight", case / "lab.json", *files, "--out", tmp_path, "--statistics-version", version)
    status = json.loads((case / "expected" / "validation-status.json").read_bytes())
    assert run.code == (0 if status["status"] == "SUCCESS" else 1), run.err
    expected_name = "statistics.json" if version == 2 else "statistics-v1.json"
    expected = json.loads((case / "expected" / expected_name).read_bytes())
    assert list(differences(expected, json.loads((tmp_path / "statistics.json").read_bytes()))) == []
    assert list(differences(status, json.loads((tmp_path / "validation-status.json").read_bytes()))) == []
