"""Who gets in and how: the owner by the secret, sessions, API tokens, forged requests, what admins see."""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI
from sqlalchemy import text

from datalab.dashboard import shareable
from datalab.home.settings import PortalSettings
from datalab.registry import Registry
from datalab.registry.accounts import Role
from datalab.results.statistics import StatisticsResultV2
from datalab_dagster.portal.app import create_app
from datalab_dagster.portal.login import safe_next
from tests.portal.clients import HERE, TestClient, visitor
from tests.portal.conftest import Client
from tests.portal.deployments import ADMIN, FILES, PASSWORD, PUBLISHER, VIEWER, QuietService, definition, ready_lab

LAB = definition().model_dump(mode="json", by_alias=True)
BROWSER = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}


def code(answer: object) -> str:
    return str(answer.json()["error"]["code"])  # type: ignore[attr-defined]


def user(registry: Registry, email: str = PUBLISHER, role: Role = Role.PUBLISHER) -> None:
    registry.accounts.add(email, role, password=PASSWORD, by="test")


def signed_in(app: FastAPI, email: str = PUBLISHER) -> TestClient:
    client = visitor(app)
    answer = client.post("/api/session", json={"email": email.upper(), "password": PASSWORD})
    assert answer.status_code == 204, answer.text
    return client


# ------------------------------------------------------------------------------------------------------ sessions


def test_a_session_from_login_to_logout(app: FastAPI, registry: Registry) -> None:
    user(registry)
    client = visitor(app)
    answer = client.post("/api/session", json={"email": f" {PUBLISHER.upper()} ", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    me = client.get("/api/session").json()
    assert (me["email"], me["via"]) == (PUBLISHER, "session")
    assert code(client.post("/api/labs", json=LAB)) == "RequestForged", "a cookie alone is not enough"
    csrf = {"X-CSRF-Token": me["csrfToken"]}
    assert client.post("/api/labs", json=LAB, headers=csrf).status_code == 201
    assert client.post("/api/labs", json=LAB, headers={**csrf, "Origin": "https://evil.example"}).status_code == 403
    secret = client.cookies["datalab_session"]
    assert client.delete("/api/session").status_code == 403
    assert client.delete("/api/session", headers=csrf).status_code == 204
    assert client.get("/api/session").status_code == 401
    assert visitor(app).get("/api/session", headers={"Cookie": f"datalab_session={secret}"}).status_code == 401


def test_the_token_of_one_session_does_not_fit_another(app: FastAPI, registry: Registry) -> None:
    user(registry)
    one, other = signed_in(app), signed_in(app)
    csrf = one.get("/api/session").json()["csrfToken"]
    assert csrf != other.get("/api/session").json()["csrfToken"]
    assert other.post("/api/labs", json=LAB, headers={"X-CSRF-Token": csrf}).status_code == 403


def test_over_tls_the_cookie_stays_there(service: QuietService, registry: Registry) -> None:
    user(registry)
    settings = PortalSettings(host="0.0.0.0", public_url="https://labs.publisher.example")
    app = create_app(service, settings)
    client = visitor(app, base="https://labs.publisher.example")
    answer = client.post("/api/session", json={"email": PUBLISHER, "password": PASSWORD})
    assert (
        answer.headers["Set-Cookie"].startswith("__Host-datalab_session=") and "Secure" in answer.headers["Set-Cookie"]
    )
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert client.get("/api/session").status_code == 200
    assert client.get("/api/session", headers={"Host": "other.example"}).status_code == 421


def test_sessions_end(app: FastAPI, registry: Registry) -> None:
    user(registry)
    idle, expired, revoked = signed_in(app), signed_in(app), signed_in(app)
    secrets = [client.cookies["datalab_session"] for client in (idle, expired)]
    for secret, change in zip(secrets, ("last_used_at", "expires_at"), strict=True):
        age(registry, "sessions", change, "session_hash", secret)
    assert idle.get("/api/session").status_code == 401
    assert expired.get("/api/session").status_code == 401
    assert revoked.get("/api/session").status_code == 200
    registry.accounts.set_password(PUBLISHER, "another long password", by="test")
    assert revoked.get("/api/session").status_code == 401


def age(registry: Registry, table: str, column: str, key: str, secret: str) -> None:
    """Let three hours pass for a session or token."""
    from datalab.registry.sessions import hash_of

    statement = f"UPDATE datalab_registry.{table} SET {column} = {column} - interval '400 days' WHERE {key} = :hash"
    with registry.database.write() as session:
        assert session.execute(text(statement), {"hash": hash_of(secret)}).rowcount == 1  # type: ignore[attr-defined]


def test_guessing_is_stopped_and_tells_nothing(app: FastAPI, registry: Registry) -> None:
    user(registry)
    client = visitor(app)
    answers = [
        client.post("/api/session", json={"email": email, "password": "wrong password"})
        for email in ("unknown@publisher.example", *[PUBLISHER] * 5)
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1, "whether there is such a user is not told"
    refused = client.post("/api/session", json={"email": PUBLISHER, "password": PASSWORD})
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 900
    elsewhere = visitor(app, address="192.0.2.9")
    elsewhere.headers["Host"] = "127.0.0.1"
    owner = elsewhere.post("/api/session", json={"email": PUBLISHER, "password": PASSWORD})
    assert owner.status_code == 204, "the user, elsewhere, is not locked out"
    log = registry.accounts.audit.entries()
    assert [entry.action for entry in log][:2] == ["login", "login.refused"]
    assert "unknown@publisher.example" not in str(log), "what was typed there may have been a password"


def test_a_forged_login_is_refused(app: FastAPI, registry: Registry) -> None:
    user(registry)
    body = {"email": PUBLISHER, "password": PASSWORD}
    answer = visitor(app).post("/api/session", json=body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403 and "Set-Cookie" not in answer.headers


def test_after_the_login_people_stay_here() -> None:
    assert safe_next("/datalabs/lab-1?x=1") == "/datalabs/lab-1?x=1"
    for target in (None, "", "https://evil.example", "//evil.example", "/\\evil.example", "/\n/evil", "datalabs"):
        assert safe_next(target) == "/"


# -------------------------------------------------------------------------------------------------------- tokens


def test_a_token_ends_when_it_expires_is_revoked_or_its_user_goes(app: FastAPI, registry: Registry) -> None:
    accounts = registry.accounts
    accounts.add(PUBLISHER, Role.PUBLISHER, by="test")
    made = [accounts.tokens.create(PUBLISHER, f"t{n}", lifetime=timedelta(days=1), by="test") for n in range(3)]
    clients = [visitor(app, secret) for _, secret in made]
    assert [client.get("/api/labs").status_code for client in clients] == [200, 200, 200]
    age(registry, "api_tokens", "expires_at", "token_hash", made[0][1])
    accounts.tokens.revoke(made[1][0].id, by="test")
    assert [client.get("/api/labs").status_code for client in clients] == [401, 401, 200]
    accounts.set_role(PUBLISHER, Role.VIEWER, by="test")
    assert clients[2].post("/api/labs", json=LAB).status_code == 403, "a role holds from the next request"
    accounts.delete(PUBLISHER, by="test")
    assert clients[2].get("/api/labs").status_code == 401


def test_a_token_needs_no_csrf_and_is_no_cookie(app: FastAPI, client: Client) -> None:
    assert client().post("/api/labs", json=LAB, headers={"Origin": "https://elsewhere.example"}).status_code == 201
    token = client().headers["Authorization"].partition(" ")[2]
    assert visitor(app).get("/api/labs", headers={"Cookie": f"datalab_session={token}"}).status_code == 401
    assert visitor(app).get("/api/labs", headers={"Authorization": f"Basic {token}"}).status_code == 401


# --------------------------------------------------------------------------------------------------------- roles


def test_a_viewer_who_asks_for_a_report_is_told_no_and_gets_no_row(client: Client, service: QuietService) -> None:
    lab = ready_lab(service)
    results = f"/api/labs/{lab.id}/results/current"
    assert client(VIEWER).get(f"{results}/files/statistics.json").status_code == 200
    rows = (f"{results}/rows/identifiers", f"{results}/rows/identifiers/download")
    for path in (f"{results}/reports/identifiers", f"{results}/reports/identifiers/validation-report.zip", *rows):
        answer = client(VIEWER).get(path)
        assert answer.status_code == 403 and "private" in answer.json()["error"]["message"]
        assert answer.headers["Content-Type"] == "application/json"


def test_an_admin_sees_the_aggregates_of_labs_that_share_and_nothing_else(
    client: Client, service: QuietService
) -> None:
    shared = ready_lab(service, "Shared", shareStatistics=True)
    private = ready_lab(service, "Private")
    admin = client(ADMIN)
    listed = admin.get("/api/shared/labs").json()
    assert [(lab["id"], lab["name"], lab["status"]) for lab in listed] == [(shared.id, "Shared", "SUCCESS")]
    assert set(listed[0]) == {"id", "name", "status", "computedAt"}
    statistics = StatisticsResultV2.model_validate_json(FILES["statistics.json"])
    disclosed = admin.get(f"/api/shared/labs/{shared.id}/statistics.json").json()
    assert disclosed == shareable(statistics, 10, shared=True)
    dashboard = admin.get(f"/api/shared/labs/{shared.id}/dashboard.html").text
    assert "made for sharing" in dashboard and "secret finding" not in dashboard
    status = admin.get(f"/api/shared/labs/{shared.id}/validation-status.json").json()
    assert status == {
        "status": "SUCCESS",
        "datasets": {"identifiers": {"status": "SUCCESS"}},
        "statistics": {"status": "SUCCESS", "data_errors": [], "quality_warnings": []},
    }
    assert admin.get(f"/api/shared/labs/{shared.id}/comparison.json").status_code == 422
    hidden = [admin.get(f"/api/shared/labs/{lab}/statistics.json") for lab in (private.id, "Private", "Privat", "x")]
    assert [answer.status_code for answer in hidden] == [404] * 4
    assert "did you mean" not in "".join(answer.text for answer in hidden), "a suggestion would reveal the lab"
