"""The daemon is killed at random moments, the code server too: every provisioning event has one run, none is lost."""

from __future__ import annotations

import random
import time
from collections import Counter

import psutil
import pytest

from datalab.registry import LabState, RunState
from tests.living.world import World, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
KILLS, PER_START = 20, 4
"""One more kill in a row, and `up` gives up."""
_RUN_KEY = "dagster/run_key"
_AGAIN = "dagster/retry_number"
"""Tag of a further attempt: the process of a run died with the daemon before the first event."""


def test_as_many_runs_as_events() -> None:
    world, chance = World(users=300), random.Random(14)
    try:
        world.start()
        hashes = {kind: world.upload(kind) for kind in world.definition.datasets}
        labs = []
        for number in range(1, KILLS + 1):
            labs.append(world.service.change(world.service.create_lab(world.definition).id, hashes))
            time.sleep(chance.uniform(0, 4))
            assert eventually(lambda: killed(world, "dagster-daemon"))
            if number % PER_START == 0:
                assert eventually(lambda: killed(world, "code-server"))
                for lab in labs[-PER_START:]:
                    assert world.becomes(lab, LabState.READY, 300), world.told(lab)
                assert eventually(lambda: world.service._registry.runs.in_flight() == [])
                world.stop()
                world.start()
        runs = world.instance.get_runs()
        asked = Counter(run.tags[_RUN_KEY].split(":")[0] for run in runs if _AGAIN not in run.tags)
        assert asked == Counter(lab.id for lab in labs)
        for lab in labs:
            history = world.service._registry.runs.history(lab.id)
            assert [run.state for run in history].count(RunState.FINISHED) == 1
            assert len(world.service.results(lab.id)) == 1
    finally:
        world.end()


def killed(world: World, name: str) -> bool:
    """Kill a process of `up`; False if it is just being started again."""
    try:
        world.child(name).kill()
    except psutil.NoSuchProcess:
        return False
    return True
