"""The schedules of labs, evaluated as the daemon does: one run for each time, none lost, none twice, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from datalab.registry import Lab, LabState
from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph import lab_schedules as module
from datalab_dagster.graph.lab_schedules import RUN_KEY_TAG, lab_schedules
from tests.living.conftest import FILES, IDENTIFIERS, ME, SEGMENTS, Living, names
from tests.ticks import counted_statements

DAILY = "0 2 * * *"
SCHEDULE_TAG = "dagster/schedule_name"


class Daemon:
    """Evaluates the schedule at a time of its own; makes and executes the runs that it requests."""

    def __init__(self, living: Living) -> None:
        self.living = living
        self.now = datetime.now(UTC)

    def tick(self, later: timedelta = timedelta(minutes=1)) -> Any:
        """Return what the daemon gets."""
        self.now += later
        repository = build_definitions().get_repository_def()
        context = dg.build_schedule_context(scheduled_execution_time=self.now, repository_def=repository)
        return repository.get_schedule_def(lab_schedules.name).evaluate_tick(context)

    def make(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Execute a request with the tags that the daemon gives its run."""
        return self.living.execute(request.with_replaced_attrs(tags={**request.tags, RUN_KEY_TAG: request.run_key}))


@pytest.fixture
def daemon(living: Living) -> Daemon:
    return Daemon(living)


@pytest.fixture
def lab(living: Living) -> Lab:
    """A Ready lab with a schedule."""
    lab = living.lab()
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success
    living.deployment.registry.schedules.set(lab.id, DAILY, "Europe/Berlin", by=ME)
    return lab


def told(living: Living, lab: Lab) -> Any:
    return living.deployment.registry.schedules.of(lab.id)


def test_at_its_time_everything_is_validated_again(living: Living, daemon: Daemon, lab: Lab) -> None:
    assert daemon.tick().skip_message == "No schedule of a lab is due."
    due = told(living, lab).next_at
    [request] = daemon.tick(timedelta(days=1)).run_requests
    assert request.tags[SCHEDULE_TAG] == "lab_schedules" and request.tags["datalab/lab"] == "mine"
    assert request.tags["datalab/cause"] == f"schedule “{DAILY}”, Europe/Berlin"
    assert (
        request.partition_key == lab.partition_key and request.run_key == f"{lab.id}:schedule:{due:%Y-%m-%dT%H:%M:%SZ}"
    )
    assert {"valid_identifiers", "valid_segments", "users", "validation_status", "dashboard"} <= names(request)
    made = daemon.make(request)
    assert made.success and living.state(lab) is LabState.READY
    assert living.deployment.registry.runs.history(lab.id)[0].cause == f"schedule “{DAILY}”, Europe/Berlin"
    assert daemon.tick().skip_message == "The runs of the last time exist; no schedule of a lab is due."
    assert (told(living, lab).run_id, told(living, lab).due_at) == (made.run_id, due)
    assert daemon.tick().skip_message == "No schedule of a lab is due."


def test_what_was_due_while_the_daemon_was_away_is_run_once(living: Living, daemon: Daemon, lab: Lab) -> None:
    [request] = daemon.tick(timedelta(days=30)).run_requests
    daemon.make(request)
    assert not daemon.tick().run_requests
    [again] = daemon.tick(timedelta(days=1)).run_requests
    assert again.run_key != request.run_key


def test_a_request_whose_run_was_not_made_is_repeated_under_its_key(living: Living, daemon: Daemon, lab: Lab) -> None:
    [request] = daemon.tick(timedelta(days=1)).run_requests
    [same_tick] = daemon.tick(timedelta(0)).run_requests
    [next_tick] = daemon.tick().run_requests
    assert request.run_key == same_tick.run_key == next_tick.run_key
    daemon.make(next_tick)
    assert not daemon.tick().run_requests


def test_a_lab_that_waits_for_a_dataset_says_so(living: Living, daemon: Daemon, lab: Lab) -> None:
    living.deployment.registry.provisioning.deprovision(lab.id, SEGMENTS, by=ME)
    tick = daemon.tick(timedelta(days=1))
    assert not tick.run_requests and tick.skip_message == "mine: Segments is not provisioned."
    assert told(living, lab).outcome == "Segments is not provisioned." and not told(living, lab).requested
    assert daemon.tick().skip_message == "No schedule of a lab is due."


def test_another_validation_counts(living: Living, daemon: Daemon, lab: Lab) -> None:
    living.deployment.registry.runs.start(lab.id, "by-hand")
    tick = daemon.tick(timedelta(days=1))
    assert tick.skip_message == "mine: Another validation of these datasets was requested or is running."
    living.deployment.registry.runs.finish("by-hand")
    assert len(daemon.tick(timedelta(days=1)).run_requests) == 1


def test_a_lab_that_was_never_validated_is_validated(living: Living, daemon: Daemon) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.deployment.registry.schedules.set(lab.id, "*/5 * * * *", "UTC", by=ME)
    [request] = daemon.tick(timedelta(minutes=6)).run_requests
    assert daemon.make(request).success and living.state(lab) is LabState.READY
    assert living.tick() == [], "the sensor has nothing left to do"


def test_many_labs_are_taken_over_several_ticks(
    living: Living, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REQUESTS", 2)
    labs = [living.lab(name=f"lab {number}") for number in range(5)]
    for one in labs[:4]:
        living.provision(one, FILES)
        living.deployment.registry.schedules.set(one.id, DAILY, "UTC", by=ME)
    first = daemon.tick(timedelta(days=2)).run_requests
    assert len(first) == 2
    for request in first:
        daemon.make(request)
    second = daemon.tick().run_requests
    assert len(second) == 2 and {one.partition_key for one in (*first, *second)} == {
        one.partition_key for one in labs[:4]
    }


def test_many_reasons_are_counted(living: Living, daemon: Daemon) -> None:
    for number in range(5):
        living.deployment.registry.schedules.set(living.lab(name=f"lab {number}").id, DAILY, "UTC", by=ME)
    said = str(daemon.tick(timedelta(days=2)).skip_message)
    assert said.count("Identifiers and Segments are not provisioned.") == 3
    assert said.endswith("2 further labs were due, too.")


def test_an_idle_tick_is_one_statement(living: Living, daemon: Daemon, lab: Lab) -> None:
    daemon.tick()  # opens the registry
    with counted_statements() as counter:
        daemon.tick()
    assert counter.total() == 1, counter


def test_a_deleted_lab_is_due_no_more(living: Living, daemon: Daemon, lab: Lab) -> None:
    living.deployment.registry.labs.delete(lab.id, by=ME)
    assert daemon.tick(timedelta(days=2)).skip_message == "No schedule of a lab is due."


def test_the_nightly_schedule_leaves_what_is_requested_alone(living: Living, daemon: Daemon, lab: Lab) -> None:
    living.provision(lab, {IDENTIFIERS: "u0\nu1\n"})
    assert len(daemon.tick(timedelta(days=1)).run_requests) == 1
    night = build_definitions().get_repository_def().get_schedule_def("nightly")
    context = dg.build_schedule_context(instance=living.instance, scheduled_execution_time=daemon.now)
    assert "other runs answer" in str(night.evaluate_tick(context).skip_message)
