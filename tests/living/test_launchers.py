"""The same life of a lab under both run launchers: with and without a daemon, cancelled, lost, by sensor and people."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from datalab.registry import LabState, RunState
from datalab_dagster.service import LabInfo, RunInfo
from tests.commands import COMMAND
from tests.living.world import LAUNCHERS, ME, World, eventually, gone

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SCRIPT = """
import sys
import datalab_dagster as dq
from datalab_dagster.data_lab import DataLabBuilder

with dq.create_client("me@publisher.example", "") as client:
    lab = DataLabBuilder(client).from_existing(sys.argv[1]).build()
    lab.run(again=True)
    print(lab.is_validation_passed(lab.get_validation_report(timeout=300)))
"""


@pytest.fixture(scope="module", params=LAUNCHERS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A deployment in which nothing runs."""
    world = World(launcher=request.param)
    assert type(world.instance.run_launcher).__name__ == request.param
    yield world
    world.end()


@pytest.fixture(scope="module")
def up(world: World) -> World:
    """The same one, with `datalab up`."""
    world.start()
    return world


def run(world: World, *command: str) -> Any:
    done = subprocess.run(command, env=world.environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def status_in_dagster(world: World, run: RunInfo) -> dg.DagsterRunStatus:
    known = world.instance.get_run_by_id(run.run_id)
    assert known is not None
    return known.status


def people_validate(world: World, lab: LabInfo) -> None:
    """By a command and by a script: one result each."""
    assert "SUCCESS" in run(world, COMMAND, "validate", lab.id, "--wait", "--user", ME)
    assert run(world, sys.executable, "-c", SCRIPT, lab.id).split() == ["True"]
    runs = [world.service.run(one.run_id) for one in world.service.runs(lab.id)]
    assert [one.state for one in runs] == [RunState.FINISHED] * 2, world.told(lab)
    assert eventually(lambda: {status_in_dagster(world, one) for one in runs} == {dg.DagsterRunStatus.SUCCESS})
    assert world.becomes(lab, LabState.READY)


def cancelled(world: World, lab: LabInfo) -> None:
    """A run is interrupted in the middle of its work, and leaves nothing."""
    active = world.running_run(lab, "validate_identifiers")
    process = world.process_of(active)
    assert world.service.cancel_run(active.run_id).state is RunState.CANCELLED
    assert gone(process)
    assert eventually(lambda: status_in_dagster(world, active) is dg.DagsterRunStatus.CANCELED), world.told(lab)
    assert world.service.run(active.run_id).state is RunState.CANCELLED
    assert eventually(lambda: world.scratch() == [])


def test_people_validate_without_a_daemon(world: World) -> None:
    people_validate(world, world.new_lab())


def test_a_run_without_a_daemon_is_cancelled(world: World) -> None:
    lab = world.new_lab()
    world.service.validate(lab.id)
    cancelled(world, lab)


def test_a_run_that_was_killed_without_a_daemon_has_failed_and_is_repeated(world: World) -> None:
    lab = world.new_lab()
    active = world.service.validate(lab.id)
    world.running_run(lab, "validate_identifiers")
    os.kill(world.process_of(active).pid, signal.SIGKILL)
    assert world.becomes(lab, LabState.FAILED), world.told(lab)
    assert "died" in world.service.lab(lab.id).state.reason
    assert run(world, COMMAND, "validate", lab.id, "--wait", "--user", ME)
    assert world.becomes(lab, LabState.READY)


def test_provisioned_datasets_are_validated(up: World) -> None:
    lab = up.new_lab()
    assert up.becomes(lab, LabState.READY), up.told(lab)
    (only,) = up.service.runs(lab.id)
    assert eventually(lambda: status_in_dagster(up, only) is dg.DagsterRunStatus.SUCCESS)


def test_people_validate_with_a_daemon(up: World) -> None:
    people_validate(up, up.new_lab())


def test_a_run_of_the_daemon_is_cancelled(up: World) -> None:
    cancelled(up, up.new_lab())


def test_a_run_that_is_lost_together_with_its_code_server_is_answered_again(up: World) -> None:
    """With Dagster's launcher, only the code server would have noticed the end of its process."""
    lab = up.new_lab()
    active = up.running_run(lab, "validate_identifiers")
    process, server = up.process_of(active), up.child("code-server")
    os.kill(server.pid, signal.SIGKILL)
    os.kill(process.pid, signal.SIGKILL)
    assert gone(process)
    assert up.becomes(lab, LabState.READY), up.told(lab)
    lost, again = sorted(up.service.runs(lab.id), key=lambda one: one.run_id != active.run_id)
    assert lost.state is RunState.FAILED and "died" in (up.service.run(lost.run_id).reason or ""), up.told(lab)
    assert "another attempt" in again.cause
    assert status_in_dagster(up, lost) is dg.DagsterRunStatus.FAILURE
