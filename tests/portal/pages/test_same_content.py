"""The pages say that an uploaded content is stored already, and offer the stored dataset."""

from __future__ import annotations

import io

import pytest

from datalab.registry import KeyRole, Registry
from datalab.registry.accounts import Role
from tests.portal.clients import TestClient
from tests.portal.deployments import PUBLISHER, VIEWER, QuietService
from tests.portal.pages.reading import read

ROW = b"u1,s1\n"
OTHER = "otto@publisher.example"


@pytest.fixture
def first(service: QuietService) -> str:
    return store(service, "october.csv")


def store(service: QuietService, name: str, **options: object) -> str:
    return service.upload_dataset(io.BytesIO(ROW), name, **options).manifest_hash  # type: ignore[arg-type]


def test_after_an_upload_the_stored_one_is_offered(publisher: TestClient, service: QuietService, first: str) -> None:
    alone = read(publisher, f"/datasets?stored={first}")
    assert "Stored october.csv" in alone.text and "stored already" not in alone.text
    second = store(service, "again.csv")
    page = read(publisher, f"/datasets?stored={second}")
    assert "The same content is stored already: october.csv" in page.text
    assert "Open october.csv" in page.text and "Delete this copy" in page.text
    offered = [link for link in page.links if link in (f"/datasets/{first}", f"/datasets/{second}/delete")]
    assert offered[:2] == [f"/datasets/{first}", f"/datasets/{second}/delete"]
    [row] = publisher.get(f"/datasets.json?stored={second}").json()["stored"]
    assert (row["same"]["manifestHash"], row["same"]["name"]) == (first, "october.csv")


def test_the_page_of_a_dataset_names_all_of_its_content(
    publisher: TestClient, viewer: TestClient, service: QuietService, first: str
) -> None:
    second, third = store(service, "again.csv"), store(service, "and again.csv")
    page = read(publisher, f"/datasets/{second}")
    assert f"/datasets/{first}" in page.links and f"/datasets/{third}" in page.links
    assert "Same content" in page.text
    assert "Same content" not in read(viewer, f"/datasets/{second}").text


def test_a_user_who_is_no_owner_is_not_offered_to_delete(
    publisher: TestClient, service: QuietService, first: str
) -> None:
    second = store(service, "again.csv", access={OTHER: KeyRole.OWNER, PUBLISHER: KeyRole.USER})
    page = read(publisher, f"/datasets?stored={second}")
    assert "The same content is stored already: october.csv" in page.text and "Delete this copy" not in page.text


def test_another_publishers_page_says_nothing(
    publisher: TestClient, service: QuietService, registry: Registry, first: str
) -> None:
    registry.accounts.add(OTHER, Role.PUBLISHER, by="root@localhost")
    theirs = store(service.for_user(OTHER), "ottos.csv")
    for address in (f"/datasets?stored={first}", f"/datasets/{first}", f"/datasets?stored={theirs}"):
        page = read(publisher, address)
        assert "stored already" not in page.text and "Same content" not in page.text
    service.set_key_access(first, {PUBLISHER: KeyRole.OWNER, VIEWER: KeyRole.USER})
    assert publisher.get(f"/datasets/{first}.json").json()["same"] == []
