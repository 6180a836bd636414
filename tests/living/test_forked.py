"""A real `datalab up` whose processes and runs are forks of one: what is lost if that one, or a fork, is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from datalab.home.up import running
from datalab.registry import LabState, RunState
from datalab_dagster.cli import datalab
from datalab_dagster.service import LabInfo, Role
from datalab_dagster.service.http import HttpService
from tests.living.world import ME, World, eventually, gone

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks a loaded process"),
]
SERVICES = {"code-server", "dagster-webserver", "dagster-daemon", "portal"}


@pytest.fixture(scope="module")
def up() -> Iterator[World]:
    world = World()
    world.start(portal=True)
    yield world
    world.end()


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def states(up: World, lab: LabInfo) -> list[RunState]:
    return [run.state for run in up.service.runs(lab.id)]


def children(up: World) -> dict[str, int]:
    record = running(up.data_home)
    assert record is not None
    return {child.name: child.pid for child in record.children}


def test_every_service_is_a_fork_and_one_that_is_killed_is_one_again(up: World) -> None:
    found = children(up)
    assert eventually(lambda: all(name_of(found[name]) == name[:15] for name in SERVICES)), found
    os.kill(found["portal"], signal.SIGKILL)
    assert eventually(lambda: children(up)["portal"] != found["portal"]), up.said()
    assert eventually(lambda: name_of(children(up)["portal"]) == "portal"), "its name follows its start"
    assert "portal ended unexpectedly by SIGKILL" in up.said()


def test_runs_and_services_outlive_the_process_that_they_are_forks_of(up: World) -> None:
    labs = [up.new_lab() for _ in range(3)]
    active = up.running_run(labs[0])
    assert name_of(up.process_of(active).pid) == "datalab-run"
    before = children(up)
    server = up.child("forks")
    server.kill()
    assert gone(server)
    for lab in labs:
        assert up.becomes(lab, LabState.READY), up.told(lab)
    assert eventually(lambda: all(states(up, lab) == [RunState.FINISHED] for lab in labs)), list(map(up.told, labs))
    after = children(up)
    assert after["forks"] != before["forks"] and {name: after[name] for name in SERVICES} == {
        name: before[name] for name in SERVICES
    }
    last = up.new_lab()
    assert name_of(up.process_of(up.running_run(last)).pid) == "datalab-run", "the new server makes forks"
    assert up.becomes(last, LabState.READY), up.told(last)


def test_a_change_over_the_portal_is_answered_once(up: World) -> None:
    up.service.accounts.add(ME, Role.PUBLISHER)
    _, token = up.service.accounts.create_token(ME, "test", lifetime=timedelta(hours=1))
    record = running(up.data_home)
    assert record is not None
    with HttpService(str(record.portal_url), token) as portal:
        uploads = {kind: up.upload(kind) for kind in up.definition.datasets}
        labs = [portal.create_lab(up.definition) for _ in range(4)]
        for lab in labs:
            portal.change(lab.id, uploads)
        for lab in labs:
            assert up.becomes(lab, LabState.READY), up.told(lab)
            assert [run.cause.split(",")[0] for run in up.service.runs(lab.id)] == ["automatic"], up.told(lab)


def test_status_says_that_the_program_was_changed(up: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in up.environment.items():
        monkeypatch.setenv(name, value)
    assert "Restart `datalab up`" not in CliRunner().invoke(datalab, ["status", "--user", ME]).output
    monkeypatch.setattr("datalab.home.loaded._sources", lambda: [up.home / "up.log"])
    with (up.home / "up.log").open("ab") as log:
        log.write(b"\n")
    assert "Restart `datalab up`" in CliRunner().invoke(datalab, ["status", "--user", ME]).output
