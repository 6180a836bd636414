"""A real deployment for tests of the portal, in which runs end when told to instead of in processes of their own."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Mapping
from typing import Any

from datalab.deployment.addresses import REPORT, result, validated
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import NewResult, Run
from datalab_dagster.service import LabIncomplete, LabInfo, RunInfo
from datalab_dagster.service.local import LocalService

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
FILES: dict[str, bytes] = {
    "statistics.json": b'{"statistics": 1}',
    "validation-status.json": json.dumps(STATUS).encode(),
    "dashboard.html": b"<!doctype html><title>dashboard</title>",
    "comparison.json": b'{"compared": 1}',
}


class QuietService(LocalService):
    """The service of this machine, but that nothing is executed: `finish` gives a run its result."""

    def close(self) -> None:
        """The deployment is closed by who opened it."""

    def validate(self, lab: str, *, again: bool = False) -> RunInfo:
        found = self._registry.labs.get(lab)
        missing = [kind.value for kind in found.definition.datasets if kind not in self._provisioned(found.id)]
        if missing:
            raise LabIncomplete(found.id, missing)
        same = [run for run in self._registry.runs.history(found.id) if run.datasets == self._provisioned(found.id)]
        if same and not again:
            return self._run_info(same[0])
        return self._run_info(self._registry.runs.start(found.id, str(uuid.uuid4())))

    def run(self, run_id: str) -> RunInfo:
        return self._run_info(self._registry.runs.get(run_id))

    def cancel_run(self, run_id: str) -> RunInfo:
        self._registry.runs.get(run_id)
        return self._run_info(self._registry.runs.cancel(run_id, f"Cancelled by {self.user}."))

    def _provisioned(self, lab_id: str) -> Mapping[DatasetKind, str]:
        return self._registry.provisioning.datasets(lab_id)

    def finish(self, run_id: str, verdict: Any = "SUCCESS") -> Run:
        """End a run with a result of small files and a validation report per dataset."""
        run = self._registry.runs.get(run_id)
        place = self._deployment.folders.place(run.lab_id)
        for name, content in FILES.items():
            place.write(result(run_id, name), content.decode())
        for kind, manifest_hash in run.datasets.items():
            place.write(validated(kind, manifest_hash, REPORT), '{"version": "v0", "report": {}}')
        self._registry.results.record(run_id, NewResult(verdict, dict.fromkeys(FILES, ""), {"users": 41}))
        return self._registry.runs.finish(run_id)


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
