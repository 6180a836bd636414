"""A deployment with `automation: conditions`: datasets are replaced at random moments, its daemon is killed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import dagster as dg
import pytest

from datalab.home.settings import Automation
from datalab.kinds import DatasetKind
from datalab.registry import LabState, RunState
from datalab_dagster.graph.access import STARTS_RUNS
from datalab_dagster.service import LabInfo
from tests.living.world import World, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
SENSOR = STARTS_RUNS[Automation.CONDITIONS]
SEGMENTS = DatasetKind.SEGMENTS
MOMENTS = 10


@pytest.fixture(scope="module")
def up() -> Iterator[World]:
    world = World(users=1_000)
    world.data_home.mkdir()
    (world.data_home / "datalab.yaml").write_text("automation: conditions\n")
    world.start()
    yield world
    world.end()


def is_ready_with_what_it_has(up: World, lab: LabInfo) -> None:
    assert up.becomes(lab, LabState.READY, 300), up.told(lab)
    assert eventually(lambda: all(run.is_complete for run in up.service.runs(lab.id))), up.told(lab)
    slots = {slot.kind: slot.manifest_hash for slot in up.service.lab(lab.id).slots}
    newest = up.service.results(lab.id)[0]
    assert newest.datasets == slots and up.service.lab(lab.id).state.state is LabState.READY


def replace(up: World, lab: LabInfo, rows: int) -> None:
    up.reprovision(lab, {SEGMENTS: up.upload(SEGMENTS, rows=rows)})


def runs_of_evaluations(up: World, asset: str) -> set[str]:
    """Return the runs that Dagster's page of an asset shows with the evaluations that requested them."""
    storage = up.instance.schedule_storage
    assert storage is not None
    recorded = storage.get_auto_materialize_asset_evaluations(dg.AssetKey(asset), limit=100)
    return {run_id for one in recorded for run_id in one.get_evaluation_with_run_ids().run_ids}


def test_ready_whenever_a_dataset_is_replaced(up: World) -> None:
    chance, lab = random.Random(14), up.new_lab()
    is_ready_with_what_it_has(up, lab)
    (first,) = [up.service.run(run.run_id) for run in up.service.runs(lab.id)]
    assert first.cause.startswith("automation condition") and first.ended_at is not None
    usual = (first.ended_at - first.started_at).total_seconds()
    for number in range(MOMENTS):
        replace(up, lab, 600 + 10 * number)
        up.running_run(lab)
        time.sleep(chance.uniform(0, 1.2 * usual))
        replace(up, lab, 605 + 10 * number)
        is_ready_with_what_it_has(up, lab)
    changes = up.service._registry.provisioning.last_sequence(lab.id)
    runs = up.service._registry.runs.history(lab.id)
    assert len({run.sequence for run in runs}) == len(runs) <= changes, up.told(lab)


def test_two_labs_changed_together(up: World) -> None:
    labs = [up.new_lab(), up.new_lab()]
    for lab in labs:
        is_ready_with_what_it_has(up, lab)
    segments = up.upload(SEGMENTS, rows=800)
    for lab in labs:
        up.reprovision(lab, {SEGMENTS: segments})
    for lab in labs:
        is_ready_with_what_it_has(up, lab)
        runs = up.service.runs(lab.id)
        assert [run.state for run in runs] == [RunState.FINISHED] * 2
        assert {run.run_id for run in runs} <= runs_of_evaluations(up, "validation_status")


def test_the_daemon_is_killed(up: World) -> None:
    lab = up.new_lab()
    time.sleep(1.5)
    up.child("dagster-daemon").kill()
    is_ready_with_what_it_has(up, lab)
    replace(up, lab, 700)
    up.child("code-server").kill()
    is_ready_with_what_it_has(up, lab)
    assert [run.state for run in up.service.runs(lab.id)].count(RunState.FINISHED) == 2, up.told(lab)


def test_the_process_of_a_run_is_killed(up: World) -> None:
    """It is tried again as runs of the sensor are: the tags of its job are those of the sensor's."""
    lab = up.new_lab()
    up.process_of(up.running_run(lab, "validate_identifiers")).kill()
    is_ready_with_what_it_has(up, lab)
    assert [run.state for run in up.service.runs(lab.id)] == [RunState.FINISHED, RunState.FAILED]


def test_the_notice_names_the_sensor_that_starts_runs(up: World) -> None:
    up.switch_off("provisioning")
    lab = up.new_lab()
    assert up.service.lab(lab.id).state.obstacle == ""
    is_ready_with_what_it_has(up, lab)

    up.switch_off(SENSOR)
    lab = up.new_lab()
    told = up.service.lab(lab.id).state
    assert (told.state, told.starts_automatically) == (LabState.STALE, False)
    assert f"“{SENSOR}” is switched off in Dagster" in told.obstacle
