"""Requests made up from the API's own description: none of them gets an answer that it does not foresee."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.portal.clients import HERE, TestClient
from tests.portal.conftest import Client
from tests.portal.deployments import QuietService, ready_lab
from tests.portal.test_matrix import API

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
EXAMPLES = 8
"""Requests per route, as many right as wrong ones."""


@pytest.mark.slow
def test_no_made_up_request_gets_an_unforeseen_answer(app: FastAPI, client: Client, service: QuietService) -> None:
    lab = ready_lab(service)
    known: dict[str, list[Any]] = {
        "lab": [lab.id, lab.name],
        "manifest_hash": [lab.slots[0].manifest_hash],
        "run_id": [run.run_id for run in service.runs(lab.id)],
        "result": ["current"],
        "number": [0],
    }
    me = client()
    known["upload_id"] = [me.post("/api/uploads", json={"name": "x", "size": 3}).json()["uploadId"]]
    schema = schemathesis.openapi.from_dict(app.openapi())
    statuses: dict[str, set[int]] = {}

    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in sorted(operations, key=lambda operation: operation.method == "delete"):
        name = f"{operation.method.upper()} {operation.path}"
        made_up = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
        _ask(me, st.one_of(made_up), known, statuses.setdefault(name, set()))

    described = {name for name in API if name.partition(" ")[2].startswith("/api")}
    assert set(statuses) == described
    reached = {name for name, seen in statuses.items() if any(status < 300 for status in seen)}
    assert len(reached) > len(described) // 2, "most routes are reached, not only their refusals"


def _ask(client: TestClient, cases: Any, known: dict[str, list[Any]], statuses: set[int]) -> None:
    """Send made-up requests to one route and hold every answer to the description."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, existing=st.booleans(), data=st.data())
    def ask(case: Any, existing: bool, data: Any) -> None:
        if existing:  # otherwise nearly every request would be about a lab that is not there
            for parameter in set(case.path_parameters) & set(known):
                case.path_parameters[parameter] = data.draw(st.sampled_from(known[parameter]))
        response = client.request(**sent(case))
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()


def sent(case: Any) -> dict[str, Any]:
    """A made-up request as the client of the tests takes it."""
    request = case.as_transport_kwargs(base_url=HERE)
    names = {"method", "url", "params", "headers", "json", "files", "cookies"}
    made = {name: request[name] for name in names & set(request) if request[name] is not None}
    if request.get("data") is not None:
        made["content" if isinstance(request["data"], str | bytes) else "data"] = request["data"]
    made.pop("cookies", None)
    return made
