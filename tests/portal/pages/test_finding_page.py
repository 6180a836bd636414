"""A page for each finding: what it means, its rows, what it follows from, how to fix it, its trend."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from datalab.codes import CODES
from datalab.dashboard.repairs import STEPS
from datalab.kinds import DatasetKind
from datalab.registry import Registry
from datalab.statistics.cause import ARRAYS, WIDE
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient
from tests.portal.deployments import QuietService
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import read

EMPTY_SEGMENTS = "p12-segments-empty-after-validation"


def shared_id(users: int) -> Any:
    """A change of a report: one finding about an id that many users have."""

    def change(report: dict[str, Any]) -> None:
        message = f"hashed_email: one id has {users} users (limit 5)"
        report["quality_warnings"] = [{"code": "SHARED_ID", "message": message}]

    return change


def test_a_finding_says_what_it_is_what_follows_and_how_to_fix_it(publisher: TestClient, validated: Validated) -> None:
    lab = validated(EMPTY_SEGMENTS)
    page = read(publisher, f"/datalabs/{lab.id}/findings/1")
    assert "Segments is valid" in page.text or "Segments has no valid row" in page.text
    assert f"/datalabs/{lab.id}/findings/2" in page.links and f"/datalabs/{lab.id}/choose/segments" in page.links
    twin = publisher.get(f"/datalabs/{lab.id}/findings/1.json").json()
    assert (twin["code"], twin["dataset"], twin["cause"]) == ("EMPTY_DATASET", "segments", None)
    assert [other["code"] for other in twin["follows"]] == ["HIGH_INVALID_SHARE"]
    assert "segments" in twin["fix"]["sql"] and "segments" in twin["fix"]["python"]
    below = publisher.get(f"/datalabs/{lab.id}/findings/2.json").json()
    assert (below["code"], below["cause"]["number"]) == ("HIGH_INVALID_SHARE", 1)
    assert publisher.get(f"/datalabs/{lab.id}/findings/99").status_code == 404


def test_rows_are_numbers_only_and_for_those_who_may_see_them(
    publisher: TestClient, viewer: TestClient, validated: Validated, registry: Registry
) -> None:
    lab = validated(EMPTY_SEGMENTS)
    page = read(publisher, f"/datalabs/{lab.id}/findings/1")
    assert "8 · 9 · 10 · 11 · 12" in page.text and "Rows 1–5 of 5" in page.text
    assert "secret@sample" not in page.html and "user-1" not in page.html
    assert registry.accounts.audit.entries(limit=1)[0].action == "rows.read"
    twin = viewer.get(f"/datalabs/{lab.id}/findings/1.json").json()
    assert twin["rows"] is None and twin["code"] == "EMPTY_DATASET"


def test_the_count_is_compared_over_the_refreshes(publisher: TestClient, validated: Validated) -> None:
    lab: LabInfo = validated()
    validated(lab=lab, change=shared_id(7))
    validated(lab=lab, change=shared_id(9))
    twin = publisher.get(f"/datalabs/{lab.id}/findings/1.json").json()
    assert (twin["code"], twin["count"]) == ("SHARED_ID", 9)
    assert "GROUP BY id" in twin["fix"]["sql"] and "'hashed_email'" in twin["fix"]["sql"]
    assert [point["count"] for point in twin["trend"]] == [None, 7, 9]


def test_the_page_of_the_lab_leads_to_its_findings(publisher: TestClient, validated: Validated, app: FastAPI) -> None:
    del app
    lab = validated(EMPTY_SEGMENTS)
    assert f"/datalabs/{lab.id}/findings/1" in read(publisher, f"/datalabs/{lab.id}").links
    warned = validated(change=shared_id(9))
    assert f"/datalabs/{warned.id}/findings/1" in read(publisher, f"/datalabs/{warned.id}").links


def test_a_finding_leads_to_the_repair_that_corrects_it(
    publisher: TestClient, viewer: TestClient, service: QuietService, validated: Validated
) -> None:
    lab = validated("p20-wrong-separator")
    held = next(slot.manifest_hash for slot in lab.slots if slot.kind is DatasetKind.SEGMENTS)
    address = f"/datasets/{held}/repair?lab={lab.id}&step=separator#steps"
    for number in (1, 2):  # the cause, and what follows from it
        page = read(publisher, f"/datalabs/{lab.id}/findings/{number}")
        assert address in page.links and page.html.count('class="button primary"') == 1
    twin = publisher.get(f"/datalabs/{lab.id}/findings/1.json").json()
    assert twin["repair"] == {"kind": "segments", "manifestHash": held, "steps": ["separator"]}
    repair = read(publisher, address.partition("#")[0])
    assert repair.form(f"/datasets/{held}/repair").fields["step"] == "separator"
    assert "Separate the columns by commas corrects the finding" in repair.text
    assert "corrects the finding" not in read(publisher, f"/datasets/{held}/repair").text
    assert viewer.get(f"/datalabs/{lab.id}/findings/1.json").json()["repair"] is None
    service.change(lab.id, {DatasetKind.SEGMENTS: None})
    run = service.results(lab.id)[0].run_id
    assert publisher.get(f"/datalabs/{lab.id}/findings/1.json?run={run}").json()["repair"] is None, "no longer in use"


def test_a_finding_that_no_step_corrects_leads_to_no_repair(publisher: TestClient, validated: Validated) -> None:
    lab = validated(EMPTY_SEGMENTS)
    assert publisher.get(f"/datalabs/{lab.id}/findings/1.json").json()["repair"] is None
    assert "/repair" not in read(publisher, f"/datalabs/{lab.id}/findings/1").html


def test_steps_are_those_of_codes_that_exist() -> None:
    assert set(STEPS) <= {*CODES, WIDE, ARRAYS}
