"""A lab of an earlier version that exceeds today's limits: it is listed, opened and deleted, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from fastapi import FastAPI

from datalab.errors import LabTooLarge
from datalab.kinds import DatasetKind
from datalab.registry import Database
from datalab.registry.models import LabOwnerRow, LabRow
from datalab.registry.queries import change_slots
from datalab_dagster.service import LabService
from resources.run import started
from tests.portal.clients import visitor
from tests.portal.deployments import PUBLISHER, QuietService, definition
from tests.service.test_services import upload

IDENTIFIERS, *_ = DatasetKind
LONG_NAME = "n" * 300


@pytest.fixture
def lab_id(database: Database) -> str:
    """The lab, as the registry of an earlier version has it."""
    wire: dict[str, Any] = definition().model_dump(mode="json", by_alias=True)
    names = [{"idName": f"{number} {LONG_NAME}", "idType": "STRING"} for number in range(200)]
    wire |= {"name": LONG_NAME, "numEmbeddings": 2_000_000_000, "requireEmbeddings": True}
    wire["identifiersConfig"] = [*wire["identifiersConfig"], *names]
    wire["numIdentifiersColumns"] = 3
    key = str(uuid.uuid4())
    row = LabRow(
        id=key,
        partition_key=key,
        name=LONG_NAME,
        definition=wire,
        created_by=PUBLISHER,
        owners=[LabOwnerRow(user_id=PUBLISHER)],
    )
    with database.write() as session:
        session.add(row)
        session.flush()
        return row.id


def test_it_is_listed_opened_and_deleted(lab_service: LabService, lab_id: str) -> None:
    [listed] = lab_service.labs()
    assert listed == lab_service.lab(lab_id) and listed.definition.num_embeddings == 2_000_000_000
    lab_service.delete_lab(lab_id)
    assert lab_service.labs() == []


def test_provisioning_and_running_are_refused(lab_service: LabService, lab_id: str) -> None:
    ids = upload(lab_service)
    for use in (
        lambda: lab_service.change(lab_id, {IDENTIFIERS: ids}),
        lambda: lab_service.validate(lab_id),
        lambda: lab_service.validate(lab_id, again=True),
    ):
        with pytest.raises(LabTooLarge, match="Make a new lab within the limits") as refused:
            use()
        assert "At most 100 entries" in str(refused.value)
    assert lab_service.lab(lab_id).slots == [] and lab_service.runs(lab_id) == []


def test_its_definition_is_no_template_for_a_new_lab(lab_service: LabService, lab_id: str) -> None:
    stored = lab_service.lab(lab_id).definition
    with pytest.raises(Exception, match="At most 100 entries"):
        lab_service.create_lab(stored)
    assert len(lab_service.labs()) == 1


def test_a_run_that_was_requested_before_fails_at_its_start(
    service: QuietService, database: Database, lab_id: str
) -> None:
    with database.write() as session:
        change_slots(session, lab_id, [(IDENTIFIERS, upload(service))], by=PUBLISHER, cause="earlier")
    with pytest.raises(LabTooLarge), started(service._deployment, lab_id, "run-1", cause="nightly"):
        raise AssertionError("it must not begin")
    [run] = service.runs(lab_id)
    assert run.state.value == "FAILED" and "Make a new lab within the limits" in str(run.reason)


def test_the_wire_answers_with_a_validation_error(app: FastAPI, tokens: dict[str, str], lab_id: str) -> None:
    client = visitor(app, tokens[PUBLISHER])
    answer = client.post(f"/api/labs/{lab_id}/runs")
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "LabTooLarge"
    wire = definition().model_dump(mode="json", by_alias=True) | {"numEmbeddings": 10_001}
    answer = client.post("/api/labs", json=wire)
    assert answer.status_code == 422 and "At most 10,000 columns" in answer.text
