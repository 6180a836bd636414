"""A real deployment for tests of the portal, in which runs end when told to instead of in processes of their own."""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from datalab.deployment import Deployment
from datalab.deployment.addresses import REPORT, ROWS, SUMMARY, result, validated
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import Lab, NewResult, Run
from datalab.results.validation import DatasetFacts, Hint
from datalab.scratch import scratch_directory
from datalab.statistics import ValidatedDataset
from datalab_dagster.graph.access import DagsterAccess
from datalab_dagster.service import LabInfo
from datalab_dagster.service.local import LocalService
from datalab_dagster.service.runs import LocalRuns

if TYPE_CHECKING:
    from datalab_dagster.graph.runs.steps import Step

PUBLISHER, VIEWER, ADMIN = "pat@publisher.example", "vera@publisher.example", "ada@vendor.example"
PASSWORD = "correct horse battery"
SECRET = "the secret of this start"
IDENTIFIERS, SEGMENTS, *_ = DatasetKind
STATUS = {
    "status": "SUCCESS",
    "datasets": {
        "identifiers": {
            "status": "SUCCESS",
            "errors": [{"code": "SECRET_CODE", "message": "secret finding"}],
            "valid_rows": 41,
            "invalid_rows": 1,
        }
    },
    "statistics": {"status": "SUCCESS", "data_errors": [], "quality_warnings": []},
}
_CASES = Path(__file__).parents[1] / "conformance" / "statistics"
FILES: dict[str, bytes] = {
    "statistics.json": (_CASES / "p02-two-columns-hashed-email" / "expected" / "statistics.json").read_bytes(),
    "validation-status.json": json.dumps(STATUS).encode(),
    "dashboard.html": b"<!doctype html><title>dashboard</title>",
    "comparison.json": b'{"compared": 1}',
}


class QuietRuns(LocalRuns):
    """Runs that are not executed; `QuietService.finish` ends them."""

    def validate(self, lab: Lab, *, again: bool, by: str) -> Run:
        same = [run for run in self._registry.runs.history(lab.id) if run.datasets == self._provisioned(lab.id)]
        return same[0] if same and not again else self._registry.runs.start(lab.id, str(uuid.uuid4()))

    def get(self, run_id: str) -> Run:
        return self._registry.runs.get(run_id)

    def steps(self, run: Run) -> Sequence[Step]:
        return []

    def cancel(self, run_id: str, *, by: str) -> Run:
        return self._registry.runs.cancel(run_id, f"Cancelled by {by}.")

    def _provisioned(self, lab_id: str) -> Mapping[DatasetKind, str]:
        return self._registry.provisioning.datasets(lab_id)


class QuietService(LocalService):
    """The service of this machine, but that nothing is executed: `finish` gives a run its result."""

    def __init__(
        self,
        deployment: Deployment,
        user: str,
        environment: Mapping[str, str] = os.environ,
        dagster: DagsterAccess | None = None,
    ) -> None:
        super().__init__(deployment, user, environment, dagster)
        self._runs = QuietRuns(deployment, self._dagster, environment)

    def close(self) -> None:
        """The deployment is closed by who opened it."""

    def finish(self, run_id: str, verdict: Any = "SUCCESS") -> Run:
        """End a run with a result of small files and a validation report per dataset."""
        run = self._registry.runs.get(run_id)
        place = self._deployment.folders.place(run.lab_id)
        for name, content in FILES.items():
            place.write(result(run_id, name), content.decode())
        for kind, manifest_hash in run.datasets.items():
            keep_validation(self._deployment, run.lab_id, kind, manifest_hash)
        self._registry.results.record(run_id, NewResult(verdict, dict.fromkeys(FILES, ""), {"users": 41}))
        return self._registry.runs.finish(run_id)


HINT = Hint(code="FOOTER_ROW", rows=1, message="The last row is a remark. Leave it out.")


COUNTED = ValidatedDataset(total_rows=41, valid_rows=41, facts=DatasetFacts(rows=41, valid_rows=41, hints=[HINT]))


def keep_validation(
    deployment: Deployment, lab_id: str, kind: DatasetKind, manifest_hash: str, counted: ValidatedDataset = COUNTED
) -> None:
    """Keep what a validation has made, without rows."""
    address = validated(kind, manifest_hash, ROWS)
    with scratch_directory() as scratch:
        rows = scratch / "rows.parquet"
        pq.write_table(pa.table({"user_id": pa.array([], pa.string())}), rows)
        place = deployment.folders.place(lab_id, scratch)
        place.keep_rows(address, rows)
        place.write(address.beside(REPORT), '{"version": "v0", "report": {}}')
        place.write(address.beside(SUMMARY), counted.model_dump_json())


def definition(name: str = "Base", **options: object) -> LabDefinition:
    identifiers = [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
    ]
    return LabDefinition.model_validate({"name": name, "identifiersConfig": identifiers, **options})


def ready_lab(service: QuietService, name: str = "Base", **options: object) -> LabInfo:
    """A lab with a current result."""
    lab = service.create_lab(definition(name, **options))
    dataset = service.upload_dataset(io.BytesIO(b"user1,hem,aa\n"), "identifiers.csv")
    service.change(lab.id, {IDENTIFIERS: dataset.manifest_hash})
    service.finish(service.validate(lab.id).run_id)
    return service.lab(lab.id)
