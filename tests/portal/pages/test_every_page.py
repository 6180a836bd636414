"""What holds for every page: its JSON twin, its content policy, its forms, and that names of labs are text."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from fastapi import FastAPI

from datalab.lab import load_lab
from datalab.registry import Registry
from datalab_dagster.portal.pages.routes import PAGES
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient, visitor
from tests.portal.deployments import QuietService
from tests.portal.pages.conftest import CASES, FULL, Validated
from tests.portal.pages.reading import Read, read

EVIL = "<script>alert(1)</script> \"quoted\" 'single' {{ 7*7 }} & <b>bold</b>"


@pytest.fixture
def lab(service: QuietService, validated: Validated) -> LabInfo:
    """A validated lab with names, those of identifiers and segments too, that a page must not take for markup."""
    names = {name: f"{name} {EVIL}" for name in ("hashed_email", "maid", "seg2", "seg7")}
    config = [
        entry.model_copy(update={"id_name": names.get(entry.id_name, entry.id_name)})
        for entry in load_lab(CASES / FULL / "lab.json").identifiers_config
    ]

    def rename(report: dict[str, Any]) -> None:
        text = json.dumps(report)
        for name, evil in names.items():
            text = text.replace(json.dumps(name), json.dumps(evil))
        report.update(json.loads(text))
        report["quality_warnings"] = [
            {"code": "SHARED_ID", "message": f"hashed_email {EVIL}: one id has 9 users (limit 5)"}
        ]

    lab = validated(name=EVIL, identifiers_config=config, change=rename)
    service.upload_dataset(io.BytesIO(b"u1,s1\n"), EVIL, description=EVIL)
    return lab


def addresses(service: QuietService, lab: LabInfo) -> list[str]:
    """The addresses of all pages that have a twin, filled in."""
    values = {
        "lab": lab.id,
        "kind": "segments",
        "run": service.runs(lab.id)[0].run_id,
        "dataset": service.datasets()[-1].manifest_hash,
        "finding": "1",
    }
    return [re.sub(r"{(\w+)}", lambda match: values[match[1]], page.path) for page in PAGES if page.twin]


def test_every_page_has_a_twin_and_is_safe_to_show(publisher: TestClient, service: QuietService, lab: LabInfo) -> None:
    for address in addresses(service, lab):
        page = read(publisher, address)
        assert "<script>alert" not in page.html and "<b>bold" not in page.html, address
        assert "49" not in re.findall(r"quoted.{0,60}", page.html), "no template runs in a name"
        twin = publisher.get(f"{address}.json")
        assert twin.status_code == 200 and twin.headers["content-type"] == "application/json", address
        assert isinstance(twin.json(), dict)


def test_evil_names_are_readable_text(publisher: TestClient, lab: LabInfo) -> None:
    assert EVIL in read(publisher, "/datalabs").text
    assert EVIL in read(publisher, "/datasets").text
    assert EVIL in read(publisher, f"/datalabs/{lab.id}").text
    assert publisher.get(f"/datalabs/{lab.id}.json").json()["lab"]["name"] == EVIL


def test_evil_names_of_identifiers_and_segments_are_shown(publisher: TestClient, lab: LabInfo) -> None:
    text = read(publisher, f"/datalabs/{lab.id}/statistics").text
    assert f"maid {EVIL}" in text and f"seg7 {EVIL}" in text


def test_no_page_needs_a_script_or_style_of_its_own(publisher: TestClient, service: QuietService, lab: LabInfo) -> None:
    for address in [*addresses(service, lab), "/no-such-page"]:
        page = read(publisher, address, 404 if address == "/no-such-page" else 200)
        for tag, attributes in page.tags:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], (address, tag)
            assert tag != "style", address
            if tag == "script":
                assert attributes.get("src", "").startswith("/static/") or attributes["type"] == "application/json"
            for name in ("src", "href", "action"):
                target = attributes.get(name) or "/"
                assert target.startswith(("/", "#")) and not target.startswith("//"), (address, target)


def test_every_form_carries_the_token_of_the_session(
    publisher: TestClient, service: QuietService, lab: LabInfo
) -> None:
    found = 0
    for address in addresses(service, lab):
        for form in read(publisher, address).forms:
            if form.method == "post" and form.action != "/login":
                assert len(form.fields["csrf_token"]) == 64, (address, form.action)
                found += 1
    assert found > 10


def test_every_page_names_itself_and_its_parts(publisher: TestClient, service: QuietService, lab: LabInfo) -> None:
    titles = set()
    for address in addresses(service, lab):
        page = read(publisher, address)
        title = re.search(r"<title>(.*?)</title>", page.html)
        assert title and title[1], address
        titles.add(title[1])
        assert sum(tag == "h1" for tag, _ in page.tags) == 1, address
        assert _unlabelled(page) == [], address
    assert len(titles) == len(addresses(service, lab))


def _unlabelled(page: Read) -> list[str]:
    """Fields that no label names, neither around them nor for them nor by attribute."""
    named = {attributes.get("for") for tag, attributes in page.tags if tag == "label"}
    wrapped = set(re.findall(r"<label[^>]*>\s*<input[^>]*name=\"([^\"]+)\"", page.html))
    return [
        attributes.get("name") or tag
        for tag, attributes in page.tags
        if tag in ("input", "select", "textarea")
        and attributes.get("type") not in ("hidden", "submit")
        and attributes.get("id") not in named
        and not attributes.get("aria-label")
        and (attributes.get("name") or "") not in wrapped
        and attributes.get("name")
    ]


def test_without_anything_pages_teach(publisher: TestClient, viewer: TestClient) -> None:
    labs = read(publisher, "/datalabs")
    assert "No Datalab yet" in labs.text and "/datalabs/new" in labs.links
    datasets = read(publisher, "/datasets")
    assert "userId, idName, id" in datasets.text and "datalab dataset upload" in datasets.text
    assert "/datalabs/new" not in read(viewer, "/datalabs").links
    assert read(viewer, "/datasets").forms == [
        form for form in read(viewer, "/datasets").forms if "upload" not in form.action
    ]


def test_who_is_not_signed_in_is_led_to_the_login_and_back(app: FastAPI, people: None, registry: Registry) -> None:
    answer = visitor(app).get("/datalabs?state=Ready", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fdatalabs%3Fstate%3DReady"
    assert visitor(app).get("/datalabs.json").status_code == 401


def test_an_unknown_address_is_answered_kindly(publisher: TestClient) -> None:
    page = read(publisher, "/datalabs/no-such-lab", 404)
    assert "There is nothing here" in page.text and "no-such-lab" in page.text
    assert "`datalab" not in page.text, "commands help in a terminal only"
    error = publisher.get("/datalabs/no-such-lab.json").json()["error"]
    assert error["code"] == "LabNotFound"


def test_static_files_may_be_kept_for_ever_under_their_version(publisher: TestClient) -> None:
    page = read(publisher, "/datalabs")
    sheet = next(attributes["href"] for tag, attributes in page.tags if attributes.get("rel") == "stylesheet")
    assert sheet
    answer = publisher.get(sheet)
    assert "immutable" in answer.headers["cache-control"] and answer.headers["content-type"].startswith("text/css")
    again = publisher.get(sheet, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    for trick in ("/static/../pages/page.py", "/static/%2e%2e/pages/page.py", "/static/nothing.css", "/static/"):
        assert publisher.get(trick).status_code == 404, trick
    assert publisher.post(sheet).status_code == 405


def test_the_twin_is_all_that_the_page_says(publisher: TestClient, lab: LabInfo) -> None:
    twin = publisher.get(f"/datalabs/{lab.id}.json").json()
    page = read(publisher, f"/datalabs/{lab.id}")
    for figure in twin["headlines"]:
        assert figure["value"] in page.text
    for slot in twin["slots"]:
        assert slot["holds"]["datasetName"] in page.text
    assert json.dumps(twin), "plain JSON"
