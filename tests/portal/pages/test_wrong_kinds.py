"""A dataset of another kind is named before and after a validation; swapped datasets are put right in one press."""

from __future__ import annotations

import io
from typing import Any

import pytest

from datalab.kinds import DatasetKind
from datalab_dagster.portal.pages.causes import of_lab
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient
from tests.portal.deployments import QuietService
from tests.portal.pages.reading import read

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS = DatasetKind


def content(kind: DatasetKind) -> bytes:
    """Return a file that is certainly of this kind."""
    row = {
        IDENTIFIERS: "u{0},hashed_email,{0:064x}\n",
        SEGMENTS: "u{0},segment {1}\nu{0},interest\n",
        DEMOGRAPHICS: "u{0},{2},f\n",
        EMBEDDINGS: "u{0},sports,0.{0},0.5,0.{1}\n",
    }[kind]
    return "".join(row.format(number, number % 7, 20 + number % 9) for number in range(100, 400)).encode()


def placed(service: QuietService, lab: LabInfo, **held: DatasetKind) -> LabInfo:
    """Provision to each slot a file of a kind."""
    hashes = {
        DatasetKind(slot): service.upload_dataset(io.BytesIO(content(kind)), f"{slot}.csv").manifest_hash
        for slot, kind in held.items()
    }
    return service.change(lab.id, hashes)


def twin(client: TestClient, address: str) -> Any:
    return client.get(f"{address}.json").json()


def test_swapped_datasets_are_named_and_put_right_in_one_press(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    kinds = {"identifiers": SEGMENTS, "segments": IDENTIFIERS, "demographics": DEMOGRAPHICS, "embeddings": EMBEDDINGS}
    lab = placed(service, empty_lab, **kinds)
    page = read(publisher, f"/datalabs/{lab.id}")
    sentence = "Not ready: Identifiers and Segments are swapped: each is in the slot of the other."
    assert f'id="title-standing">{sentence}</h2>' in page.html
    states = {slot["kind"]: slot["state"]["state"] for slot in twin(publisher, f"/datalabs/{lab.id}")["slots"]}
    assert [states[kind] for kind in kinds] == ["wrong-kind", "wrong-kind", "not-validated", "not-validated"]
    assert "Swap Identifiers and Segments" in read(publisher, "/datalabs").text
    form = next(form for form in page.forms if form.action.endswith("/provision") and "segments" in form.fields)
    before = {slot.kind: slot.manifest_hash for slot in lab.slots}
    assert publisher.post(form.action, data=form.fields).status_code == 303
    after = {slot.kind: slot.manifest_hash for slot in service.lab(lab.id).slots}
    assert after == before | {IDENTIFIERS: before[SEGMENTS], SEGMENTS: before[IDENTIFIERS]}
    assert service.lab(lab.id).misplaced == {}


@pytest.mark.parametrize(
    ("held", "verdict", "action"),
    [
        (
            (SEGMENTS, DEMOGRAPHICS, EMBEDDINGS, IDENTIFIERS),
            "Identifiers, Segments, Demographics and Embeddings are in each other's slots.",
            "Exchange Identifiers, Segments, Demographics and Embeddings",
        ),
        (
            (IDENTIFIERS, SEGMENTS, EMBEDDINGS, EMBEDDINGS),
            "Demographics holds what looks like Embeddings.",
            "Replace Demographics",
        ),
    ],
)
def test_datasets_in_other_slots(
    held: tuple[DatasetKind, ...],
    verdict: str,
    action: str,
    publisher: TestClient,
    service: QuietService,
    empty_lab: LabInfo,
) -> None:
    lab = placed(service, empty_lab, **dict(zip(map(str, DatasetKind), held, strict=True)))
    cause = twin(publisher, f"/datalabs/{lab.id}")["cause"]
    assert (cause["verdict"], cause["action"]) == (f"Not ready: {verdict}", action)


def test_the_list_of_datasets_shows_what_each_looks_like(publisher: TestClient, service: QuietService) -> None:
    service.upload_dataset(io.BytesIO(content(SEGMENTS).replace(b",", b";")), "november.csv")
    rows = twin(publisher, "/datasets")["datasets"]
    assert rows[0]["looksLike"] == "Segments"
    assert (
        "Segments 2 columns, no header, UTF-8 Columns are separated by semicolons" in read(publisher, "/datasets").text
    )


def test_a_validated_dataset_has_its_kind(service: QuietService, validated: Any) -> None:
    lab = validated()
    slots = [slot.model_copy(update={"looks_like": EMBEDDINGS}) for slot in service.lab(lab.id).slots]
    ready = service.lab(lab.id).model_copy(update={"slots": slots})
    assert ready.state.state.value == "Ready" and ready.misplaced == {}


@pytest.mark.parametrize(
    ("code", "sentence", "step"),
    [
        ("GUESSED_ENCODING", "Segments is not UTF-8, and its encoding was guessed.", "encoding"),
        ("arrays-of-segments", "Segments has all segments of a user in one cell, as a JSON array.", "arrays"),
        ("POSSIBLE_HEADER_ROW", "the first row of Segments looks like a header.", "header"),
    ],
)
def test_a_ready_lab_says_first_what_is_recognised_in_a_file(
    code: str, sentence: str, step: str, service: QuietService, validated: Any
) -> None:
    ready = service.lab(validated().id)
    problems = {SEGMENTS: [code]}
    slots = [slot.model_copy(update={"file_problems": problems.get(slot.kind, [])}) for slot in ready.slots]
    assert of_lab(ready, None)[0] is None
    cause, states = of_lab(ready.model_copy(update={"slots": slots}), None)
    assert cause is not None and cause.verdict == f"Ready, but {sentence}" and cause.dataset is SEGMENTS
    assert [one.value for one in cause.steps] == [step] and cause.action == "Replace Segments"
    assert states[SEGMENTS].state.value == "not-validated", "no status was given"
