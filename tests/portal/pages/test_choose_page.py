"""Choosing a dataset for a slot: the list by kind, the choice in the address, the question before another kind."""

from __future__ import annotations

import io
from typing import Any

import pytest

from datalab.kinds import DatasetKind
from datalab_dagster.service import LabInfo, LabState
from tests.portal.clients import TestClient
from tests.portal.deployments import QuietService
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import read, send
from tests.portal.pages.test_wrong_kinds import content, placed, twin

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS = DatasetKind


def stored(service: QuietService, kind: DatasetKind, name: str) -> str:
    return service.upload_dataset(io.BytesIO(content(kind)), name).manifest_hash


def names(client: TestClient, address: str) -> list[str]:
    path, _, query = address.partition("?")
    return [row["name"] for row in client.get(f"{path}.json?{query}").json()["datasets"]]


def test_the_list_opens_with_the_kind_of_the_slot(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    for kind in DatasetKind:
        stored(service, kind, f"{kind.value}.csv")
    service.upload_dataset(io.BytesIO(b"one line of text\n"), "unsure.csv")
    address = f"/datalabs/{empty_lab.id}/choose/segments"
    assert names(publisher, address) == ["unsure.csv", "segments.csv"]
    assert len(names(publisher, f"{address}?kind=any")) == 5
    assert names(publisher, f"{address}?kind=embeddings&q=EMB") == ["embeddings.csv"]
    page = read(publisher, f"{address}?kind=any")
    assert page.text.count("another kind than this slot") == 3
    assert publisher.get(f"/datalabs/{empty_lab.id}/choose/nothing.json").status_code == 404


def test_only_unused_datasets(publisher: TestClient, service: QuietService, empty_lab: LabInfo) -> None:
    placed(service, empty_lab, identifiers=IDENTIFIERS)
    stored(service, IDENTIFIERS, "newer.csv")
    other = service.create_lab(empty_lab.definition.model_copy(update={"name": "Other"}))
    address = f"/datalabs/{other.id}/choose/identifiers"
    assert names(publisher, address) == ["newer.csv", "identifiers.csv"]
    assert names(publisher, f"{address}?unused=yes") == ["newer.csv"]
    assert empty_lab.name in read(publisher, address).text
    own = f"/datalabs/{empty_lab.id}/choose/identifiers"
    assert names(publisher, own) == ["newer.csv"], "what the slot has is no choice"


def test_twenty_on_a_page(publisher: TestClient, service: QuietService, empty_lab: LabInfo) -> None:
    for number in range(21):
        stored(service, SEGMENTS, f"{number:02}.csv")
    address = f"/datalabs/{empty_lab.id}/choose/segments"
    assert names(publisher, address) == [f"{number:02}.csv" for number in range(20, 0, -1)]
    page = read(publisher, f"{address}?identifiers=abc")
    following = next(link for link in page.links if "page=2" in link)
    assert "identifiers=abc" in following, "what was chosen is kept"
    assert names(publisher, following) == ["00.csv"] == names(publisher, f"{address}?page=99")
    assert len(names(publisher, f"{address}?size=50")) == 21
    assert names(publisher, f"{address}?size=7&page=-1") == names(publisher, address)


def test_choices_are_collected_in_the_address_and_provisioned_at_once(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    hashes = {kind: stored(service, kind, f"{kind.value}.csv") for kind in DatasetKind}
    lab = f"/datalabs/{empty_lab.id}"
    address = f"{lab}?identifiers={hashes[IDENTIFIERS]}"
    picker = read(publisher, f"{lab}/choose/segments?identifiers={hashes[IDENTIFIERS]}")
    form = next(form for form in picker.forms if form.action.startswith(f"{lab}#"))
    assert form.method == "get" and form.fields == {"identifiers": hashes[IDENTIFIERS]}
    page = read(publisher, f"{address}&segments={hashes[SEGMENTS]}&demographics={'f' * 64}")
    chosen = page.form(f"{lab}/provision").fields
    assert {kind: chosen[kind] for kind in ("identifiers", "segments")} == {
        "identifiers": hashes[IDENTIFIERS], "segments": hashes[SEGMENTS],
    }  # fmt: skip
    assert "demographics" not in chosen, "what is not stored is no choice"
    assert page.html.count('class="primary"') == 1 and service.lab(empty_lab.id).slots == []
    send(publisher, page, f"{lab}/provision", **chosen)
    assert {slot.kind for slot in service.lab(empty_lab.id).slots} == {IDENTIFIERS, SEGMENTS}


def test_all_slots_are_filled_with_the_newest_unused_dataset_of_each_kind(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    lab = f"/datalabs/{empty_lab.id}"
    assert twin(publisher, lab)["proposed"] == {}
    placed(service, empty_lab, identifiers=IDENTIFIERS, segments=SEGMENTS)
    stored(service, DEMOGRAPHICS, "older.csv")
    newest = {kind.value: stored(service, kind, "newest.csv") for kind in (SEGMENTS, DEMOGRAPHICS)}
    assert twin(publisher, lab)["proposed"] == newest, "identifiers have nothing newer"
    page = read(publisher, lab)
    link = next(link for link in page.links if "#provision" in link)
    filled = read(publisher, link.partition("#")[0])
    fields = filled.form(f"{lab}/provision").fields
    assert {kind: fields[kind] for kind in newest} == newest
    assert "Fill all slots" in page.text and "Fill all slots" not in filled.text


def test_a_dataset_of_another_kind_asks_first(publisher: TestClient, service: QuietService, empty_lab: LabInfo) -> None:
    hashes = {IDENTIFIERS: stored(service, SEGMENTS, "november.csv"), SEGMENTS: stored(service, SEGMENTS, "s.csv")}
    lab = f"/datalabs/{empty_lab.id}"
    page = read(publisher, f"{lab}?identifiers={hashes[IDENTIFIERS]}&segments={hashes[SEGMENTS]}")
    assert "Looks like Segments, not Identifiers." in page.text
    asked = send(publisher, page, f"{lab}/provision", **page.form(f"{lab}/provision").fields)
    assert "november.csv looks like Segments, but you chose it for Identifiers." in asked.text
    assert service.lab(empty_lab.id).slots == []
    again = asked.form(f"{lab}/provision").fields
    send(publisher, asked, f"{lab}/provision", **again)
    found = service.lab(empty_lab.id)
    assert {slot.kind: slot.manifest_hash for slot in found.slots} == hashes
    assert found.state.state is LabState.INCOMPLETE and found.misplaced == {IDENTIFIERS: SEGMENTS}


@pytest.mark.parametrize("confirmed", [False, True])
def test_the_api_refuses_another_kind_unless_it_is_confirmed(
    confirmed: bool, publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    wrong = stored(service, EMBEDDINGS, "wrong.csv")
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    csrf = page.forms[-1].fields["csrf_token"]
    answer = publisher.patch(
        f"/api/labs/{empty_lab.id}/slots",
        json={"identifiers": wrong},
        params={"confirmKind": "true"} if confirmed else {},
        headers={"X-CSRF-Token": csrf},
    )
    assert answer.status_code == (200 if confirmed else 409)
    if not confirmed:
        problems: list[dict[str, Any]] = answer.json()["error"]["details"]["problems"]
        assert [(one["code"], one["kind"]) for one in problems] == [("KIND_MISMATCH", "identifiers")]
        assert service.lab(empty_lab.id).slots == []


def test_a_viewer_chooses_nothing(viewer: TestClient, validated: Validated) -> None:
    lab = validated()
    assert viewer.get(f"/datalabs/{lab.id}/choose/segments").status_code == 403
    assert "/choose/" not in read(viewer, f"/datalabs/{lab.id}?segments={lab.slots[0].manifest_hash}").html
