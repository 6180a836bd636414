"""Runs are killed at random moments: Dagster tries each again, at most twice, and the result is the right one."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import psutil
import pytest

from datalab.registry import LabState, RunState
from datalab_dagster.service import LabInfo, RunInfo
from tests.living.world import World, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]
KILLS, IN_A_ROW = 20, 2
"""All kills, and how many attempts for one lab are killed at most: as many as Dagster makes up for."""


def test_right_results_after_kills_at_random_moments() -> None:
    world, chance = World(users=1_000), random.Random(29)
    try:
        world.start()
        hashes = {kind: world.upload(kind) for kind in world.definition.datasets}

        def new_lab() -> LabInfo:
            return world.service.change(world.service.create_lab(world.definition).id, hashes)

        def result(lab: LabInfo) -> Any:
            assert world.becomes(lab, LabState.READY, 300), world.told(lab)
            assert eventually(lambda: all(run.is_complete for run in world.service.runs(lab.id))), world.told(lab)
            [only] = world.service.results(lab.id)
            files = {"dashboard.html", "statistics.json", "validation-status.json"}
            # A lab is Ready with its verdict: the attempt that draws the dashboard may be still to come.
            assert eventually(lambda: files <= set(world.service.results(lab.id)[0].files)), only.files
            return json.loads(world.service.result_file(lab.id, "statistics.json"))

        undisturbed = new_lab()
        expected = result(undisturbed)
        [run] = world.service.runs(undisturbed.id)
        assert run.ended_at is not None
        usual = (run.ended_at - run.started_at).total_seconds()
        kills = 0
        while kills < KILLS:
            lab = new_lab()
            killed = sum(kill(world, lab, chance.uniform(0, usual)) for _ in range(chance.randint(1, IN_A_ROW)))
            assert result(lab) == expected
            assert eventually(lambda lab=lab: not_failed(world, lab) == [RunState.FINISHED]), world.told(lab)
            assert len(world.service.runs(lab.id)) <= killed + 1 <= IN_A_ROW + 1, world.told(lab)
            kills += killed
        world.service._deployment.sweep()
        assert world.scratch() == []
    finally:
        world.end()


def not_failed(world: World, lab: LabInfo) -> list[RunState]:
    """How its attempts ended; one that was killed after its last step is made up for, although all files are there."""
    return [run.state for run in world.service.runs(lab.id) if run.state is not RunState.FAILED]


def kill(world: World, lab: LabInfo, after: float) -> int:
    """Kill the next attempt of a lab that long after it was recorded; return how many were: the last may have ended."""

    def active() -> list[RunInfo]:
        return [run for run in world.service.runs(lab.id) if not run.is_complete]

    assert eventually(lambda: bool(active()) or world.service.lab(lab.id).state.state is LabState.READY), world.told(
        lab
    )
    if not (runs := active()):
        return 0
    process = world.process_of(runs[0])
    time.sleep(after)
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return 0
    assert eventually(lambda: not active()), world.told(lab)
    return 1
