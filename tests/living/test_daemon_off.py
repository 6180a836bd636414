"""A schedule starts runs; when Dagster's daemon hangs, status and API say that nothing starts automatically."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from datalab.registry import LabState
from datalab_dagster.cli import datalab
from tests.living.world import ME, World, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def up() -> Iterator[World]:
    world = World(users=100)
    world.start()
    yield world
    world.end()


def test_a_schedule_starts_a_run_and_without_the_daemon_this_is_said(
    up: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = up.new_lab()
    assert up.service.lab(lab.id).state.starts_automatically
    assert up.becomes(lab, LabState.READY), up.told(lab)
    up.service.schedules.set(lab.id, "* * * * *")

    def scheduled() -> list[str]:
        runs = [up.instance.get_run_by_id(run.run_id) for run in up.service.runs(lab.id) if run.is_complete]
        return [run.run_id for run in runs if run and run.tags.get("dagster/schedule_name") == "lab_schedules"]

    assert eventually(lambda: len(scheduled()) >= 2, 240), up.told(lab)
    assert up.service.lab(lab.id).state.state is LabState.READY
    found = up.service.schedules.of(lab.id)
    assert found is not None and found.last_at is not None and found.obstacle == ""
    up.service.schedules.remove(lab.id)

    daemon = up.child("dagster-daemon")
    daemon.send_signal(signal.SIGSTOP)
    stale = up.new_lab()
    assert up.service.lab(stale.id).state.starts_automatically, "it has reported lately"
    assert eventually(lambda: not up.service.lab(stale.id).state.starts_automatically, 150)
    assert "Dagster's daemon is not running (last seen" in up.service.lab(stale.id).state.obstacle
    for name, value in up.environment.items():
        monkeypatch.setenv(name, value)
    assert "daemon is not running" in CliRunner().invoke(datalab, ["status", stale.id, "--user", ME]).output

    daemon.send_signal(signal.SIGCONT)
    assert up.becomes(stale, LabState.READY, 240), up.told(stale)
