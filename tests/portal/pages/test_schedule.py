"""The schedule on the page of a lab: set, changed and removed by its owners."""

from __future__ import annotations

import pytest

from datalab.registry import Registry
from datalab_dagster.service import LabInfo
from tests.portal.clients import TestClient
from tests.portal.deployments import PUBLISHER, QuietService
from tests.portal.pages.reading import read, send
from tests.portal.pages.test_lab_page import status_of


def test_set_changed_and_removed(publisher: TestClient, service: QuietService, empty_lab: LabInfo) -> None:
    where, action = f"/datalabs/{empty_lab.id}", f"/datalabs/{empty_lab.id}/schedule"
    page = read(publisher, where)
    assert "With a schedule, it is also validated again at fixed times." in page.text and "Set schedule" in page.text
    after = send(publisher, page, action, cron="0 2 * * mon-fri", timezone="Europe/Berlin")
    assert "has a schedule. Next validation: 20" in after.text and "Remove schedule" in after.text
    assert (
        "0 2 * * mon-fri Europe/Berlin" in after.text
        and f"by {PUBLISHER}" in after.text
        and "none so far" in after.text
    )
    again = send(publisher, after, action, cron="0 4 * * *")
    found = service.schedules.of(empty_lab.id)
    assert found and (found.cron, found.timezone) == ("0 4 * * *", "Europe/Berlin"), "the field keeps the zone"
    remove = next(form for form in again.forms if form.action == action and "cron" not in form.fields)
    answer = publisher.post(
        action, data={**remove.fields, "remove": "yes"}, headers={"Origin": str(publisher.base_url)}
    )
    assert answer.status_code == 303 and "has no schedule any more." in read(publisher, where).text
    assert service.schedules.of(empty_lab.id) is None


@pytest.mark.parametrize(
    ("cron", "timezone", "says"),
    [
        ("0 2 * *", "", "must have five fields"),
        ("0 3 30 2 *", "", "names a day that never comes"),
        ("0 2 * * *", "<b>Mars</b>", "'<b>Mars</b>' is not a time zone"),
    ],
)
def test_bad_input_is_explained_and_changes_nothing(
    cron: str, timezone: str, says: str, publisher: TestClient, service: QuietService, empty_lab: LabInfo
) -> None:
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    after = send(publisher, page, f"/datalabs/{empty_lab.id}/schedule", cron=cron, timezone=timezone)
    assert status_of(after) == "422" and says in after.text and "The schedule of the lab was not changed" in after.text
    assert service.schedules.of(empty_lab.id) is None


def test_what_came_of_the_last_time(
    publisher: TestClient, viewer: TestClient, service: QuietService, empty_lab: LabInfo, registry: Registry
) -> None:
    made = service.schedules.set(empty_lab.id, "* * * * *")
    [due] = registry.schedules.take(registry.schedules.due(made.next_at), made.next_at)
    registry.schedules.answer(due, outcome="Identifiers is not provisioned.")
    for client in (publisher, viewer):
        page = read(client, f"/datalabs/{empty_lab.id}")
        assert "Identifiers is not provisioned." in page.text
        assert ("Change schedule" in page.text) is (client is publisher)


def test_changes_are_in_the_audit_log(publisher: TestClient, service: QuietService, empty_lab: LabInfo) -> None:
    page = read(publisher, f"/datalabs/{empty_lab.id}")
    send(publisher, page, f"/datalabs/{empty_lab.id}/schedule", cron="0 2 * * *", timezone="UTC")
    headers = {"X-CSRF-Token": page.form(f"/datalabs/{empty_lab.id}/schedule").fields["csrf_token"]}
    publisher.put(f"/api/labs/{empty_lab.id}/schedule", json={"cron": "0 4 * * *"}, headers=headers)
    publisher.delete(f"/api/labs/{empty_lab.id}/schedule", headers=headers)
    actions = [entry.action for entry in service.audit_log() if "schedule" in entry.action]
    assert actions == ["lab.unschedule", "lab.schedule", "lab.schedule"]
