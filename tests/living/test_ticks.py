"""Ticks of sensors and schedules: what they cost, that they are bounded, and that one that starts nothing says why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from datalab.deployment import Deployment
from datalab.deployment.addresses import Layer
from datalab.home.settings import Settings
from datalab.registry import Lab, LabState
from datalab.registry.errors import DatabaseUnreachable
from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph import provisioning as provisioning_module
from datalab_dagster.graph import unanswered as unanswered_module
from datalab_dagster.graph.answering import answers
from datalab_dagster.graph.private import EMPTY_RESULT
from datalab_dagster.graph.runs.selection import assets_to_run
from datalab_dagster.graph.schedules import build_schedules
from datalab_dagster.graph.sensors import broken_runs, build_sensors, failed_labs, lost_runs, provisioning
from tests.living.conftest import FILES, IDENTIFIERS, SEGMENTS, Living
from tests.living.test_sensors import up_runs
from tests.ticks import STATEMENTS, Ticks
from tests.unit.registry.conftest import ME, register


def changed(living: Living, number: int) -> list[Lab]:
    """Make labs and provision them, identifiers of all first, so that the events of all labs lie across each other."""
    labs = [living.lab() for _ in range(number)]
    for kind in FILES:
        for lab in labs:
            dataset = register(living.deployment.registry)
            living.deployment.registry.provisioning.provision(lab.id, {kind: dataset}, by=ME)
    return labs


def test_as_many_statements_for_fifty_labs_as_for_five(living: Living) -> None:
    ticks = Ticks(living.instance)
    ticks.tick()  # opens the registry
    counts = []
    for number in (5, 50):
        changed(living, number)
        tick = ticks.tick()
        assert len(tick.keys) == number
        counts.append(tick.statements)
    assert counts[0] == counts[1] <= STATEMENTS
    idle = ticks.tick()
    assert idle.keys == [] and idle.statements < STATEMENTS


class TestManyChanges:
    @pytest.fixture(autouse=True)
    def two_per_tick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(provisioning_module, "_REQUESTS", 2)

    def test_each_lab_has_one_request_and_no_tick_more_than_allowed(self, living: Living) -> None:
        labs = changed(living, 5)
        ticks = [living.tick() for _ in range(4)]
        assert [len(tick) for tick in ticks] == [2, 2, 1, 0]
        assert [request.partition_key for tick in ticks for request in tick] == [lab.partition_key for lab in labs]

    def test_the_cursor_stays_behind_what_waits(self, living: Living) -> None:
        labs = changed(living, 5)
        living.tick()
        third = living.deployment.registry.provisioning.last_sequence(labs[2].id)
        assert living.cursor is not None and int(living.cursor.split()[0]) == third - 1

    def test_each_new_version_of_a_dataset_is_shown_once(self, living: Living) -> None:
        labs = changed(living, 5)
        shown = []
        for _ in range(4):
            answer = living.evaluate(provisioning)
            shown += [(event.partition, event.asset_key.to_user_string()) for event in answer.asset_events]
            living.cursor = answer.cursor
        assert sorted(shown) == sorted((lab.partition_key, kind.value) for lab in labs for kind in FILES)

    def test_nothing_is_lost_when_ticks_are_not_stored_or_the_process_starts_again(
        self, living: Living, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        labs = changed(living, 7)
        keys: set[str | None] = set()
        for number in range(12):
            stored = living.cursor
            requests = {request.run_key for request in living.tick()}
            if number % 3 == 1:
                living.cursor = stored  # the daemon died: its runs were not made
            else:
                keys |= requests
            if number == 4:
                monkeypatch.setattr(unanswered_module, "_progress", {})
        sequence = living.deployment.registry.provisioning.last_sequence
        assert keys == {f"{lab.id}:{sequence(lab.id)}" for lab in labs}


class TestReasons:
    def reason(self, living: Living) -> str:
        answer = living.evaluate(provisioning)
        living.cursor = answer.cursor
        return str(answer.skip_reason.skip_message)

    def test_nothing_new_and_how_many_labs_wait(self, living: Living) -> None:
        assert self.reason(living) == "Nothing new since provisioning event 0."
        living.lab()
        assert self.reason(living) == "Nothing new since provisioning event 0. 1 lab waits for datasets."
        lab = living.lab()
        living.provision(lab, FILES)
        living.execute(*living.tick())
        living.deployment.registry.provisioning.deprovision(lab.id, SEGMENTS, by=ME)
        assert self.reason(living) == "2 labs wait for datasets."
        assert self.reason(living) == "Nothing new since provisioning event 3. 2 labs wait for datasets."

    def test_the_run_that_answers(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        living.deployment.registry.runs.start(lab.id, "by-hand")
        assert self.reason(living) == "mine: answered by run by-hand."

    def test_many_labs_are_counted(self, living: Living) -> None:
        for number, lab in enumerate(changed(living, 5)):
            living.deployment.registry.runs.start(lab.id, f"run-{number}")
        assert self.reason(living).endswith("mine: answered by run run-2. So are the changes of 2 further labs.")

    def test_no_idle_tick_is_an_empty_result(self, living: Living) -> None:
        for sensor in build_sensors(Settings()):
            skipped = [evaluated(living, sensor, None).skip_message]
            cursor = evaluated(living, sensor, None).cursor
            skipped.append(evaluated(living, sensor, cursor).skip_message)
            assert all(skipped) and EMPTY_RESULT not in skipped, sensor.name

    def test_a_night_without_work_says_so(self, living: Living) -> None:
        night, *_ = build_schedules(Settings())
        context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 22, 3, tzinfo=UTC))
        assert night.evaluate_tick(context).skip_message == (
            "No lab is stale with all its datasets, and no last run was interrupted."
        )
        living.provision(living.lab(), FILES)
        living.tick()
        assert "other runs answer" in str(night.evaluate_tick(context).skip_message)


class TestElsewhere:
    @pytest.fixture(autouse=True)
    def has_home(self, living: Living) -> None:
        living.deployment.home.mkdir(exist_ok=True)

    def test_no_sensor_and_no_schedule_answers_beside_up(self, living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
        context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 22, 3, tzinfo=UTC))
        with up_runs(living.deployment.home):
            for sensor in build_sensors(Settings()):
                assert "datalab up" in str(evaluated(living, sensor, None).skip_message), sensor.name
            for schedule in build_schedules(Settings()):
                assert "datalab up" in str(schedule.evaluate_tick(context).skip_message), schedule.name
            monkeypatch.setenv("DATALAB_UP", "1")
            for sensor in build_sensors(Settings()):
                assert "datalab up" not in str(evaluated(living, sensor, None).skip_message), sensor.name

    def test_what_another_daemon_saw_of_a_failed_run_is_left_to_that_of_up(
        self, living: Living, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cursor = evaluated(living, broken_runs, None).cursor
        run = living.instance.create_run_for_job(dg.job(name="x")(lambda: None))
        living.instance.report_run_failed(run, "It died.")
        with up_runs(living.deployment.home):
            assert evaluated(living, broken_runs, cursor).cursor == cursor
            monkeypatch.setenv("DATALAB_UP", "1")
            answered = evaluated(living, broken_runs, cursor)
        assert answered.cursor != cursor and answered.skip_message == "Notification sent."

    def test_the_definitions_keep_their_sensors(self) -> None:
        names = {sensor.name for sensor in build_definitions().get_repository_def().sensor_defs}
        assert names == {sensor.name for sensor in (provisioning, lost_runs, broken_runs, failed_labs)} | {
            "drop_zones",
            "uploads",
        }


def evaluated(living: Living, sensor: Any, cursor: str | None) -> Any:
    """Return what the daemon gets from a sensor of the code location."""
    repository = build_definitions().get_repository_def()
    found = repository.get_sensor_def(sensor.name)
    return found.evaluate_tick(dg.build_sensor_context(living.instance, cursor, repository_def=repository))


@pytest.mark.usefixtures("living")
def test_a_registry_that_cannot_be_reached_is_opened_again_even_if_two_ticks_find_out() -> None:
    opened = []

    @answers
    def tick(deployment: Deployment, context: Any) -> None:
        opened.append(deployment.registry)
        if len(opened) == 1:
            tick(context)
        if len(opened) == 2:
            raise DatabaseUnreachable("here")

    with pytest.raises(DatabaseUnreachable):
        tick(None)
    tick(None)
    tick(None)
    first, second, third, fourth = opened
    assert first is second and second is not third and third is fourth


def test_a_validation_whose_files_are_lost_is_made_again(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success
    living.deployment.folders.place(lab.id).root.joinpath(Layer.VALIDATED).rmdir(recursive=True)
    living.provision(lab, {SEGMENTS: FILES[SEGMENTS] + "u1,s1\nu2,s9\n"})
    [request] = living.tick()
    assert not living.execute(request, raise_on_error=False).success
    again = {key.to_user_string() for key in assets_to_run(living.deployment, lab, ())}
    assert "valid_identifiers" in again and living.state(lab) is LabState.FAILED
    assert (IDENTIFIERS, living.deployment.registry.provisioning.datasets(lab.id)[IDENTIFIERS]) not in (
        living.deployment.registry.validated.of(lab.id)
    )


def test_a_sweep_forgets_the_validations_whose_files_it_removes(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success
    validated = living.deployment.registry.validated
    living.deployment.sweep()
    assert {kind for kind, _ in validated.of(lab.id)} == set(FILES)
    living.deployment.registry.labs.delete(lab.id, by=ME)
    living.deployment.sweep()
    assert validated.of(lab.id) == set()
