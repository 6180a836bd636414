"""The schedules of labs, in process and over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalab.registry import Registry, ScheduleWrong
from datalab.registry.errors import LabNotFound
from datalab_dagster.graph.access import DagsterAccess
from datalab_dagster.service import LabService
from tests.portal.deployments import PUBLISHER, VIEWER, QuietService, definition, ready_lab


def test_set_read_and_removed(lab_service: LabService, registry: Registry) -> None:
    lab = lab_service.create_lab(definition("A/B"))
    assert lab_service.schedules.of(lab.id) is None
    made = lab_service.schedules.set("A/B", " 0 2 * *  mon-fri", "Europe/Berlin")
    assert (made.lab_id, made.cron, made.timezone, made.set_by) == (
        lab.id,
        "0 2 * * mon-fri",
        "Europe/Berlin",
        PUBLISHER,
    )
    assert made.next_at > datetime.now(UTC) and (made.last_at, made.last, made.run_id) == (None, "", None)
    assert lab_service.schedules.of(lab.id) == made
    again = lab_service.schedules.set(lab.id, "0 4 * * *")
    assert (again.timezone, again.cron) == ("UTC", "0 4 * * *"), "that of the settings"
    lab_service.schedules.remove(lab.id)
    lab_service.schedules.remove(lab.id)
    assert lab_service.schedules.of(lab.id) is None and registry.schedules.all() == []


def test_what_came_of_the_last_time(lab_service: LabService, service: QuietService, registry: Registry) -> None:
    lab = ready_lab(service)
    made = lab_service.schedules.set(lab.id, "* * * * *")
    [due] = registry.schedules.take(registry.schedules.due(made.next_at), made.next_at)
    now = lab_service.schedules.of(lab.id)
    assert now and (now.last_at, now.last) == (made.next_at, "The validation was requested.")
    registry.schedules.answer(due, run_id="run-1")
    now = lab_service.schedules.of(lab.id)
    assert now and (now.last, now.run_id) == ("The validation was requested.", None), "it waits in the queue"
    registry.runs.start(lab.id, "run-1")
    for ends, words in ((False, "is running"), (True, "has ended")):
        if ends:
            registry.runs.finish("run-1")
        now = lab_service.schedules.of(lab.id)
        assert now and (now.last, now.run_id) == (f"The validation {words}.", "run-1")
    registry.schedules.answer(due, outcome="Identifiers is not provisioned.")
    now = lab_service.schedules.of(lab.id)
    assert now and (now.last, now.run_id) == ("Identifiers is not provisioned.", None)


@pytest.mark.parametrize(("cron", "timezone"), [("0 2 * * * *", "UTC"), ("0 3 30 2 *", "UTC"), ("0 2 * * *", "Mars")])
def test_bad_input(lab_service: LabService, cron: str, timezone: str) -> None:
    lab = lab_service.create_lab(definition("Spring"))
    with pytest.raises(ScheduleWrong, match=r"^The schedule of the lab was not changed: '"):
        lab_service.schedules.set(lab.id, cron, timezone)
    assert lab_service.schedules.of(lab.id) is None


def test_unknown_and_deleted_labs(lab_service: LabService) -> None:
    lab = lab_service.create_lab(definition("Spring"))
    lab_service.schedules.set(lab.id, "0 2 * * *")
    lab_service.delete_lab(lab.id)
    for unknown in (lab.id, "no-such-lab"):
        with pytest.raises(LabNotFound):
            lab_service.schedules.set(unknown, "0 2 * * *")
        with pytest.raises(LabNotFound):
            lab_service.schedules.of(unknown)
        with pytest.raises(LabNotFound):
            lab_service.schedules.remove(unknown)


def test_all_of_the_deployment_and_of_ones_own_labs(lab_service: LabService, service: QuietService) -> None:
    lab = lab_service.create_lab(definition("Spring"))
    lab_service.schedules.set(lab.id, "0 2 * * *")
    service._deployment.registry.schedules.set(
        service._registry.labs.create(definition("Theirs"), by=VIEWER).id, "0 2 * * *", "UTC", by=VIEWER
    )
    nightly, sweep, own, *theirs = lab_service.schedules.all()
    assert [(one.name, one.cron, one.timezone, one.lab_id, one.is_on) for one in (nightly, sweep, own)] == [
        ("nightly", "0 3 * * *", "UTC", None, True),
        ("nightly_sweep", "30 4 * * *", "UTC", None, True),
        ("lab_schedules", "0 2 * * *", "UTC", lab.id, True),
    ]
    assert own.lab_name == "Spring" and nightly.next_at.hour == 3 and nightly.last_at is None
    assert bool(theirs) is (lab_service.user != PUBLISHER or not service._registry.accounts.users())


def test_all_while_dagsters_storage_is_away(service: QuietService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DagsterAccess, "instance", property(lambda _: 1 / 0))
    assert [(one.name, one.is_on) for one in service.schedules.all()] == [("nightly", None), ("nightly_sweep", None)]
