"""Requests that are wrong, hostile or unlucky: one shape of answer, nothing lost, and no text that was not ours."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from datalab.deployment import Deployment
from datalab.home.settings import Settings
from datalab.registry import Database, Registry
from datalab_dagster.portal.app import create_app
from tests.portal.clients import TestClient, visitor
from tests.portal.conftest import Client
from tests.portal.deployments import PUBLISHER, QuietService, definition

JSON = {"Content-Type": "application/json"}
LAB = definition().model_dump(mode="json", by_alias=True)


def shape(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error"} and set(body["error"]) == {"code", "message", "details"}
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (("GET", "/api/nothing", {}), (404, "AddressUnknown")),
        (("GET", "/api", {}), (404, "AddressUnknown")),
        (("PUT", "/api/labs", {}), (405, "MethodRefused")),
        (("GET", "/api/labs/no-such", {}), (404, "LabNotFound")),
        (("GET", "/api/datasets/" + "a" * 64, {}), (404, "DatasetNotFound")),
        (("GET", "/api/datasets/" + "A" * 64, {}), (422, "RequestInvalid")),
        (("GET", "/api/datasets/..%2f..%2fmaster.key", {}), (404, "AddressUnknown")),
        (("GET", "/api/labs/x/results/current/files/..%2f..%2fmaster.key", {}), (404, "AddressUnknown")),
        (("GET", "/api/labs/x/results/../files/master.key", {}), (404, "AddressUnknown")),
        (("GET", "/api/labs/x/results/current/files/master.key", {}), (422, "RequestInvalid")),
        (("GET", "/api/labs/a%00b", {}), (404, "AddressUnknown")),
        (("GET", "/api/lab-by-name?name=a%00b", {}), (422, "RequestInvalid")),
        (("POST", "/api/labs", {"content": b"{", "headers": JSON}), (422, "RequestInvalid")),
        (("POST", "/api/labs", {"content": b"[" * 500_000, "headers": JSON}), (422, "RequestInvalid")),
        (("POST", "/api/labs", {"content": b"\xff\xfe", "headers": JSON}), (422, "RequestInvalid")),
        (("POST", "/api/labs", {"content": b'{"name": "\\u0000"}', "headers": JSON}), (422, "RequestInvalid")),
        (("POST", "/api/labs", {"content": b"a", "headers": {"Content-Type": "a/b"}}), (422, "RequestInvalid")),
        (("POST", "/api/labs", {"content": b" " * (1024**2 + 1), "headers": JSON}), (413, "RequestTooLarge")),
        (("PUT", "/api/datasets?name=", {}), (422, "RequestInvalid")),
        (("PUT", "/api/datasets?name=a%0Ab", {}), (422, "RequestInvalid")),
        (("PUT", "/api/datasets?name=x&usage=OTHER", {}), (422, "RequestInvalid")),
        (("PUT", "/api/datasets?name=x", {"headers": {"X-Dataset-Key": "short"}}), (422, "KeyInvalid")),
        (("POST", "/api/datasets?name=x", {"data": {"a": "b"}}), (415, "ContentTypeWrong")),
        (("POST", "/api/datasets?name=x", {"files": {"a": b"b"}}), (415, "ContentTypeWrong")),
        (("POST", "/api/uploads", {"json": {"name": "x", "size": -1}}), (422, "RequestInvalid")),
        (("POST", "/api/uploads", {"json": {"name": "x", "size": "1"}}), (422, "RequestInvalid")),
        (("POST", "/api/uploads", {"json": {"name": "x", "size": 2**63}}), (422, "RequestInvalid")),
    ],
    ids=lambda value: " ".join(value[:2])[:60] if isinstance(value, tuple) and len(value) == 3 else "",
)  # fmt: skip
def test_every_mistake_is_answered_in_one_shape(
    client: Client, service: QuietService, request_: tuple[str, str, dict[str, Any]], expected: tuple[int, str]
) -> None:
    method, address, more = request_
    assert shape(client().request(method, address, **more)) == expected
    assert service.labs() == [] and service.datasets() == []


def test_what_was_sent_is_not_repeated(client: Client) -> None:
    """It may be a key, or a password in the wrong field."""
    secret = "hunter2-hunter2"
    for method, address, more in (
        ("POST", "/api/session", {"json": {"email": {"x": secret}, "password": [secret]}}),
        ("POST", "/api/uploads", {"json": {"name": "x", "size": 1, "key": secret * 20}}),
        ("PUT", "/api/datasets?name=x", {"headers": {"X-Dataset-Key": secret}}),
        ("PUT", "/api/datasets?name=x", {"headers": {"X-Dataset-Key": secret * 20}}),
    ):
        answer = client().request(method, address, **more)  # type: ignore[arg-type]
        assert answer.status_code == 422 and secret not in answer.text


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "<script>alert(1)</script>", "a;b'\"--", "ids\u202e.csv ", "日本語"]
)
def test_names_of_datasets_are_only_text(client: Client, service: QuietService, name: str) -> None:
    sent = client().put("/api/datasets", params={"name": name}, content=b"u1,hem,x\n")
    if not name.isprintable():
        assert shape(sent) == (422, "RequestInvalid")
        return
    assert sent.status_code == 201 and sent.json()["name"] == name.strip()
    content = client().get(f"/api/datasets/{sent.json()['manifestHash']}/content")
    assert content.content == b"u1,hem,x\n"
    saved = content.headers["Content-Disposition"]
    assert "/" not in saved and "<" not in saved and "\n" not in saved


class BrokenService(QuietService):
    """Fails unexpectedly, with a text that contains a value of a row."""

    def labs(self) -> Any:
        raise RuntimeError("user user-4711 has a bad row")


def test_an_unforeseen_failure_tells_where_and_nothing_else(
    deployment: Any, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    service = BrokenService(deployment, "x@y")
    app = create_app(service)
    with caplog.at_level(logging.DEBUG):
        answer = visitor(app, next(iter(tokens.values()))).get("/api/labs")
    assert shape(answer) == (500, "UnexpectedFailure")
    assert "RuntimeError" in answer.text and "4711" not in answer.text
    assert "RuntimeError" in caplog.text and "4711" not in caplog.text


def test_when_the_database_is_gone_outsiders_do_not_learn_where_it_was(tmp_path: Path) -> None:
    registry = Registry(Database("postgresql://unknown@127.0.0.1:1/secret-database"))
    app = create_app(QuietService(Deployment(tmp_path, Settings(), registry, {}), PUBLISHER))
    for path in ("/api/labs", "/api/health", "/datalabs"):
        answer = visitor(app, "any token").get(path, headers={"Accept": "text/html" if path == "/datalabs" else "*/*"})
        assert answer.status_code == 503 and "secret-database" not in answer.text
    assert shape(visitor(app, "any token").get("/api/labs")) == (503, "DeploymentUnavailable")


def test_every_answer_carries_the_headers_that_protect_it(app: FastAPI, signed_out: TestClient) -> None:
    for path in ("/api/labs", "/api/nothing", "/docs", "/openapi.json"):
        headers = signed_out.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert signed_out.get("/api/labs").headers["Cache-Control"] == "no-store"
    assert (
        signed_out.get("/docs").headers["Content-Security-Policy"]
        != signed_out.get("/docs").headers["Content-Security-Policy"]
    )


def test_the_reference_shows_every_route_and_loads_nothing(app: FastAPI, signed_out: TestClient) -> None:
    page = signed_out.get("/docs").text
    described = app.openapi()["paths"]
    assert len(described) > 25
    for path, methods in described.items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page
    assert "http" not in page and "<script" not in page


def test_the_access_log_names_routes_not_what_was_asked_for(
    client: Client, service: QuietService, caplog: pytest.LogCaptureFixture
) -> None:
    service.create_lab(definition("Confidential"))
    with caplog.at_level(logging.INFO, "datalab.portal"):
        client().get("/api/labs/Confidential")
        client().get("/api/lab-by-name", params={"name": "Confidential"})
    lines = [record.getMessage() for record in caplog.records if record.name == "datalab.portal.access"]
    assert [line.split()[:3] for line in lines] == [
        ["GET", "/api/labs/{lab}", "200"],
        ["GET", "/api/lab-by-name", "200"],
    ]
    assert "Confidential" not in caplog.text
