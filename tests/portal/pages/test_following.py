"""Open pages of a lab follow what others do, and what happens after a change is announced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from datalab.home.up import UpRecord
from datalab.kinds import DatasetKind
from datalab_dagster.service import LabInfo, LabState
from datalab_dagster.service.models import ExpectedInfo
from tests.portal.clients import TestClient
from tests.portal.deployments import PUBLISHER, QuietService
from tests.portal.pages.conftest import Validated
from tests.portal.pages.reading import read, send
from tests.portal.pages.test_choose_page import stored
from tests.portal.pages.test_wrong_kinds import placed, twin

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS = DatasetKind
UP = UpRecord(1, "http://127.0.0.1:3000", None)


def now(client: TestClient, lab: LabInfo, seen: str = "") -> Any:
    return client.get(f"/datalabs/{lab.id}/now", params={"seen": seen} if seen else {}).json()


def test_every_page_of_a_lab_carries_the_version_that_it_shows(publisher: TestClient, validated: Validated) -> None:
    lab = validated()
    version = now(publisher, lab)["version"]
    for tab in ("", "/statistics", "/reports", "/history"):
        html = read(publisher, f"/datalabs/{lab.id}{tab}").html
        assert f'data-lab="{lab.id}"' in html and f'data-version="{version}"' in html, tab
    assert now(publisher, lab, version) == {"version": version, "said": ""}


def test_what_a_colleague_did_is_said(publisher: TestClient, service: QuietService, validated: Validated) -> None:
    lab = validated()
    before = now(publisher, lab)["version"]
    service.change(lab.id, {SEGMENTS: None})
    changed = now(publisher, lab, before)
    assert changed["version"] != before and changed["said"] == f"{PUBLISHER} deprovisioned Segments."
    service.validate(validated(lab=lab).id, again=True)
    before = now(publisher, lab)["version"]
    validated(lab=lab)
    assert now(publisher, lab, before)["said"] in ("There is a newer result.", f"{PUBLISHER} replaced Embeddings.")


def test_a_viewer_follows_and_an_admin_does_not(viewer: TestClient, admin: TestClient, validated: Validated) -> None:
    lab = validated(share_statistics=True)
    assert now(viewer, lab)["version"]
    assert admin.get(f"/datalabs/{lab.id}/now").status_code == 403
    assert "data-version" not in read(admin, f"/datalabs/{lab.id}/statistics").html


@pytest.mark.parametrize("is_up", [True, False])
def test_a_validation_that_starts_automatically_is_announced(
    is_up: bool, publisher: TestClient, service: QuietService, empty_lab: LabInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalab_dagster.service.obstacles.running", lambda home: UP if is_up else None)
    kinds = {kind.value: stored(service, kind, f"{kind.value}.csv") for kind in DatasetKind}
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/provision", **kinds)
    assert ("Validation starts automatically in a few seconds." in after.text) is is_up
    assert ("Start now" in after.text) is is_up and ("Start validation" in after.text) is not is_up
    assert ('<button class="primary">Start' in after.html) is not is_up
    assert service.lab(empty_lab.id).state.starts_automatically is is_up


def test_a_sensor_that_is_switched_off_is_said_and_start_is_offered(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalab_dagster.service.obstacles.running", lambda home: UP)
    monkeypatch.setattr("datalab_dagster.graph.access.DagsterAccess.daemon_seen", lambda _: datetime.now(UTC))
    monkeypatch.setattr("datalab_dagster.graph.access.DagsterAccess.is_switched_off", lambda *_: True)
    kinds = {kind.value: stored(service, kind, f"{kind.value}.csv") for kind in DatasetKind}
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/provision", **kinds)
    why = "No validation starts automatically: the sensor “provisioning” is switched off in Dagster."
    assert f"{why} Start the validation." in after.text and "in a few seconds" not in after.text
    assert '<button class="primary">Start validation' in after.html
    assert why in read(publisher, "/datalabs").text


def test_a_daemon_that_is_not_running_is_said_and_start_is_offered(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = datetime(2026, 11, 28, 13, 5, tzinfo=UTC)
    monkeypatch.setattr("datalab_dagster.graph.access.DagsterAccess.daemon_seen", lambda _: seen)
    monkeypatch.setattr("datalab_dagster.graph.access.DagsterAccess.is_switched_off", lambda *_: False)
    monkeypatch.setattr("datalab_dagster.graph.access.DagsterAccess.is_open", True)
    kinds = {kind.value: stored(service, kind, f"{kind.value}.csv") for kind in DatasetKind}
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/provision", **kinds)
    why = "No validation starts automatically: Dagster's daemon is not running (last seen 2026-11-28 13:05 UTC)."
    assert f"{why} Start the validation." in after.text and "in a few seconds" not in after.text
    assert '<button class="primary">Start validation' in after.html
    assert why in read(publisher, "/datalabs").text
    service.schedules.set(empty_lab.id, "0 2 * * *")
    assert read(publisher, f"/datalabs/{empty_lab.id}").text.count(why) == 2, "the schedule starts nothing, either"
    assert publisher.get(f"/api/labs/{empty_lab.id}").json()["state"]["obstacle"] == why


def test_a_known_result_is_said_at_once(publisher: TestClient, service: QuietService, validated: Validated) -> None:
    lab = validated()
    hashes = {slot.kind: slot.manifest_hash for slot in service.lab(lab.id).slots}
    service.change(lab.id, {SEGMENTS: None})
    page = read(publisher, f"/datalabs/{lab.id}")
    after = send(publisher, page, f"/datalabs/{lab.id}/provision", segments=hashes[SEGMENTS])
    assert "Provisioned Segments. These datasets were validated on " in after.text
    assert ", and passed: the lab is Ready." in after.text
    assert service.lab(lab.id).state.state is LabState.READY


def test_expected_numbers_stand_beside_the_found_ones(
    publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    hashes = {kind.value: stored(service, kind, f"{kind.value}.csv") for kind in (IDENTIFIERS, SEGMENTS)}
    lab = f"/datalabs/{empty_lab.id}"
    page = read(publisher, lab)
    wrong = send(publisher, page, f"{lab}/provision", **hashes, **{"expected-segments": "many"})
    assert "Give an expected number as digits" in wrong.text and service.lab(empty_lab.id).slots == []
    given = {"expected-segments": "1,500", "expected-id-0": "20"}
    after = send(publisher, page, f"{lab}/provision", **hashes, **given)
    name = empty_lab.definition.identifiers_config[0].id_name
    assert "Segments: 1,500 rows expected" in after.text and f"Identifiers: 20 different {name} expected" in after.text
    placed(service, empty_lab, segments=DEMOGRAPHICS)
    assert [slot.expected for slot in service.lab(empty_lab.id).slots if slot.kind is SEGMENTS] == [None]


def test_a_found_number_beyond_ten_percent_is_marked(
    publisher: TestClient, service: QuietService, validated: Validated
) -> None:
    lab = validated()
    service.expect(lab.id, {SEGMENTS: ExpectedInfo(rows=100_000)})
    (found,) = next(slot for slot in twin(publisher, f"/datalabs/{lab.id}")["slots"] if slot["kind"] == "segments")[
        "expected"
    ]
    assert found["isOff"] and "rows found, 100,000 expected (−" in found["words"]
