"""The owner of a deployment without users: the visitor who knows the secret of this start, and no other."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from datalab.home.settings import PortalSettings
from datalab.registry import Registry
from datalab_dagster.portal.app import create_app
from datalab_dagster.portal.binding import check_bind
from datalab_dagster.portal.errors import BindRefused
from tests.portal.clients import TestClient, visitor
from tests.portal.deployments import SECRET, QuietService
from tests.portal.test_access import BROWSER, LAB, code, user


def test_without_users_who_knows_the_secret_is_the_owner(app: FastAPI, owner: TestClient) -> None:
    me = owner.get("/api/session").json()
    assert (me["email"], me["role"], me["via"], me["csrfToken"]) == ("owner@localhost", "publisher", "local", None)
    assert owner.post("/api/labs", json=LAB).json()["createdBy"] == "owner@localhost"


@pytest.mark.parametrize(
    "stranger",
    [
        {},
        {"address": "192.0.2.7"},
        {"headers": {"X-Forwarded-For": "192.0.2.7"}},
        {"headers": {"Forwarded": "for=192.0.2.7"}},
        {"headers": {"Via": "1.0 proxy"}},
        {"headers": {"X-Real-IP": "127.0.0.1"}},
        {"headers": {"X-Forwarded-Proto": "https"}},
        {"headers": {"Authorization": "Bearer nonsense"}},
        {"headers": {"Authorization": "Bearer "}},
        {"headers": {"Authorization": f"Basic {SECRET}"}},
        {"headers": {"Cookie": f"datalab_session={SECRET}"}},
        {"headers": {"Cookie": "datalab_session=owner.99999999999.x.y"}},
    ],
    ids=str,
)
def test_others_are_not_the_owner(app: FastAPI, stranger: dict[str, object]) -> None:
    client = visitor(app, address=str(stranger.get("address", "127.0.0.1")))
    answer = client.get("/api/labs", headers=stranger.get("headers"))  # type: ignore[arg-type]
    assert answer.status_code == 401 and code(answer) == "LoginNeeded"


def test_the_address_with_the_secret_signs_in_and_is_left_at_once(app: FastAPI, registry: Registry) -> None:
    client = visitor(app)
    answer = client.get(f"/datalabs?q=a%26b&token={SECRET}&state=Ready")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/datalabs?q=a%26b&state=Ready")
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and SECRET not in cookie
    me = client.get("/api/session").json()
    assert (me["email"], me["via"]) == ("owner@localhost", "local")
    csrf = {"X-CSRF-Token": me["csrfToken"]}
    assert client.post("/api/labs", json=LAB, headers={**BROWSER, **csrf}).status_code == 201
    [login] = [entry for entry in registry.accounts.audit.entries() if entry.action == "login"]
    assert (login.actor, login.via, login.address) == ("owner@localhost", "local", "127.0.0.1")
    assert client.delete("/api/session", headers={**BROWSER, **csrf}).status_code == 204
    assert client.get("/api/session").status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", f"{SECRET}x", "%C3%A9", "%ED%A0%80"])
def test_another_token_in_the_address_signs_no_one_in(signed_out: TestClient, token: str) -> None:
    answer = signed_out.get(f"/datalabs?token={token}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/datalabs")
    assert "Set-Cookie" not in answer.headers
    assert signed_out.get(f"//evil.example/?token={token}").headers["Location"] == "/"
    assert signed_out.get(f"/api/labs?token={SECRET}").status_code == 401, "programs send a header, which no log holds"
    assert signed_out.post(f"/login?token={SECRET}", data={"token": "wrong"}).status_code == 401


def test_a_cookie_of_the_owner_ends(app: FastAPI, owners_browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert owners_browser.get("/api/labs").status_code == 200
    monkeypatch.setattr("time.time", lambda: __import__("datetime").datetime.now().timestamp() + 13 * 3600)
    assert owners_browser.get("/api/labs").status_code == 401


def test_the_login_page_takes_the_token_while_there_are_no_users(
    app: FastAPI, signed_out: TestClient, registry: Registry
) -> None:
    page = signed_out.get("/login").text
    assert 'name="token"' in page and 'name="password"' not in page and "up.token" in page
    refused = signed_out.post("/login", data={"token": "wrong"})
    assert refused.status_code == 401 and "Every start makes a new one" in refused.text
    assert (
        signed_out.post("/login", data={"token": SECRET}, headers={"Origin": "https://evil.example"}).status_code == 403
    )
    answer = signed_out.post("/login", data={"token": f" {SECRET} ", "next": "/datasets"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/datasets")
    assert signed_out.get("/datasets").status_code == 200
    user(registry)
    assert visitor(app).post("/login", data={"token": SECRET}).status_code == 401
    assert 'name="password"' in visitor(app).get("/login").text


def test_as_soon_as_there_is_a_user_everybody_has_to_log_in(
    app: FastAPI, owner: TestClient, owners_browser: TestClient, registry: Registry
) -> None:
    assert (owner.get("/api/labs").status_code, owners_browser.get("/api/labs").status_code) == (200, 200)
    user(registry)
    assert (owner.get("/api/labs").status_code, owners_browser.get("/api/labs").status_code) == (401, 401)
    assert "Set-Cookie" not in visitor(app).get(f"/?token={SECRET}").headers


def test_a_page_whose_name_was_bound_to_this_address_gets_nothing(owner: TestClient) -> None:
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[", ""):
        answer = owner.get("/api/labs", headers={"Host": host})
        assert answer.status_code == 421 and code(answer) == "HostRefused", host
    for host in ("127.0.0.1:8000", "localhost:9", "[::1]:8000", "LOCALHOST"):
        assert owner.get("/api/labs", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        BROWSER,
        {**BROWSER, "X-CSRF-Token": "wrong"},
    ],
    ids=str,
)
def test_a_page_of_somebody_else_changes_nothing(
    owners_browser: TestClient, service: QuietService, sent: dict[str, str]
) -> None:
    answer = owners_browser.post("/api/labs", json=LAB, headers=sent)
    assert answer.status_code == 403 and code(answer) == "RequestForged"
    assert service.labs() == []


def test_our_own_page_and_a_program_may_change_things(owner: TestClient, owners_browser: TestClient) -> None:
    token = owners_browser.get("/api/session").json()["csrfToken"]
    assert owners_browser.post("/api/labs", json=LAB, headers={**BROWSER, "X-CSRF-Token": token}).status_code == 201
    assert owner.post("/api/labs", json=LAB).status_code == 201


def test_the_portal_is_not_bound_elsewhere_without_users(registry: Registry) -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        check_bind(host, registry.accounts)
    for host in ("0.0.0.0", "::", "labs.publisher.example", "192.0.2.7", ""):
        with pytest.raises(BindRefused, match="datalab user add"):
            check_bind(host, registry.accounts)
    user(registry)
    check_bind("0.0.0.0", registry.accounts)


def test_bound_elsewhere_nobody_is_the_owner_even_when_the_last_user_goes(
    service: QuietService, registry: Registry
) -> None:
    app = create_app(service, PortalSettings(host="0.0.0.0"), secret=SECRET)
    assert visitor(app).get("/api/labs").status_code == 401
    assert visitor(app, SECRET).get("/api/labs").status_code == 401
    assert visitor(app, base="http://any.name.example").get("/api/health").status_code == 200
