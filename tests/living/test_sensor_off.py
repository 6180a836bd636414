"""A sensor that a person has switched off in Dagster: status, pages and API say that nothing starts automatically."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from datalab.registry import LabState
from datalab_dagster.cli import datalab
from datalab_dagster.graph.access import DagsterAccess
from tests.living.world import ME, World

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
SENSOR = "provisioning"


@pytest.fixture
def up() -> Iterator[World]:
    world = World(users=100)
    world.start()
    yield world
    world.end()


def test_nothing_is_promised_while_the_sensor_is_off(up: World, monkeypatch: pytest.MonkeyPatch) -> None:
    access = DagsterAccess(up.environment)
    assert not access.is_switched_off(SENSOR)
    up.switch_off(SENSOR)
    assert access.is_switched_off(SENSOR) and not access.is_switched_off("lost_runs")

    lab = up.new_lab()
    told = up.service.lab(lab.id).state
    assert (told.state, told.starts_automatically) == (LabState.STALE, False)
    assert "switched off in Dagster" in told.obstacle and "datalab validate" in told.next_step
    for name, value in up.environment.items():
        monkeypatch.setenv(name, value)
    assert "switched off in Dagster" in CliRunner().invoke(datalab, ["status", lab.id, "--user", ME]).output

    up.service.validate(lab.id)
    assert up.becomes(lab, LabState.READY), up.told(lab)
    access.close()
