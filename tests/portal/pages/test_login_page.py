"""Logging in and out with forms."""

from __future__ import annotations

from fastapi import FastAPI

from tests.portal.clients import visitor
from tests.portal.deployments import PASSWORD, PUBLISHER
from tests.portal.pages.conftest import signed_in
from tests.portal.pages.reading import Read, read, send


def test_a_wrong_password_says_no_more_than_that(app: FastAPI, people: None) -> None:
    client = visitor(app)
    page = send(client, read(client, "/login"), "/login", email=PUBLISHER, password="wrong password <b>")
    assert "The e-mail address or the password is wrong." in page.text
    assert "wrong password" not in page.html and client.cookies.get("datalab_session") is None
    unknown = send(client, page, "/login", email="unknown@publisher.example", password="wrong password")
    assert "The e-mail address or the password is wrong." in unknown.text


def test_the_login_leads_back_to_where_one_was_going(app: FastAPI, people: None) -> None:
    for wanted, reached in (("/datasets", "/datasets"), ("https://elsewhere.example/", "/"), ("//elsewhere", "/")):
        client = visitor(app)
        page = read(client, f"/login?next={wanted}")
        fields = {**page.form("/login").fields, "email": PUBLISHER, "password": PASSWORD}
        assert client.post("/login", data=fields).headers["location"] == reached


def test_who_signs_out_is_out(app: FastAPI, people: None) -> None:
    client = signed_in(app, PUBLISHER)
    page = read(client, "/datalabs")
    assert PUBLISHER in page.text
    after = send(client, page, "/logout")
    assert "You are signed out." in after.text and PUBLISHER not in after.text
    assert client.get("/datalabs.json").status_code == 401


def test_too_many_attempts_are_told_to_wait(app: FastAPI, people: None) -> None:
    client = visitor(app)
    form = read(client, "/login").form("/login").fields
    for _ in range(40):
        answer = client.post("/login", data={**form, "email": PUBLISHER, "password": "wrong password"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
    assert "Too many logins failed here lately" in Read(answer.text).text
