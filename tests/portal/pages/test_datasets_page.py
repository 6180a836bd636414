"""The Dataset Portal without scripts: the list, searching, deleting; and its speed with many labs."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from datalab.kinds import DatasetKind
from tests.portal.clients import TestClient
from tests.portal.deployments import QuietService, definition
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import Read, read, send

LISTS = ("/datalabs?size=100", "/datasets", "/datalabs.json?size=100", "/api/labs")


def test_without_scripts_the_page_names_the_command(publisher: TestClient, viewer: TestClient) -> None:
    assert "datalab dataset upload FILE" in read(publisher, "/datasets").text
    assert "datalab dataset upload" not in read(viewer, "/datasets").text


@pytest.mark.parametrize("address", ["/datasets/upload", "/datalabs/new", "/datasets/{held}/delete"])
def test_no_form_takes_a_file(
    publisher: TestClient, service: QuietService, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form parser would write it to disk in plain text while it arrives."""
    held = service.upload_dataset(io.BytesIO(b"u1,s1\n"), "segments.csv").manifest_hash
    spooled: list[object] = []
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", lambda *size, **more: spooled.append(size))
    token = read(publisher, "/datasets").form("/logout").fields["csrf_token"]
    files = {"file": ("users.csv", io.BytesIO(b"u1,s1\n"))}
    answer = publisher.post(address.format(held=held), data={"csrf_token": token}, files=files)
    assert answer.status_code in (403, 404, 405, 415), answer.text
    assert spooled == []
    assert [dataset.manifest_hash for dataset in service.datasets()] == [held]


def test_rows_are_shown_once_a_validation_has_counted_them(
    publisher: TestClient, service: QuietService, validated: Validated
) -> None:
    service.upload_dataset(io.BytesIO(b"x"), "never-validated.csv")
    lab = validated()
    rows = {row["name"]: row["rows"] for row in publisher.get("/datasets.json").json()["datasets"]}
    summary = service.results(lab.id)[0].summary
    assert rows["segments.csv"] == summary["segments.valid_rows"] + summary["segments.invalid_rows"]
    assert rows["never-validated.csv"] is None
    service.change(lab.id, {DatasetKind.SEGMENTS: None})
    again = {row["name"]: row["rows"] for row in publisher.get("/datasets.json").json()["datasets"]}
    assert again == rows, "content does not change, so its count stays known"


def test_deleting_asks_and_says_where_it_is_still_used(
    publisher: TestClient, service: QuietService, validated: Validated
) -> None:
    lab = validated(name="In use")
    held = lab.slots[0].manifest_hash
    page = read(publisher, f"/datasets/{held}/delete")
    assert "It is provisioned to 1 slot" in page.text and f"/datalabs/{lab.id}" in page.links
    refused = send(publisher, page, f"/datasets/{held}/delete")
    assert "It is provisioned to 1 slot" in refused.text and service.dataset(held)
    after = send(publisher, page, f"/datasets/{held}/delete", force="yes")
    assert "Deleted identifiers.csv and its key." in after.text
    assert held not in {dataset.manifest_hash for dataset in service.datasets()}
    assert publisher.get(f"/datasets/{held}/delete").status_code == 404


def test_searching(publisher: TestClient, service: QuietService) -> None:
    for name in ("May users.csv", "June users.csv"):
        service.upload_dataset(io.BytesIO(b"x"), name)
    assert [row["name"] for row in publisher.get("/datasets.json?q=may").json()["datasets"]] == ["May users.csv"]
    june = service.datasets()[1].manifest_hash
    assert "June users.csv" in read(publisher, f"/datasets?q={june[:8]}").text
    page = read(publisher, "/datasets?q=%3Cscript%3E")
    assert "No dataset has “<script>” in its name" in page.text and "Show all 2" in page.text


def test_labs_are_filtered_by_state_and_name(
    publisher: TestClient, service: QuietService, validated: Validated
) -> None:
    validated(name="Ready one")
    service.create_lab(definition("Empty one"))
    page: Read = read(publisher, "/datalabs")
    assert page.text.index("Empty one") < page.text.index("Ready one"), "the newest first"
    assert "Ready 1" in page.text and "Empty 1" in page.text
    ready = publisher.get("/datalabs.json?state=Ready").json()
    assert [lab["name"] for lab in ready["labs"]] == ["Ready one"] and ready["total"] == 2
    assert [lab["name"] for lab in publisher.get("/datalabs.json?q=EMPTY").json()["labs"]] == ["Empty one"]
    assert "No Datalab is Failed" in read(publisher, "/datalabs?state=Failed").text or ready["states"]


@pytest.mark.slow
def test_many_labs_are_listed_with_as_few_queries_as_some(
    publisher: TestClient, service: QuietService, validated: Validated
) -> None:
    """How long a page takes with 200 labs is measured by `benchmarks.portal`."""
    first = validated()
    changes = {slot.kind: slot.manifest_hash for slot in first.slots}
    asked: list[dict[str, int]] = []
    for labs in (4, 50):
        for number in range(len(service.labs()), labs):
            lab = service.create_lab(first.definition.model_copy(update={"name": f"Lab {number}"}))
            if number % 2:
                service.change(lab.id, changes)
        asked.append({address: queries(lambda at=address: publisher.get(at)) for address in LISTS})
    some, many = asked
    assert some == many
    assert len(read(publisher, "/datalabs?size=100").links) >= 50


def queries(ask: Callable[[], object]) -> int:
    """How many statements the database is sent meanwhile."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert sent
    return len(sent)


def test_labs_are_listed_in_pages_sorted_and_filtered_by_the_address(
    publisher: TestClient, service: QuietService
) -> None:
    for number in range(23):
        service.create_lab(definition(f"Lab {number:02}"))
    newest = publisher.get("/datalabs.json").json()
    assert len(newest["labs"]) == 20 and newest["paging"]["words"] == "1–20 of 23"
    assert newest["labs"][0]["name"] == "Lab 22" and newest["paging"]["following"] == "/datalabs?page=2"
    last = publisher.get("/datalabs.json?sort=name&page=2").json()
    assert [lab["name"] for lab in last["labs"]] == ["Lab 20", "Lab 21", "Lab 22"]
    assert last["paging"]["previous"] == "/datalabs?sort=name" and last["paging"]["following"] is None
    page = read(publisher, "/datalabs?sort=name&q=lab+1&size=5")
    assert "Datalabs 1–5 of 10" in page.text
    assert "/datalabs?sort=-name&q=lab+1&size=5" in page.links
    assert "/datalabs?sort=name&q=lab+1&size=5&page=2" in page.links
    assert "There is no Datalab on this page" in read(publisher, "/datalabs?page=9").text
    assert len(publisher.get("/datalabs.json?size=1000").json()["labs"]) == 23


def test_datasets_are_listed_in_pages_sorted_and_filtered_by_the_address(
    publisher: TestClient, service: QuietService
) -> None:
    for number in range(22):
        service.upload_dataset(io.BytesIO(b"u1,s1\n" * (number + 1)), f"file {number:02}.csv")
    newest = publisher.get("/datasets.json").json()
    assert (len(newest["datasets"]), newest["paging"]["words"]) == (20, "1–20 of 22")
    assert newest["datasets"][0]["name"] == "file 21.csv"
    smallest = publisher.get("/datasets.json?sort=size&page=2").json()
    assert [one["name"] for one in smallest["datasets"]] == ["file 20.csv", "file 21.csv"]
    lab = service.create_lab(definition("Uses"))
    service.change(lab.id, {DatasetKind.IDENTIFIERS: smallest["datasets"][0]["manifestHash"]})
    page = read(publisher, "/datasets?use=used&sort=-name")
    assert "file 20.csv" in page.text and "file 21.csv" not in page.text and "Uses" in page.text
    assert "/datasets?use=used&sort=name" in page.links
    assert (
        "No dataset is used in a Datalab and has “nothing” in its name"
        in read(publisher, "/datasets?use=used&q=nothing").text
    )
    unknown = publisher.get("/datasets.json?sort=no&kind=no&use=no&size=no&page=no").json()
    now = publisher.get("/datasets.json").json()
    assert {**unknown, "sorting": {}, "paging": {}} == {**now, "sorting": {}, "paging": {}}
    assert unknown["sorting"]["by"] == "-created" and unknown["paging"]["words"] == "1–20 of 22"
