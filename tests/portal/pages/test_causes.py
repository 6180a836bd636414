"""Pages name the dataset and the cause first; nothing is green over data that cannot be used."""

from __future__ import annotations

from typing import Any

from datalab.kinds import DatasetKind
from tests.portal.clients import TestClient
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import Read, read

EMPTY_SEGMENTS = "p12-segments-empty-after-validation"
SEPARATOR = "p20-wrong-separator"


def first_heading(page: Read) -> str:
    return page.html.split('id="title-standing">')[1].split("</h2>")[0]


def twin(client: TestClient, address: str) -> Any:
    return client.get(f"{address}.json").json()


def test_a_failed_lab_begins_with_its_cause_and_one_button(publisher: TestClient, validated: Validated) -> None:
    lab = validated(EMPTY_SEGMENTS)
    page = read(publisher, f"/datalabs/{lab.id}")
    assert first_heading(page).startswith("Not ready: no row of Segments is valid. Most frequent reason: ")
    assert "1 further finding follows from it." in page.text
    assert page.html.count('class="button primary"') == 1 and '<button class="primary"' not in page.html
    assert f"/datalabs/{lab.id}/choose/segments" in page.links and "Replace Segments" in page.text
    cause = twin(publisher, f"/datalabs/{lab.id}")["cause"]
    assert (cause["code"], cause["dataset"]) == ("EMPTY_DATASET", "segments")
    assert [note["code"] for note in cause["follows"]] == ["HIGH_INVALID_SHARE"]


def test_what_explains_an_error_comes_before_it(publisher: TestClient, validated: Validated) -> None:
    lab = validated(SEPARATOR)
    page = read(publisher, f"/datalabs/{lab.id}")
    assert "Not ready: the columns of Segments seem not to be separated by commas." in first_heading(page)
    assert "2 further findings follow from it." in page.text


def test_every_slot_says_its_state(publisher: TestClient, validated: Validated) -> None:
    lab = validated(EMPTY_SEGMENTS)
    slots = twin(publisher, f"/datalabs/{lab.id}")["slots"]
    assert {slot["kind"]: slot["state"]["words"] for slot in slots} == {
        "identifiers": "Good", "segments": "Problem", "demographics": "Good", "embeddings": "Good",
    }  # fmt: skip
    assert "did not pass" not in read(publisher, f"/datalabs/{lab.id}").text


def test_the_list_of_labs_shows_the_cause_and_the_problem(publisher: TestClient, validated: Validated) -> None:
    failed, ready = validated(EMPTY_SEGMENTS), validated()
    page = read(publisher, "/datalabs")
    assert "Fix Segments: no valid row" in page.text
    assert page.html.count('class="filled problem"') == 1
    rows = {row["id"]: row for row in twin(publisher, "/datalabs")["labs"]}
    assert rows[failed.id]["slots"]["segments"]["state"] == "problem"
    assert rows[failed.id]["datasets"] == dict.fromkeys(map(str, DatasetKind), True)
    assert rows[ready.id]["cause"] is None


def test_a_viewer_is_told_who_can_correct_it(viewer: TestClient, validated: Validated) -> None:
    lab = validated(EMPTY_SEGMENTS)
    page = read(viewer, f"/datalabs/{lab.id}")
    assert f"An owner can do it: {lab.owners[0]}." in page.text and "Replace Segments" not in page.text


def test_the_drops_of_one_dataset_are_one_entry(publisher: TestClient, validated: Validated) -> None:
    def shrink(report: dict[str, Any]) -> None:
        for field in ("valid_rows", "distinct_user_ids"):
            report["basic_statistics"]["segments"][field] //= 4

    lab = validated()
    validated(lab=lab, change=shrink)
    notes = twin(publisher, f"/datalabs/{lab.id}")["findings"]
    group = next(note for note in notes if note["follows"])
    assert group["title"] == "2 numbers of Segments fell since last time"
    assert [note["code"] for note in group["follows"]] == ["HEADLINE_DROP"] * 2
    assert sum(note["code"] == "HEADLINE_DROP" for note in notes) == 1


def test_the_statistics_page_gives_the_same_cause(publisher: TestClient, validated: Validated) -> None:
    lab = validated(EMPTY_SEGMENTS)
    verdict = twin(publisher, f"/datalabs/{lab.id}/statistics")["verdict"]["sentence"]
    assert verdict.startswith("Not ready: no row of Segments is valid.")
    assert verdict.endswith("1 further finding follows from it.")
