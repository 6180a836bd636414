"""The Dataset Portal without scripts: the list, the plain upload, deleting; and its speed with many labs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from datalab.kinds import DatasetKind
from datalab_dagster.portal.pages.upload import base_name
from tests.portal.clients import TestClient
from tests.portal.deployments import PUBLISHER, QuietService, definition
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import Read, read, send

UPLOAD = "/datasets/upload"
LISTS = ("/datalabs", "/datasets", "/datalabs.json", "/api/labs")


def upload(client: TestClient, file_name: str, content: bytes, **fields: str) -> tuple[int, str]:
    form = read(client, "/datasets").form(UPLOAD).fields
    files = {"file": (file_name, io.BytesIO(content), "text/csv")}
    answer = client.post(UPLOAD, data={**form, **fields}, files=files, headers={"Accept": "text/html"})
    return answer.status_code, answer.text


def test_a_plain_form_uploads(publisher: TestClient, service: QuietService) -> None:
    content = b"user-1,hem,\r\n--not-a-boundary\r\n" * 100_000
    assert upload(publisher, "users.csv", content) == (303, "")
    (dataset,) = service.datasets()
    assert (dataset.name, dataset.size, dataset.created_by) == ("users.csv", len(content), PUBLISHER)
    with service.for_user(PUBLISHER).download_dataset(dataset.manifest_hash) as stored:
        assert stored.read() == content
    page = read(publisher, "/datasets")
    assert "Uploaded users.csv. Provision it to a Datalab next." in page.text
    assert "3.1 MB" in page.text and "nowhere" in page.text


def test_a_name_of_ones_own(publisher: TestClient, service: QuietService) -> None:
    upload(publisher, "../../etc/export final (2).csv", b"", name=" May <i>users</i> ")
    upload(publisher, "..\\..\\boot.csv", b"x")
    assert [(dataset.name, dataset.size) for dataset in service.datasets()] == [
        ("May <i>users</i>", 0),
        ("boot.csv", 1),
    ]
    assert base_name("/a/b/") == ""


def test_without_the_token_nothing_is_stored(publisher: TestClient, viewer: TestClient, service: QuietService) -> None:
    status, text = upload(publisher, "users.csv", b"x", csrf_token="0" * 64)
    assert status == 403 and "This page is no longer valid" in text
    token = read(viewer, "/datasets").form("/logout").fields["csrf_token"]
    files = {"file": ("users.csv", io.BytesIO(b"x"))}
    assert viewer.post(UPLOAD, data={"csrf_token": token}, files=files).status_code == 403
    other = {"Origin": "https://elsewhere.example", "Accept": "text/html"}
    form = read(publisher, "/datasets").form(UPLOAD).fields
    assert publisher.post(UPLOAD, data=form, files=files, headers=other).status_code == 403
    assert service.datasets() == []


def test_a_form_without_a_file_or_cut_short_is_told(publisher: TestClient, service: QuietService) -> None:
    token = read(publisher, "/datasets").form(UPLOAD).fields["csrf_token"]
    kind = {"Content-Type": "multipart/form-data; boundary=b", "Accept": "text/html"}
    field = f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
    file = '--b\r\nContent-Disposition: form-data; name="file"; filename="{}"\r\n\r\n'
    for body, said in (
        (field + "--b--\r\n", "No file was chosen"),
        (field + file.format("") + "\r\n--b--\r\n", "No file was chosen"),
        (field + file.format("a.csv") + "u1,s1\r\n", "it ends inside the file"),
        ("this is no form", "it is not a form"),
    ):
        answer = publisher.post(UPLOAD, content=body.encode(), headers=kind)
        assert answer.status_code == 422 and said in answer.text, said
    assert publisher.post(UPLOAD, data={"csrf_token": token}).status_code == 415
    assert service.datasets() == []


def test_a_body_that_comes_in_pieces(publisher: TestClient, service: QuietService) -> None:
    token = read(publisher, "/datasets").form(UPLOAD).fields["csrf_token"]
    row = b"user,segment\n"

    def body() -> Iterator[bytes]:
        yield f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n--b\r\nConte'.encode()
        yield b'nt-Disposition: form-data; name="file"; filename="pieces.csv"\r\n\r\n'
        for _ in range(2000):
            yield row
        yield b"\r\n--"
        yield b"b--\r\n"

    answer = publisher.post(UPLOAD, content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 303, answer.text
    assert [dataset.size for dataset in service.datasets()] == [2000 * len(row)]


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
    assert len(read(publisher, "/datalabs").links) >= 50


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
