"""Every change over the API, from upload to deletion: what it answers and leaves, and that the audit log tells it."""

from __future__ import annotations

import io
import json
import zipfile

from fastapi import FastAPI

from datalab.registry import Registry
from datalab.storage import Key
from tests.portal.conftest import Client
from tests.portal.deployments import FILES, PUBLISHER, QuietService, definition
from tests.portal.test_matrix import API

ROW = b"user1,hem,very-secret-value\n"
OPEN = {"POST /api/session", "DELETE /api/session"}


def test_a_lab_from_upload_to_deletion(app: FastAPI, client: Client, service: QuietService, registry: Registry) -> None:
    me = client()
    key = Key()
    audited: dict[str, str] = {}

    def last(route: str) -> str:
        """The newest action in the audit log, kept for `route`."""
        audited[route] = registry.accounts.audit.entries(limit=1)[0].action
        return audited[route]

    # Upload: in one request, and in parts with a given key.
    sent = me.put("/api/datasets", params={"name": "ids <b>.csv"}, content=ROW)
    assert sent.status_code == 201 and sent.json()["size"] == len(ROW)
    ids = sent.json()["manifestHash"]
    assert last("PUT /api/datasets") == "dataset.upload"
    spare = me.post("/api/datasets", params={"name": "spare"}, content=ROW).json()["manifestHash"]
    assert last("POST /api/datasets") == "dataset.upload"
    new = {"name": "seg", "size": 3, "key": key.to_text(), "description": "of today"}
    upload = me.post("/api/uploads", json=new)
    assert upload.status_code == 201 and upload.json()["stored"] == [] and upload.json()["parts"] == 1
    assert last("POST /api/uploads") == "upload.begin"
    path = f"/api/uploads/{upload.json()['uploadId']}"
    assert me.put(f"{path}/parts/0", content=b"a,b").json() == {"number": 0, "size": 3}
    done = me.post(f"{path}/complete")
    assert done.status_code == 201 and done.json()["description"] == "of today"
    assert last("POST /api/uploads/{upload_id}/complete") == "dataset.upload"
    assert me.get(f"/api/datasets/{done.json()['manifestHash']}/key").json() == {"key": key.to_text()}
    assert last("GET /api/datasets/{manifest_hash}/key") == "key.read"
    given_up = me.post("/api/uploads", json={"name": "other", "size": 3}).json()["uploadId"]
    assert me.delete(f"/api/uploads/{given_up}").status_code == 204
    assert last("DELETE /api/uploads/{upload_id}") == "upload.abandon"

    assert me.post(f"/api/datasets/{ids}/inspect").json()["facts"]["columns"] == 3
    assert last("POST /api/datasets/{manifest_hash}/inspect") == "dataset.inspect"

    blanks = me.put("/api/datasets", params={"name": "blanks"}, content=b"user1,hem, very-secret-value\n").json()
    repairs = f"/api/datasets/{blanks['manifestHash']}"
    proposed = me.post(f"{repairs}/repair-proposal", json={"kind": "identifiers"})
    assert [step["name"] for step in proposed.json()["steps"]] == ["blanks"]
    assert last("POST /api/datasets/{manifest_hash}/repair-proposal") == "dataset.repair-proposal"
    made = me.post(f"{repairs}/repair", json={"kind": "identifiers"})
    assert made.status_code == 201 and made.json()["dataset"]["madeFrom"] == blanks["manifestHash"]
    assert last("POST /api/datasets/{manifest_hash}/repair") == "dataset.repair"
    for one in (made.json()["dataset"], blanks):
        assert me.delete(f"/api/datasets/{one['manifestHash']}").status_code == 204

    # What was uploaded comes back; its name keeps its markup, as text.
    assert [one["name"] for one in me.get("/api/datasets").json()] == ["ids <b>.csv", "spare", "seg"]
    content = me.get(f"/api/datasets/{ids}/content")
    assert content.content == ROW and "ids%20%3Cb%3E.csv" in content.headers["Content-Disposition"]
    assert last("GET /api/datasets/{manifest_hash}/content") == "dataset.download"
    access = {"users": {PUBLISHER: "Owner", "vera@publisher.example": "User"}}
    assert me.put(f"/api/datasets/{ids}/access", json=access).json() == access
    assert me.get(f"/api/datasets/{ids}/access").json() == access
    assert last("PUT /api/datasets/{manifest_hash}/access") == "key.access"

    # A lab: create, provision, validate, read.
    made = me.post("/api/labs", json=definition("A/B").model_dump(mode="json", by_alias=True))
    assert made.status_code == 201 and made.json()["state"]["state"] == "Empty"
    lab = made.json()["id"]
    assert last("POST /api/labs") == "lab.create"
    assert me.put(f"/api/labs/{lab}/owners", json={"owners": [PUBLISHER]}).json()["owners"] == [PUBLISHER]
    assert last("PUT /api/labs/{lab}/owners") == "lab.owners"
    assert me.put(f"/api/labs/{lab}/owners", json={"owners": []}).status_code == 422
    assert me.get("/api/lab-by-name", params={"name": "A/B"}).json()["id"] == lab
    incomplete = me.post(f"/api/labs/{lab}/runs")
    assert incomplete.status_code == 409
    assert incomplete.json()["error"]["details"] == {"missing": ["identifiers"]}
    slots = me.patch(f"/api/labs/{lab}/slots", params={"cause": "first"}, json={"identifiers": ids})
    assert [slot["manifestHash"] for slot in slots.json()["slots"]] == [ids]
    assert last("PATCH /api/labs/{lab}/slots") == "lab.provision"
    expected = {"identifiers": {"rows": 3, "ids": {"hem": 2}}}
    assert me.put(f"/api/labs/{lab}/expected", json=expected).json()["slots"][0]["expected"] == expected["identifiers"]
    assert last("PUT /api/labs/{lab}/expected") == "lab.expect"
    assert me.put(f"/api/labs/{lab}/expected", json={"segments": {"rows": 3}}).status_code == 409
    assert me.put(f"/api/labs/{lab}/expected", json={"identifiers": {"rows": -3}}).status_code == 422
    assert [event["cause"] for event in me.get(f"/api/labs/{lab}/events").json()] == ["first"]
    schedule = f"/api/labs/{lab}/schedule"
    assert me.put(schedule, json={"cron": "0 6 * * *", "timezone": "Europe/Berlin"}).json()["cron"] == "0 6 * * *"
    assert last("PUT /api/labs/{lab}/schedule") == "lab.schedule"
    assert me.delete(schedule).status_code == 204 and me.get(schedule).json() is None
    assert last("DELETE /api/labs/{lab}/schedule") == "lab.unschedule"
    cancelled = me.post(f"/api/labs/{lab}/runs").json()["runId"]
    assert last("POST /api/labs/{lab}/runs") == "lab.validate"
    assert me.post(f"/api/runs/{cancelled}/cancel").json()["state"] == "CANCELLED"
    assert last("POST /api/runs/{run_id}/cancel") == "run.cancel"
    run = me.post(f"/api/labs/{lab}/runs", params={"again": True}).json()["runId"]
    assert me.get(f"/api/labs/{lab}/results/current").json()["error"]["code"] == "ResultNotFound"
    service.finish(run)
    assert me.get(f"/api/runs/{run}").json()["state"] == "FINISHED"
    assert [one["runId"] for one in me.get(f"/api/labs/{lab}/runs").json()] == [run, cancelled]
    assert me.get(f"/api/labs/{lab}").json()["state"]["state"] == "Ready"
    current = me.get(f"/api/labs/{lab}/results/current").json()
    assert current["current"] and current["runId"] == run and current["reports"] == ["identifiers"]
    assert me.get(f"/api/labs/{lab}/results").json() == [current]
    for name, expected in FILES.items():
        assert me.get(f"/api/labs/{lab}/results/{run}/files/{name}").content == expected
    assert unzipped(me.get(f"/api/labs/{lab}/results/current/statistics.zip").content) == {
        "statistics.json": FILES["statistics.json"]
    }
    assert list(unzipped(me.get(f"/api/labs/{lab}/results/{run}/validation-status.zip").content)) == [
        "validation-status.json"
    ]
    reports = f"/api/labs/{lab}/results/current/reports/identifiers"
    assert me.get(reports).json()["version"] == "v0"
    assert last("GET /api/labs/{lab}/results/{result}/reports/{kind}") == "report.read"
    assert list(unzipped(me.get(f"{reports}/validation-report.zip").content)) == ["validation-report.json"]
    assert last("GET /api/labs/{lab}/results/{result}/reports/{kind}/validation-report.zip") == "report.read"

    # Deleting: what is in use is refused with the labs, and forced.
    refused = me.delete(f"/api/datasets/{ids}")
    assert refused.status_code == 409 and refused.json()["error"]["details"] == {"labs": [lab]}
    assert me.delete(f"/api/datasets/{ids}", params={"force": True}).status_code == 204
    assert last("DELETE /api/datasets/{manifest_hash}") == "dataset.delete"
    assert me.delete(f"/api/labs/{lab}").status_code == 204
    assert last("DELETE /api/labs/{lab}") == "lab.delete"
    assert me.get(f"/api/labs/{lab}").status_code == 404
    assert me.get(f"/api/datasets/{spare}").status_code == 200

    # The audit log: every change is in it, with who and from where, and no value of a row.
    changes = {name for name in API if not name.startswith(("GET", "HEAD"))} - OPEN
    parts = {"PUT /api/uploads/{upload_id}/parts/{number}"}  # told by the beginning and the end of the upload
    assert changes - set(audited) == parts
    log = me.get("/api/audit", params={"limit": 1000}).json()
    assert {entry["actor"] for entry in log if entry["via"] == "token"} == {PUBLISHER}
    assert {entry["address"] for entry in log if entry["via"] == "token"} == {"127.0.0.1"}
    assert "very-secret-value" not in json.dumps(log) and key.to_text() not in json.dumps(log)
    older = me.get("/api/audit", params={"before": log[0]["number"], "limit": 1}).json()
    assert older == [log[1]]


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_dashboard_runs_in_an_origin_of_its_own(client: Client, service: QuietService) -> None:
    from tests.portal.deployments import ready_lab

    lab = ready_lab(service)
    answer = client().get(f"/api/labs/{lab.id}/results/current/files/dashboard.html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts") and "allow-same-origin" not in policy
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_refused_changes_change_nothing(client: Client, service: QuietService, registry: Registry) -> None:
    me = client()
    lab = service.create_lab(definition())
    answer = me.patch(f"/api/labs/{lab.id}/slots", json={"segments": "f" * 64})
    assert answer.status_code == 409
    problems = answer.json()["error"]["details"]["problems"]
    assert {problem["code"] for problem in problems} >= {"NO_SUCH_SLOT", "IDENTIFIERS_MISSING"}
    assert service.events(lab.id) == []
    wrong = me.post("/api/labs", json={"name": "x", "identifiersConfig": [], "requireSegment": True})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["details"]["mistakes"] == [
        "requireSegment: Unknown key; did you mean 'requireSegments'?",
        "identifiersConfig: Identifiers config must be provided",
    ]
    assert len(service.labs()) == 1


def test_two_people_provision_at_once(client: Client, service: QuietService) -> None:
    """One after the other: both answers have the state after their change, and the history has both changes."""
    from concurrent.futures import ThreadPoolExecutor

    lab = service.create_lab(definition())
    hashes = [service.upload_dataset(io.BytesIO(ROW), f"ids-{n}").manifest_hash for n in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda one: client().patch(f"/api/labs/{lab.id}/slots", json={"identifiers": one}), hashes)
        )
    assert [answer.status_code for answer in answers] == [200, 200]
    events = service.events(lab.id)
    assert [event.action.value for event in events] == ["PROVISIONED", "REPROVISIONED"]
    assert service.lab(lab.id).slots[0].manifest_hash == events[-1].manifest_hash
