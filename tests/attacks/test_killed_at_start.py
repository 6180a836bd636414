"""A run whose process is killed before its first event is restarted at once; none is lost and none doubled."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator

import dagster as dg
import psutil
import pytest

from datalab.registry import LabState, RunState
from datalab_dagster.graph.runs.launcher import DIED, ProcessRunLauncher
from datalab_dagster.service import LabInfo
from resources.process import PROCESS_TAG
from resources.run import PARTITION_TAG
from tests.living.world import World, eventually

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    ("status", "lost"),
    [
        (dg.DagsterRunStatus.STARTING, True),
        (dg.DagsterRunStatus.NOT_STARTED, True),
        (dg.DagsterRunStatus.STARTED, False),  # the daemon watches these
        (dg.DagsterRunStatus.SUCCESS, False),
        (dg.DagsterRunStatus.CANCELED, False),
    ],
)
def test_the_launcher_reports_a_process_that_ended_before_its_first_event(
    status: dg.DagsterRunStatus, lost: bool
) -> None:
    class Ended:
        def wait(self, timeout: float | None = None) -> int:
            return -9

    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(dg.job(name="x")(lambda: None), status=status)
        launcher = ProcessRunLauncher()
        launcher.register_instance(instance)
        launcher._follow(Ended(), run.run_id)  # type: ignore[arg-type]
        after = instance.get_run_by_id(run.run_id)
        assert after is not None and after.status is (dg.DagsterRunStatus.FAILURE if lost else status)
        said = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
        assert [record.event_log_entry.get_dagster_event().message for record in said] == ([DIED] if lost else [])


def processes_of(world: World, lab: LabInfo) -> Iterator[psutil.Process]:
    for run in world.instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: lab.id})):
        if (mark := run.tags.get(PROCESS_TAG)) and not run.is_finished:
            with contextlib.suppress(psutil.NoSuchProcess):
                yield psutil.Process(int(mark.split(":")[0]))


@pytest.mark.long
@pytest.mark.parametrize("kills", [20])
def test_killed_at_many_moments_of_its_start(kills: int) -> None:
    world, chance = World(users=40), random.Random(10)
    try:
        world.start()
        hashes = {kind: world.upload(kind) for kind in world.definition.datasets}

        def ready_after(kill_after: float | None) -> float:
            lab = world.service.create_lab(world.definition)
            world.service.change(lab.id, hashes)
            begun = time.monotonic()
            if kill_after is not None:
                found: list[psutil.Process] = []
                assert eventually(lambda: bool(found.extend(processes_of(world, lab)) or found))
                time.sleep(kill_after)
                with contextlib.suppress(psutil.NoSuchProcess):
                    found[0].kill()
            assert world.becomes(lab, LabState.READY), world.told(lab)
            seconds = time.monotonic() - begun
            assert eventually(lambda: all(run.is_complete for run in world.service.runs(lab.id))), world.told(lab)
            finished = [run for run in world.service.runs(lab.id) if run.state is RunState.FINISHED]
            assert len(finished) == 1, world.told(lab)
            return seconds

        undisturbed = max(ready_after(None) for _ in range(2))
        for _ in range(kills):
            assert ready_after(chance.uniform(0, 1)) < undisturbed + 20
    finally:
        world.end()
