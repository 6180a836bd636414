"""A deployment in which nothing happens hardly asks its database for anything, and wakes up at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.living.deployment import Deployment
from datalab.registry import LabState
from datalab_dagster.graph.quiet import QUIET_AFTER_SECONDS
from tests.living.world import World

pytestmark = [pytest.mark.long, pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux only")]

SECONDS = 60.0
MOST_CONNECTIONS = 30


@pytest.fixture
def world() -> Iterator[World]:
    world = World(users=300)
    yield world
    world.end()


def test_few_connections_a_minute_and_a_new_lab_becomes_ready(world: World) -> None:
    world.start()
    time.sleep(QUIET_AFTER_SECONDS + 20)
    deployment = Deployment(world.data_home)
    before = deployment.connections()
    time.sleep(SECONDS)
    assert deployment.connections() - before - 1 <= MOST_CONNECTIONS
    assert world.becomes(world.new_lab(), LabState.READY), world.said()


def test_up_itself_has_loaded_none_of_the_libraries_of_its_processes(world: World) -> None:
    loaded = Path(f"/proc/{world.start().pid}/maps").read_text()
    assert [name for name in ("sqlalchemy", "pyarrow", "numpy", "pandas", "duckdb", "grpc") if name in loaded] == []
