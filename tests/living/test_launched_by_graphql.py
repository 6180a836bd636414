"""A run that a person launches by Dagster's own API, signed in, as docs/dagster.md shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from datalab.registry import LabState
from tests.attacks.addresses import record, secret
from tests.living.world import PATIENCE, World
from tests.up.processes import within

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs/dagster.md"


@pytest.fixture
def world() -> Iterator[World]:
    world = World(users=300)
    try:
        world.start(portal=True)
        yield world
    finally:
        world.end()


def test_the_example_of_the_docs_computes_a_panel_and_the_results(world: World) -> None:
    lab = world.new_lab()
    assert world.becomes(lab, LabState.READY), world.told(lab)
    (example,) = re.findall(r"```python\n(from dagster_graphql .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    address = urlsplit(record(world).dagster_url)
    names = {"host": address.hostname, "port": address.port, "token": secret(world)}
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    example = example.replace("spring-campaign-base~3f2a", lab.partition_key)
    script = [sys.executable, "-c", f"{given}{example}print(run_id)"]
    done = subprocess.run(script, env=world.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    status, run_id = done.stdout.split()
    assert status.startswith("DagsterRunStatus.")
    assert within(PATIENCE, lambda: world.instance.get_run_by_id(run_id).is_success), world.told(lab)  # type: ignore[union-attr]
    run = world.service.run(run_id)
    assert run.cause == "by hand" and run.state == "FINISHED"
    assert {step.name for step in run.steps} == {
        "segments_per_user",
        "statistics_report",
        "validation_status",
        "dashboard",
    }
    assert [result.run_id for result in world.service.results(lab.id) if result.current] == [run_id]
