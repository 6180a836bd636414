"""The page of a dataset and its repair: steps to choose, the copy, and replacing the original, all without scripts."""

from __future__ import annotations

import io

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import KeyRole, Registry
from datalab_dagster.service import LabInfo
from datalab_dagster.service.repairs_protocol import RepairQuery
from tests.portal.clients import TestClient
from tests.portal.deployments import IDENTIFIERS, QuietService, definition
from tests.portal.pages.reading import read, send
from tests.recognised_files import text_of

USERS = [f"usr{number}x" for number in range(60)]
PLAIN = text_of([["id", "kind", "value"], *([user, "hem", f" {user}@x.example"] for user in USERS)], ";")
OTHER = "otto@publisher.example"


@pytest.fixture
def lab(service: QuietService, original: str) -> LabInfo:
    """A lab whose identifiers are not hashed, and have semicolons and a header."""
    made = service.create_lab(definition("Spring", numIdentifiersColumns=3))
    return service.change(made.id, {IDENTIFIERS: original})


@pytest.fixture
def original(service: QuietService) -> str:
    return service.upload_dataset(io.BytesIO(PLAIN.encode()), "ids.csv").manifest_hash


def test_from_the_steps_to_the_replaced_dataset(
    publisher: TestClient, service: QuietService, lab: LabInfo, original: str, registry: Registry
) -> None:
    assert f"/datasets/{original}" in read(publisher, f"/datalabs/{lab.id}").links
    assert f"/datasets/{original}/repair" in read(publisher, f"/datasets/{original}").links
    address = f"/datasets/{original}/repair"
    page = read(publisher, address)
    form = next(form for form in page.forms if form.method == "post" and form.action == address)
    assert form.fields["step"] == ["separator", "header", "blanks", "hash"] and form.fields["lab"] == lab.id
    assert "Hash plain e-mail addresses" in page.text and "100.0%" in page.text and "usr" not in page.text
    twin = publisher.get(f"{address}.json").json()
    assert [step["touched"] for step in twin["proposal"]["steps"]] == [61, 1, 60, 60]
    assert twin["proposal"]["before"]["valid"] == 0 and twin["proposal"]["steps"][-1]["after"]["valid"] == 60

    after = send(publisher, page, address)
    copy = next(one for one in service.datasets() if one.made_from == original)
    assert "60 of 60 rows are valid; of the original, 0 of 61." in after.text
    assert "Made from ids.csv , which is unchanged." in after.text and "Leave out the header 1" in after.text
    action = f"/datasets/{copy.manifest_hash}/replace"
    assert after.form(action).fields["lab"] == lab.id
    replaced = send(publisher, after, action)
    assert "Replaced the original by ids.csv (repaired) in Spring." in replaced.text and "Spring" in replaced.text
    assert service.lab(lab.id).slots[0].manifest_hash == copy.manifest_hash
    assert service.events(lab.id)[-1].replaced == original
    assert [entry.action for entry in registry.accounts.audit.entries(limit=2)] == ["lab.provision", "dataset.repair"]
    again = read(publisher, f"/datasets/{copy.manifest_hash}")
    assert [form.action for form in again.forms if form.action == action] == []
    assert "ids.csv (repaired)" in read(publisher, f"/datasets/{original}").text
    assert "Nothing to repair" in read(publisher, f"/datasets/{copy.manifest_hash}/repair").text


def test_only_ticked_steps_are_done(publisher: TestClient, service: QuietService, original: str) -> None:
    address = f"/datasets/{original}/repair"
    page = read(publisher, f"{address}?kind=identifiers")
    send(publisher, page, address, step="separator")
    [copy] = [one for one in service.datasets() if one.made_from]
    assert [step.name for step in copy.steps] == ["separator"]
    none = send(publisher, page, address, step="")
    assert "Choose at least one step." in none.text and len(service.datasets()) == 2


def test_two_labs_are_replaced_at_once_or_one_of_them(
    publisher: TestClient, service: QuietService, lab: LabInfo, original: str
) -> None:
    other = service.create_lab(definition("Summer", numIdentifiersColumns=3))
    service.change(other.id, {IDENTIFIERS: original})
    copy = service.repairs.store(RepairQuery(original, kind=IDENTIFIERS, lab=lab.definition)).dataset.manifest_hash
    page = read(publisher, f"/datasets/{copy}")
    assert page.form(f"/datasets/{copy}/replace").fields["lab"] == [lab.id, other.id]
    assert "Choose at least one Datalab." in send(publisher, page, f"/datasets/{copy}/replace", lab=[]).text
    assert service.lab(lab.id).slots[0].manifest_hash == original
    service.change(other.id, {IDENTIFIERS: None})
    half = send(publisher, page, f"/datasets/{copy}/replace")
    assert "Summer does not use the original any more." in half.text
    assert service.lab(lab.id).slots[0].manifest_hash == copy and service.lab(other.id).slots == []


def test_what_is_not_certain_or_cannot_be_read_is_said(publisher: TestClient, service: QuietService) -> None:
    unsure = text_of([[user, f"Name {user}"] for user in USERS])
    held = service.upload_dataset(io.BytesIO(unsure.encode()), "unsure.csv").manifest_hash
    assert "Choose what it is." in read(publisher, f"/datasets/{held}/repair").text
    assert "Nothing to repair" in read(publisher, f"/datasets/{held}/repair?kind=segments").text
    keyless = service.upload_dataset(io.BytesIO(b"u1,a\n"), "x.csv", store_key=False).manifest_hash
    assert "Its key is not stored" in read(publisher, f"/datasets/{keyless}/repair").text


def test_others_see_no_steps_and_no_repair(publisher: TestClient, viewer: TestClient, service: QuietService) -> None:
    theirs = service.for_user(OTHER)
    content = text_of([["user", "segment"], *([user, f"seg {user[-2]}"] for user in USERS)])
    original = theirs.upload_dataset(io.BytesIO(content.encode()), "seg.csv", access={OTHER: KeyRole.OWNER})
    copy = theirs.repairs.store(RepairQuery(original.manifest_hash, kind=DatasetKind.SEGMENTS)).dataset.manifest_hash
    for client in (publisher, viewer):
        page = read(client, f"/datasets/{copy}")
        assert "Leave out" not in page.text and f"/datasets/{copy}/repair" not in page.links
        assert client.get(f"/datasets/{copy}/repair").status_code == 403
    assert publisher.get("/datasets/" + "0" * 64).status_code == 404
