"""A publisher uploads what they believe another one has stored, and learns from no answer whether that is so."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from datalab.registry import KeyRole, Registry
from datalab.registry.accounts import Role
from tests.portal.clients import TestClient, visitor
from tests.portal.conftest import app, database, deployment, quick_hashes, registry, server, service, tokens, url
from tests.portal.deployments import PUBLISHER, QuietService

__all__ = ["app", "database", "deployment", "quick_hashes", "registry", "server", "service", "tokens", "url"]

pytestmark = pytest.mark.attack

OTTO = "otto@other.example"
ROW = b"user1,hem,very-secret\n"
CHANGING = {"manifestHash", "secretId", "createdAt"}


@pytest.fixture
def otto(app: FastAPI, service: QuietService, registry: Registry, tokens: dict[str, str]) -> TestClient:
    """The other publisher."""
    registry.accounts.add(OTTO, Role.PUBLISHER, by="root@localhost")
    _, token = registry.accounts.tokens.create(OTTO, "test", lifetime=timedelta(hours=1), by="root@localhost")
    return visitor(app, token)


def in_one_request(client: TestClient, content: bytes) -> dict[str, Any]:
    answer = client.put("/api/datasets", params={"name": "guess.csv"}, content=content)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def in_parts(client: TestClient, content: bytes) -> dict[str, Any]:
    begun = client.post("/api/uploads", json={"name": "guess.csv", "size": len(content)}).json()
    path = f"/api/uploads/{begun['uploadId']}"
    assert client.put(f"{path}/parts/0", content=content).status_code == 200
    digest = hashlib.sha256(hashlib.sha256(content).digest()).hexdigest()
    answer = client.post(f"{path}/complete", json={"sha256": digest})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def seen(client: TestClient, stored: dict[str, Any]) -> list[Any]:
    """Everything that the answers about an upload show, without what is random or a time."""
    mine = stored["manifestHash"]
    answers = [
        stored,
        client.get(f"/api/datasets/{mine}").json(),
        client.get(f"/datasets.json?stored={mine}").json()["stored"][0],
        client.get(f"/datasets/{mine}.json").json(),
    ]
    return [steady(answer) for answer in answers]


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: steady(one) for key, one in value.items() if key not in CHANGING}
    return [steady(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("send", [in_one_request, in_parts])
def test_a_right_guess_looks_as_a_wrong_one(otto: TestClient, service: QuietService, send: Any) -> None:
    before = seen(otto, send(otto, ROW))
    otto.delete(f"/api/datasets/{otto.get('/api/datasets').json()[0]['manifestHash']}")
    theirs = service.upload_dataset(io.BytesIO(ROW), "secret.csv").manifest_hash
    guess = send(otto, ROW)
    assert seen(otto, guess) == before
    assert guess["sameContent"] == []
    about = otto.get(f"/api/datasets/{theirs}").json()
    assert about["sameContent"] == [] and about["facts"] is None, "nor from the page of the other's dataset"
    assert "very-secret" not in str(about)
    assert service.dataset(theirs).same_content == [], "the first publisher does not learn of the guess"


def test_who_may_use_it_is_told_until_they_may_not(otto: TestClient, service: QuietService) -> None:
    theirs = service.upload_dataset(io.BytesIO(ROW), "secret.csv").manifest_hash
    service.set_key_access(theirs, {PUBLISHER: KeyRole.OWNER, OTTO: KeyRole.USER})
    mine = in_parts(otto, ROW)
    assert mine["sameContent"] == [theirs]
    service.set_key_access(theirs, {PUBLISHER: KeyRole.OWNER})
    assert otto.get(f"/api/datasets/{mine['manifestHash']}").json()["sameContent"] == []
    assert in_parts(otto, ROW)["sameContent"] == [mine["manifestHash"]]


def test_no_answer_holds_a_hash_of_a_content(otto: TestClient, registry: Registry) -> None:
    mine = in_one_request(otto, ROW)
    with registry.database.engine.connect() as connection:
        kept = bytes(connection.execute(text("SELECT content_hash FROM datalab_registry.content_hashes")).scalar_one())
    for address in (f"/api/datasets/{mine['manifestHash']}", "/api/datasets", "/api/audit", "/datasets.json"):
        shown = otto.get(address).text
        assert kept.hex() not in shown and hashlib.sha256(ROW).hexdigest() not in shown
