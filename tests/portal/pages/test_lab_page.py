"""The page of a lab: provisioning, validating, following a run, and what came out."""

from __future__ import annotations

import io

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import KeyRole, LabState
from datalab.registry.accounts import Role
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient
from tests.portal.deployments import PUBLISHER, QuietService
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import Read, read, send

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS, *_ = DatasetKind


def status_of(page: Read) -> str:
    return next((attributes["code"] or "" for tag, attributes in page.tags if tag == "status"), "200")


@pytest.fixture
def stored(service: QuietService) -> dict[DatasetKind, str]:
    """A stored dataset per kind."""
    return {
        kind: service.upload_dataset(io.BytesIO(b"u1,a,b\n"), f"{kind.value}-may.csv").manifest_hash
        for kind in DatasetKind
    }


def test_an_empty_lab_says_what_to_do(publisher: TestClient, empty_lab: LabInfo) -> None:
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    assert "Provision identifiers, segments, demographics and embeddings." in page.text
    assert "There is no stored dataset to choose yet" in page.text and "/datasets" in page.links
    assert "What validation checks" in page.text
    assert "`datalab" not in page.text and "datalab provision" not in page.text


def test_several_slots_are_provisioned_at_once(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo, stored: dict[DatasetKind, str]
) -> None:
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    chosen = {kind.value: stored[kind] for kind in DatasetKind}
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/provision", **chosen)
    assert "Provisioned Identifiers, Segments, Demographics and Embeddings." in after.text
    assert {slot.kind: slot.manifest_hash for slot in service.lab(empty_lab.id).slots} == stored
    assert "segments-may.csv" in after.text and "These datasets have not been validated yet." in after.text
    assert [event.cause for event in service.events(empty_lab.id)] == [""] * 4
    assert "Provisioned Identifiers" not in read(publisher, f"/datalabs/{empty_lab.id}").text, "said once"


def test_a_refusal_names_the_rule_and_changes_nothing(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo, stored: dict[DatasetKind, str]
) -> None:
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/provision", segments=stored[SEGMENTS])
    assert status_of(after) == "409" and "Nothing was changed" in after.text and "dentifiers" in after.text
    nothing = send(publisher, page, f"/datalabs/{empty_lab.id}/provision")
    assert "Choose a dataset for at least one slot" in nothing.text
    unknown = send(publisher, page, f"/datalabs/{empty_lab.id}/provision", identifiers="f" * 64)
    assert status_of(unknown) == "409"
    assert service.lab(empty_lab.id).slots == []


def test_deprovisioning(publisher: TestClient, service: QuietService, validated: Validated) -> None:
    lab = validated()
    page = read(publisher, f"/datalabs/{lab.id}")
    after = send(publisher, page, f"/datalabs/{lab.id}/provision", deprovision="segments")
    assert "Deprovisioned Segments." in after.text and "Provision segments." in after.text
    assert service.lab(lab.id).state.state is LabState.INCOMPLETE
    assert "its statistics" in after.text, "the result before can still be read"


def test_of_two_people_the_second_is_told_what_the_first_did(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo, stored: dict[DatasetKind, str]
) -> None:
    first = "first@publisher.example"
    service.accounts.add(first, Role.PUBLISHER)
    service.set_lab_owners(empty_lab.id, [PUBLISHER, first])
    service.set_key_access(stored[IDENTIFIERS], {PUBLISHER: KeyRole.OWNER, first: KeyRole.USER})
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    service.for_user(first).change(empty_lab.id, {IDENTIFIERS: stored[IDENTIFIERS]})
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/provision", identifiers=stored[SEGMENTS])
    assert status_of(after) == "409" and "Identifiers was changed by first@publisher.example" in after.text
    assert service.lab(empty_lab.id).slots[0].manifest_hash == stored[IDENTIFIERS]
    again = send(publisher, after, f"/datalabs/{empty_lab.id}/provision", identifiers=stored[SEGMENTS])
    assert "Provisioned Identifiers." in again.text


def test_only_datasets_with_a_key_can_be_chosen(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    service.upload_dataset(io.BytesIO(b"x"), "keyless.csv", store_key=False)
    service.upload_dataset(io.BytesIO(b"x"), "keyed.csv")
    page = read(publisher, f"/datalabs/{empty_lab.id}/choose/identifiers")
    assert "keyed.csv" in page.text and "keyless.csv" not in page.text
    assert "1 stored dataset cannot be chosen: the key was not kept." in page.text


def test_an_incomplete_lab_cannot_be_validated(publisher: TestClient, empty_lab: LabInfo) -> None:
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    button = next(a for tag, a in page.tags if tag == "button" and "title" in a)
    assert "disabled" in button
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/validate")
    assert status_of(after) == "409" and "provision identifiers and segments" in after.text


def test_a_run_can_be_followed_and_cancelled(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo, stored: dict[DatasetKind, str]
) -> None:
    service.change(empty_lab.id, stored)
    page = send(publisher, read(publisher, f"/datalabs/{empty_lab.id}"), f"/datalabs/{empty_lab.id}/validate")
    run = service.runs(empty_lab.id)[0]
    assert "Validation is running" in page.text and "Wait until the validation has ended" in page.text
    assert '<meta http-equiv="refresh"' in page.html, "without scripts the page reloads"
    twin = publisher.get(f"/datalabs/{empty_lab.id}/runs/{run.run_id}.json").json()
    assert twin["run"]["state"] == "STARTED" and twin["lab"]["id"] == empty_lab.id
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/runs/{run.run_id}/cancel")
    assert "The run was cancelled." in after.text
    assert service.lab(empty_lab.id).state.state is LabState.STALE
    again = send(publisher, page, f"/datalabs/{empty_lab.id}/runs/{run.run_id}/cancel")
    assert "The run had ended already." in again.text


def test_a_run_belongs_to_one_lab(publisher: TestClient, service: QuietService, validated: Validated) -> None:
    lab, other = validated(), validated(name="Other")
    run = service.runs(lab.id)[0].run_id
    assert "identifiers.csv" in read(publisher, f"/datalabs/{lab.id}/runs/{run}").text
    assert publisher.get(f"/datalabs/{other.id}/runs/{run}.json").status_code == 404


def test_runs_and_the_graph_are_one_click_away(
    publisher: TestClient, service: QuietService, validated: Validated, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = validated()
    plain = QuietService.run
    url = "http://127.0.0.1:3000/runs/r1"
    monkeypatch.setattr(QuietService, "run", lambda self, run: plain(self, run).model_copy(update={"url": url}))
    run = service.runs(lab.id)[0].run_id
    for address in (f"/datalabs/{lab.id}", f"/datalabs/{lab.id}/runs/{run}"):
        links = read(publisher, address).links
        assert url in links and "http://127.0.0.1:3000/asset-groups" in links, address


def test_a_ready_lab_shows_its_numbers(publisher: TestClient, validated: Validated) -> None:
    lab = validated()
    twin = publisher.get(f"/datalabs/{lab.id}.json").json()
    page = read(publisher, f"/datalabs/{lab.id}")
    users = next(figure["value"] for figure in twin["headlines"] if figure["label"] == "Users")
    assert f"Users {users}" in page.text
    for finding in twin["findings"]:
        assert finding["code"] in page.text
    checked = twin["slots"][0]["checked"]
    assert f"{checked['valid_rows']:,}" in page.text
    assert f"/datalabs/{lab.id}/files/dashboard.html" in page.links
    assert page.form(f"/datalabs/{lab.id}/validate").fields["again"] == "yes"


def test_a_viewer_reads_and_changes_nothing(
    viewer: TestClient, service: QuietService, validated: Validated, stored: dict[DatasetKind, str]
) -> None:
    lab = validated()
    page = read(viewer, f"/datalabs/{lab.id}")
    assert [form.action for form in page.forms] == ["/logout"]
    assert not [link for link in page.links if "report" in link or "delete" in link]
    assert "segments-may.csv" not in page.text, "stored datasets are offered to those who may provision"
    token = page.form("/logout").fields["csrf_token"]
    for action in ("provision", "validate", "delete"):
        answer = viewer.post(f"/datalabs/{lab.id}/{action}", data={"csrf_token": token, "identifiers": "a" * 64})
        assert answer.status_code == 403, action
    assert service.lab(lab.id).state.state is LabState.READY


def test_no_form_works_without_the_token(publisher: TestClient, service: QuietService, validated: Validated) -> None:
    lab = validated()
    for token in ({}, {"csrf_token": "0" * 64}):
        answer = publisher.post(f"/datalabs/{lab.id}/delete", data=token, headers={"Accept": "text/html"})
        assert answer.status_code == 403 and "This page is no longer valid" in answer.text
    assert service.lab(lab.id)


def test_deleting_a_lab_is_asked_first_and_leaves_datasets(
    publisher: TestClient, service: QuietService, validated: Validated
) -> None:
    lab = validated()
    page = read(publisher, f"/datalabs/{lab.id}/delete")
    assert "4 datasets will be deprovisioned" in page.text
    after = send(publisher, page, f"/datalabs/{lab.id}/delete")
    assert "Its datasets are still in the Dataset Portal" in after.text
    assert service.labs() == [] and len(service.datasets()) == 4


def test_owners_are_named_and_taken_out(
    publisher: TestClient, viewer: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    second = "second@publisher.example"
    service.accounts.add(second, Role.PUBLISHER)
    where = f"/datalabs/{empty_lab.id}"
    page = read(publisher, where)
    assert "Remove" not in page.text, "the only owner stays"
    named = send(publisher, page, f"{where}/owners", add=second)
    assert f"belongs to {PUBLISHER} and {second}" in named.text
    assert service.lab(empty_lab.id).owners == [PUBLISHER, second]
    refused = send(publisher, named, f"{where}/owners", add="typo@publisher.example")
    assert "is no user of this deployment" in refused.text
    assert second in read(viewer, where).text and not [
        form for form in read(viewer, where).forms if "owners" in form.action
    ]
    left = send(publisher, named, f"{where}/owners", remove=PUBLISHER)
    assert "Datalabs of other publishers" in left.text and empty_lab.name in left.text
    assert publisher.get(where).status_code == 403
    assert service.for_user(second).lab(empty_lab.id).owners == [second]
