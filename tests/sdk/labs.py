"""Small labs, files and finished runs for tests of the SDK; no test is here."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datalab.kinds import DatasetKind
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLab, DataLabBuilder, IdentifiersConfig, IdType
from datalab_dagster.storage import Key
from datalab_dagster.types import DataLabDatasetType
from tests.fakes import MemoryService

ME, COLLEAGUE = "me@publisher.example", "colleague@publisher.example"
IDENTIFIERS = "u1,userId,u1\nu1,email,a@x.org\nu2,userId,u2\nu2,email,b@x.org\n"
SEGMENTS = "u1,sport\nu2,news\nu1,news\n"
DEMOGRAPHICS = "u1,18-25,f\nu2,,m\n"
EMBEDDINGS = "u1,all,0.5,1\nu2,all,1,0.25\n"
EXPECTED = Path(__file__).parents[1] / "conformance" / "statistics" / "p03-three-columns-everything" / "expected"
MATCH, SEGMENT = DataLabDatasetType.MATCH, DataLabDatasetType.SEGMENTS
DEMOGRAPHIC, EMBEDDING = DataLabDatasetType.DEMOGRAPHICS, DataLabDatasetType.EMBEDDINGS


def two_ids(client: Client, name: str = "Base") -> DataLabBuilder:
    """A builder of a lab with `userId` (activation) and `email` (matching)."""
    return (
        DataLabBuilder(client)
        .with_name(name)
        .with_num_identifiers_columns(3)
        .with_identifiers_config(
            [
                IdentifiersConfig("userId", IdType.STRING, False, True),
                IdentifiersConfig("email", IdType.EMAIL, True, False),
            ]
        )
    )


def write_files(folder: Path) -> dict[str, str]:
    """Write a small, valid file per dataset."""
    texts = {
        "identifiers": IDENTIFIERS,
        "segments": SEGMENTS,
        "demographics": DEMOGRAPHICS,
        "embeddings": EMBEDDINGS,
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    return {name: str(folder / f"{name}.csv") for name in texts}


def upload(client: Client, text: str = IDENTIFIERS, name: str = "file", **options: Any) -> str:
    return client.upload_dataset(io.BytesIO(text.encode()), Key(), name, **options)


def held(lab: DataLab) -> dict[str, str]:
    """What is provisioned: dataset → manifest hash."""
    return {slot.kind.value: slot.manifest_hash for slot in lab.info.slots}


def report(outcome: str = "PASSED") -> dict[str, Any]:
    """A report of segments, demographics or embeddings, as a deployment stores it."""
    none: dict[str, Any] = {"numErrorsTotal": 0, "recordedErrors": []}
    return {
        "version": "v0",
        "report": {
            "outcome": outcome,
            "numRowsTotal": 3,
            "numInvalidRowsTotal": 1,
            "numInvalidRowsByErrorCode": {"EMPTY_CELL": 1},
            "columns": [
                {
                    "column": 0,
                    "numErrorsTotal": 1,
                    "recordedErrors": [
                        {"code": "EMPTY_CELL", "location": {"row": 2, "column": 0}, "message": "Cell is empty"}
                    ],
                }
            ],
            "schema": none,
            "table": none,
        },
    }


def identifiers_report(outcome: str = "PASSED") -> dict[str, Any]:
    """A report of identifiers, as a deployment stores it."""
    none: dict[str, Any] = {"numErrorsTotal": 0, "recordedErrors": []}
    return {
        "version": "v0",
        "report": {
            "outcome": outcome,
            "numRowsTotal": 4,
            "config": [{"idName": "userId", "idType": "STRING", "isActivationId": True}],
            "schema": none,
            "table": none,
            "numValidRows": 4,
        },
    }


def expected(name: str) -> Any:
    """A file of aggregates that a run of a lab with everything gives."""
    return json.loads((EXPECTED / name).read_text())


def finish(memory: MemoryService, run_id: str, outcome: str = "PASSED") -> None:
    """Let a run end with reports and aggregates of the right shape."""
    files = {name: expected(name) for name in ("statistics.json", "validation-status.json")}
    result = memory.end_run(run_id, files=files, summary={"identifiers.distinct_user_ids": 1234})
    for kind in result.datasets:
        made = identifiers_report(outcome) if kind is DatasetKind.IDENTIFIERS else report(outcome)
        memory._reports[run_id, kind] = json.dumps(made).encode()


def runs(memory: MemoryService, lab: DataLab) -> list[str]:
    return [run.run_id for run in memory.runs(lab.id)]


def when_asked(memory: MemoryService, times: int, then: Callable[[], object]) -> list[float]:
    """Do something at the n-th poll of a run; return the times of the polls."""
    looks: list[float] = []

    def look(service: MemoryService) -> None:
        looks.append(time.monotonic())
        if len(looks) == times:
            then()

    memory.before_poll = look
    return looks


def open_runs(memory: MemoryService, lab: DataLab) -> list[str]:
    return [run.run_id for run in memory.runs(lab.id) if not run.is_complete]
