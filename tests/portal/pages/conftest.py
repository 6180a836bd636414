"""People who are signed in with a browser, and labs with results of the conformance cases."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from datalab.deployment import Deployment, addresses
from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.registry import NewResult, Registry
from datalab.registry.accounts import Role
from datalab.results.statistics import StatisticsResultV2
from datalab.results.validation import DatasetFacts
from datalab.statistics.compare import compare_statistics, headline_numbers
from datalab.statistics.datasets import ValidatedDataset
from datalab.validation.invalid_rows import INVALID_ROWS
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient, visitor
from tests.portal.deployments import ADMIN, HINT, PASSWORD, PUBLISHER, VIEWER, QuietService
from tests.portal.pages.reading import read

CASES = Path(__file__).parents[2] / "conformance" / "statistics"
FULL = "p03-three-columns-everything"
Validated = Callable[..., LabInfo]


@pytest.fixture
def people(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of each role, with a password that is quick to compare."""
    monkeypatch.setattr("datalab.registry.passwords._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for email, role in ((PUBLISHER, Role.PUBLISHER), (VIEWER, Role.VIEWER), (ADMIN, Role.ADMIN)):
        registry.accounts.add(email, role, password=PASSWORD, by="root@localhost")


def signed_in(app: FastAPI, email: str) -> TestClient:
    client = visitor(app)
    page = read(client, "/login")
    answer = client.post("/login", data={**page.form("/login").fields, "email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


@pytest.fixture
def publisher(app: FastAPI, people: None) -> TestClient:
    return signed_in(app, PUBLISHER)


@pytest.fixture
def viewer(app: FastAPI, people: None) -> TestClient:
    return signed_in(app, VIEWER)


@pytest.fixture
def admin(app: FastAPI, people: None) -> TestClient:
    return signed_in(app, ADMIN)


@pytest.fixture
def empty_lab(service: QuietService) -> LabInfo:
    """A lab with everything, in which nothing is provisioned."""
    return service.create_lab(load_lab(CASES / FULL / "lab.json"))


@pytest.fixture
def validated(service: QuietService, deployment: Deployment) -> Validated:
    """Makes a lab of a conformance case, provisioned and with the case's own statistics as its result."""

    def make(case: str = FULL, *, lab: LabInfo | None = None, change: Any = None, **keys: Any) -> LabInfo:
        definition = load_lab(CASES / case / "lab.json").model_copy(update=keys)
        lab = lab or service.create_lab(definition)
        hashes = {}
        for kind in lab.definition.datasets:
            with (CASES / case / f"{kind.value}.csv").open("rb") as file:
                hashes[kind] = service.upload_dataset(file, f"{kind.value}.csv").manifest_hash
        service.change(lab.id, hashes)
        earlier = service.results(lab.id)
        run_id = service.validate(lab.id).run_id
        expected = CASES / case / "expected"
        report = json.loads((expected / "statistics.json").read_text("utf-8"))
        if change:
            change(report)
        statistics = StatisticsResultV2.model_validate(report)
        status = json.loads((expected / "validation-status.json").read_text("utf-8"))
        status["statistics"]["quality_warnings"] = report["quality_warnings"]
        files = {
            "statistics.json": statistics.model_dump_json(),
            "validation-status.json": json.dumps(status),
            "dashboard.html": "<!doctype html><title>dashboard</title>",
        }
        if earlier:
            before = StatisticsResultV2.model_validate_json(
                service.result_file(lab.id, "statistics.json", run_id=earlier[0].run_id)
            )
            files["comparison.json"] = compare_statistics(before, statistics).model_dump_json()
        for name, text in files.items():
            deployment.folders.place(lab.id).write(addresses.result(run_id, name), text)
        for kind in hashes:
            keep_report(deployment, lab, kind, hashes[kind])
            service._registry.datasets.set_rows(hashes[kind], lines(CASES / case / f"{kind.value}.csv"))
        verdict = json.loads(files["validation-status.json"])["status"]
        result = NewResult(verdict, dict.fromkeys(files, ""), headline_numbers(statistics))
        service._registry.results.record(run_id, result)
        service._registry.runs.finish(run_id)
        return service.lab(lab.id)

    return make


def lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())


def keep_report(deployment: Deployment, lab: LabInfo, kind: DatasetKind, manifest_hash: str) -> None:
    """Keep a validation report with two kinds of problems and sample values, five invalid rows, and one valid row."""
    address = addresses.validated(kind, manifest_hash, addresses.ROWS)
    reasons = ["EMPTY_CELL"] * 3 + ["DUPLICATE_VALUES"] * 2
    values = [[f"user-{row}", "=1+1", "<b>secret@sample.example</b>"] for row in range(5)]
    rows = pa.table([list(range(7, 12)), reasons, values, [None] * 5], schema=INVALID_ROWS)
    summary = ValidatedDataset(
        total_rows=40,
        valid_rows=35,
        invalid_rows_by_reason={"EMPTY_CELL": 3, "DUPLICATE_VALUES": 2},
        facts=DatasetFacts(rows=40, valid_rows=35, hints=[HINT]),
    )
    with tempfile.TemporaryDirectory() as folder:
        place = deployment.folders.place(lab.id, Path(folder))
        for name, table in ((addresses.ROWS, pa.table({"user_id": ["u1"]})), (addresses.INVALID_ROWS, rows)):
            pq.write_table(table, Path(folder) / "new.parquet")
            place.keep_rows(address.beside(name), Path(folder) / "new.parquet")
        report = json.dumps({"version": "v0", "report": reported(kind)})
        place.write(address.beside(addresses.REPORT), report)
        place.write(address.beside(addresses.SUMMARY), summary.model_dump_json())


def reported(kind: DatasetKind) -> dict[str, Any]:
    common = {
        "outcome": "PASSED",
        "detectedFileType": "text (ascii)",
        "originalFileSizeBytes": 1234,
        "numRowsTotal": 40,
    }
    codes = {"EMPTY_CELL": 3, "DUPLICATE_VALUES": 2}
    if kind is DatasetKind.IDENTIFIERS:
        sample = {"rowNumber": 7, "values": "user-7, hem, <b>secret@sample.example</b>"}
        return {
            **common,
            "config": [],
            "schema": {"numErrorsTotal": 0, "recordedErrors": []},
            "table": {"numErrorsTotal": 0, "recordedErrors": []},
            "numValidRows": 35,
            "invalidRows": {
                "totalInvalidRows": 5,
                "missingValues": {"totalMissingValues": 3, "sampleMissingValues": [sample]},
            },
            "numInvalidRowsByErrorCode": codes,
        }
    error = {"code": "EMPTY_CELL", "message": "The cell is empty", "location": {"row": 12, "column": 1}}
    return {
        **common,
        "numInvalidRowsTotal": 5,
        "numInvalidRowsByErrorCode": codes,
        "columns": [{"column": 1, "numErrorsTotal": 3, "recordedErrors": [error]}],
    }
