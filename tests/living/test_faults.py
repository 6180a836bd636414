"""Whatever can be killed is killed, at each stage: no event is lost, no lab wrongly Ready, nothing left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import EmbeddedPostgres, LabState, RunState
from datalab_dagster.service import LabInfo
from tests.living.world import LAUNCHERS, World, eventually, gone

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
SEGMENTS = DatasetKind.SEGMENTS


@pytest.fixture(scope="module", params=LAUNCHERS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(launcher=request.param)
    world.start()
    yield world
    world.end()


def assert_sound(world: World, lab: LabInfo) -> None:
    """The lab is Ready for exactly what is provisioned, by exactly one result, and nothing is left behind."""
    assert world.becomes(lab, LabState.READY), world.told(lab)
    now = {slot.kind: slot.manifest_hash for slot in world.service.lab(lab.id).slots}
    current = world.service.current_result(lab.id)
    assert current is not None and current.datasets == now and current.status == "SUCCESS"
    assert sum(result.datasets == now for result in world.service.results(lab.id)) == 1
    # the verdict counts before its run ends
    assert eventually(lambda: all(run.is_complete for run in world.service.runs(lab.id)), 20)
    assert eventually(lambda: world.scratch() == [], 20), world.scratch()


@pytest.mark.parametrize("step", [None, "validate_identifiers", "users"])
def test_a_killed_run_is_restarted(world: World, step: str | None) -> None:
    lab = world.new_lab()
    run = world.running_run(lab, step)
    process = world.process_of(run)
    os.kill(process.pid, signal.SIGKILL)
    assert gone(process)
    assert world.service.lab(lab.id).state.state is not LabState.READY
    assert_sound(world, lab)
    assert world.service.run(run.run_id).state is RunState.FAILED


def test_a_validation_that_is_asked_for_waits_in_the_queue_and_is_done_once(world: World) -> None:
    lab = world.new_lab()
    first = world.service.validate(lab.id)  # before or after the sensor has seen the event
    assert_sound(world, lab)
    assert [run.run_id for run in world.service.runs(lab.id)] == [first.run_id]
    assert world.service.validate(lab.id).run_id == first.run_id
    again = world.service.validate(lab.id, again=True)
    assert again.run_id != first.run_id
    assert eventually(lambda: world.service.run(again.run_id).is_complete)
    assert world.service.run(again.run_id).state is RunState.FINISHED, world.told(lab)
    assert all(step.state == "SUCCESS" for step in world.service.run(again.run_id).steps)


def test_an_event_while_the_daemon_is_dead_is_answered_once(world: World) -> None:
    lab = world.new_lab()
    assert_sound(world, lab)
    daemon = world.child("dagster-daemon")
    os.kill(daemon.pid, signal.SIGKILL)
    world.reprovision(lab, {SEGMENTS: world.upload(SEGMENTS, rows=3_000)})
    assert_sound(world, lab)
    assert len(world.service.runs(lab.id)) == 2


def test_a_daemon_killed_after_it_started_a_run_does_not_start_it_twice(world: World) -> None:
    lab = world.new_lab()
    run = world.running_run(lab)
    os.kill(world.child("dagster-daemon").pid, signal.SIGKILL)
    assert_sound(world, lab)
    assert [one.run_id for one in world.service.runs(lab.id)] == [run.run_id]


@pytest.mark.parametrize("name", ["dagster-webserver", "code-server"])
def test_runs_do_not_need_the_other_servers(world: World, name: str) -> None:
    lab = world.new_lab()
    run = world.running_run(lab)
    killed = world.child(name)
    os.kill(killed.pid, signal.SIGKILL)
    assert_sound(world, lab)
    assert [one.run_id for one in world.service.runs(lab.id)] == [run.run_id]
    assert eventually(lambda: world.child(name).pid != killed.pid and world.child(name).is_running())


def test_a_killed_database_comes_back_and_nothing_is_lost(world: World) -> None:
    lab = world.new_lab()
    world.running_run(lab, "validate_identifiers")
    server = EmbeddedPostgres(world.data_home)
    os.kill(int((server.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    assert eventually(server.running)
    assert_sound(world, lab)


def test_new_data_during_a_run_supersede_it(world: World) -> None:
    lab = world.new_lab()
    run = world.running_run(lab)
    world.reprovision(lab, {SEGMENTS: world.upload(SEGMENTS, rows=2_000)})
    assert_sound(world, lab)
    assert world.service.run(run.run_id).state is RunState.SUPERSEDED


def test_up_itself_is_killed_in_the_middle_of_a_run(world: World) -> None:
    lab = world.new_lab()
    world.running_run(lab)
    children = [world.child(name) for name in ("dagster-daemon", "dagster-webserver", "code-server")]
    world.kill_up()
    assert all(gone(child) for child in children)
    world.reprovision(lab, {SEGMENTS: world.upload(SEGMENTS, rows=2_500)})
    world.start()
    assert_sound(world, lab)
