"""Who may use which route: every route of the app against every role; a route that is not listed fails."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from datalab.registry.accounts import Role
from datalab_dagster.service import GRANTS, Permission
from tests.portal.clients import visitor
from tests.portal.conftest import Client
from tests.portal.deployments import ADMIN, PUBLISHER, VIEWER

PUBLIC, ANYBODY = "public", "signed in"
READ, CHANGE, PRIVATE, SHARED = Permission.READ, Permission.CHANGE, Permission.PRIVATE, Permission.SHARED

API = {
    "GET /api/datasets": READ,
    "PUT /api/datasets": CHANGE,
    "POST /api/datasets": CHANGE,
    "GET /api/datasets/{manifest_hash}": READ,
    "POST /api/datasets/{manifest_hash}/inspect": CHANGE,
    "POST /api/datasets/{manifest_hash}/repair-proposal": PRIVATE,
    "POST /api/datasets/{manifest_hash}/repair": CHANGE,
    "GET /api/datasets/{manifest_hash}/content": PRIVATE,
    "DELETE /api/datasets/{manifest_hash}": CHANGE,
    "GET /api/datasets/{manifest_hash}/key": PRIVATE,
    "GET /api/datasets/{manifest_hash}/access": PRIVATE,
    "PUT /api/datasets/{manifest_hash}/access": CHANGE,
    "POST /api/uploads": CHANGE,
    "GET /api/uploads": CHANGE,
    "GET /api/uploads/{upload_id}": CHANGE,
    "DELETE /api/uploads/{upload_id}": CHANGE,
    "PUT /api/uploads/{upload_id}/parts/{number}": CHANGE,
    "GET /api/uploads/{upload_id}/parts/{number}": CHANGE,
    "POST /api/uploads/{upload_id}/complete": CHANGE,
    "GET /api/lists/datasets": READ,
    "GET /api/lists/labs": READ,
    "GET /api/lists/other-labs": READ,
    "GET /api/labs/{lab}/lists/history": READ,
    "GET /api/labs/{lab}/lists/results": READ,
    "GET /api/labs/{lab}/lists/refreshes": READ,
    "GET /api/labs": READ,
    "POST /api/labs": CHANGE,
    "GET /api/other-labs": READ,
    "GET /api/lab-by-name": READ,
    "GET /api/labs/{lab}": READ,
    "DELETE /api/labs/{lab}": CHANGE,
    "PUT /api/labs/{lab}/owners": CHANGE,
    "PATCH /api/labs/{lab}/slots": CHANGE,
    "PUT /api/labs/{lab}/expected": CHANGE,
    "GET /api/labs/{lab}/known-users": CHANGE,
    "GET /api/labs/{lab}/events": READ,
    "GET /api/schedules": READ,
    "GET /api/labs/{lab}/schedule": READ,
    "PUT /api/labs/{lab}/schedule": CHANGE,
    "DELETE /api/labs/{lab}/schedule": CHANGE,
    "POST /api/labs/{lab}/runs": CHANGE,
    "GET /api/labs/{lab}/runs": READ,
    "GET /api/runs/{run_id}": READ,
    "POST /api/runs/{run_id}/cancel": CHANGE,
    "GET /api/labs/{lab}/results": READ,
    "GET /api/labs/{lab}/results/current": READ,
    "GET /api/labs/{lab}/results/{result}/files/{name}": READ,
    "GET /api/labs/{lab}/results/{result}/{name}": READ,
    "GET /api/labs/{lab}/results/{result}/reports/{kind}": PRIVATE,
    "GET /api/labs/{lab}/results/{result}/reports/{kind}/hints": PRIVATE,
    "GET /api/labs/{lab}/results/{result}/reports/{kind}/validation-report.zip": PRIVATE,
    "GET /api/labs/{lab}/results/{result}/rows/{kind}": PRIVATE,
    "GET /api/labs/{lab}/results/{result}/rows/{kind}/download": PRIVATE,
    "GET /api/shared/labs": SHARED,
    "GET /api/shared/labs/{lab}/{name}": SHARED,
    "POST /api/session": PUBLIC,
    "GET /api/session": ANYBODY,
    "DELETE /api/session": ANYBODY,
    "GET /api/audit": PRIVATE,
    "GET /api/health": PUBLIC,
    "GET /docs": PUBLIC,
    "GET /openapi.json": PUBLIC,
    "HEAD /openapi.json": PUBLIC,
}
OPEN_PAGES = {"GET /login", "HEAD /login", "GET /login.json", "POST /login"}
VALUES = {
    "manifest_hash": "a" * 64, "upload_id": "b" * 32, "number": "0", "lab": "no-such-lab", "run_id": "no-such-run",
    "result": "current", "kind": "identifiers", "name": "statistics.json",
}  # fmt: skip
PEOPLE = {PUBLISHER: Role.PUBLISHER, VIEWER: Role.VIEWER, ADMIN: Role.ADMIN}


def routes(app: FastAPI) -> dict[str, Any]:
    found = {}
    for route in iter_route_contexts(app.routes):
        for method in route.methods or ():
            found[f"{method} {route.path}"] = route
    return found


def declared(route: Any) -> frozenset[Permission] | None:
    """Return the permissions that a route requires, from its dependencies; None: it requires no visitor."""
    waiting, found = [route.dependant], None
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        own = getattr(dependant.call, "permissions", None)
        if own is not None:
            found = own | (found or frozenset())
    return found


def test_every_route_is_listed_and_every_page_says_who_may_see_it(app: FastAPI) -> None:
    found = routes(app)
    api = {name for name in found if name.partition(" ")[2].startswith(("/api", "/docs", "/openapi"))}
    assert api == set(API)
    undeclared = {name for name in set(found) - api if declared(found[name]) is None}
    assert undeclared <= OPEN_PAGES, (
        "these pages require no visitor: declare who may see them (datalab_dagster/portal/access)"
    )


def test_each_role_gets_into_exactly_its_routes(app: FastAPI, client: Client) -> None:
    clients = {email: client(email) for email in PEOPLE}
    stranger = visitor(app)
    wrong = []
    for name, needed in API.items():
        method, _, path = name.partition(" ")
        file = "statistics.zip" if path.endswith("results/{result}/{name}") else VALUES["name"]
        address = path.format_map({**VALUES, "name": file})
        refused = stranger.request(method, address).status_code
        if (refused in (401, 403)) != (needed != PUBLIC):
            wrong.append(f"{name}: a stranger gets {refused}")
        for email, role in PEOPLE.items():
            answer = clients[email].request(method, address)
            may = needed in (PUBLIC, ANYBODY) or needed in GRANTS[role]
            refused = answer.status_code == 403 and answer.json()["error"]["code"] == "NotPermitted"
            if refused == may or (answer.status_code == 401 and name != "POST /api/session"):
                wrong.append(f"{name}: {role} gets {answer.status_code}")
    assert wrong == []


def test_each_role_gets_into_exactly_the_pages_that_it_is_declared_for(app: FastAPI, client: Client) -> None:
    pages = {name: route for name, route in routes(app).items() if name not in API and name not in OPEN_PAGES}
    for name, route in pages.items():
        method, _, path = name.partition(" ")
        needed = declared(route)
        assert needed is not None
        address = path
        for parameter in route.param_convertors:
            address = address.replace(f"{{{parameter}}}", VALUES.get(parameter, "x"))
        assert visitor(app).request(method, address).status_code == 401, name
        for email, role in PEOPLE.items():
            answer = client(email).request(method, address)
            if needed <= GRANTS[role]:
                assert answer.status_code != 401 and "NotPermitted" not in answer.text, (name, role)
            else:
                assert answer.status_code == 403, (name, role)


def test_every_permission_is_needed_somewhere() -> None:
    assert set(API.values()) >= set(Permission)
