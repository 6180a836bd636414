"""One change, one run: sensor, schedule and hand claim a change in the registry before they make a run."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import pytest

from datalab.deployment.errors import RunSuperseded
from datalab.home.settings import Settings
from datalab.registry import Lab, LabState, Registry, RunState
from datalab.registry.errors import ChangeClaimed
from datalab_dagster.graph.runs.claims import claimed
from datalab_dagster.graph.runs.start import launch_run
from datalab_dagster.graph.schedules import build_schedules
from resources.run import started
from tests.living.conftest import FILES, IDENTIFIERS, SEGMENTS, Living, living, segments
from tests.living.world import ME, World, eventually
from tests.unit.registry.conftest import database, lab, registry, server, upload, url

__all__ = ["database", "lab", "living", "registry", "server", "upload", "url"]

pytestmark = pytest.mark.attack


def together(*asking: Callable[[], str | None]) -> list[str]:
    """Call functions in threads that begin at the same moment; return what is not None."""
    start = threading.Barrier(len(asking))

    def call(function: Callable[[], str | None]) -> str | None:
        start.wait()
        return function()

    with ThreadPoolExecutor(len(asking)) as pool:
        return [answer for answer in pool.map(call, asking) if answer is not None]


def by_hand(registry: Registry, lab: Lab, number: int) -> str | None:
    try:
        return registry.runs.start_alone(lab.id, f"hand-{number}").run_id
    except ChangeClaimed:
        return None


def requested(registry: Registry, lab: Lab, sequence: int, holder: str) -> str | None:
    return holder if registry.claims.take(lab.id, sequence, holder).holder == holder else None


def test_of_all_that_ask_at_the_same_moment_one_gets_the_change(
    registry: Registry, lab: Lab, upload: Callable[..., str]
) -> None:
    for number in range(10):
        registry.provisioning.provision(lab.id, {IDENTIFIERS: upload(), SEGMENTS: upload()}, by=ME)
        last = registry.provisioning.last_sequence(lab.id)
        granted = together(
            partial(by_hand, registry, lab, number),
            partial(by_hand, registry, lab, number + 1_000),
            partial(requested, registry, lab, last, f"sensor-{number}"),
            partial(requested, registry, lab, last, f"schedule-{number}"),
        )
        assert len(granted) == 1, granted


def test_the_sensor_requests_nothing_for_a_change_that_is_validated_by_hand(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.deployment.registry.runs.start_alone(lab.id, "hand")
    assert living.tick() == []


def test_by_hand_no_run_is_made_beside_that_of_the_sensor(living: Living) -> None:
    lab, runs = living.lab(), living.deployment.registry.runs
    living.provision(lab, FILES)
    assert len(living.tick()) == 1
    with pytest.raises(ChangeClaimed) as refused:
        runs.start_alone(lab.id, "hand")
    assert refused.value.claim.run_id is None and runs.history(lab.id) == []
    run = runs.start(lab.id, "of the sensor", sequence=refused.value.claim.sequence)
    with pytest.raises(ChangeClaimed) as refused:
        runs.start_alone(lab.id, "hand")
    assert refused.value.claim.run_id == run.run_id
    with pytest.raises(ChangeClaimed):
        runs.start(lab.id, "a second of the sensor", sequence=run.sequence)
    assert [one.run_id for one in runs.history(lab.id)] == ["of the sensor"]


def test_the_sensor_that_asks_again_keeps_its_claim(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    [request] = living.tick()
    living.cursor = None  # the daemon died before it kept the tick
    assert [again.run_key for again in living.tick()] == [request.run_key]


def test_the_schedule_leaves_a_claimed_change_alone(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    [night, *_] = build_schedules(Settings())

    def requests() -> list[Any]:
        context = dg.build_schedule_context(
            instance=living.instance, scheduled_execution_time=datetime(2025, 1, 1, tzinfo=UTC)
        )
        answer: Any = night(context)
        return [] if isinstance(answer, dg.SkipReason) else answer

    living.tick()
    assert requests() == []


def test_what_was_claimed_for_a_run_that_has_ended_is_free(registry: Registry, full: Lab) -> None:
    first = registry.runs.start_alone(full.id, "run-1")
    registry.runs.fail("run-1", "killed")
    assert requested(registry, full, first.sequence, "restart") == "restart"
    assert registry.runs.start(full.id, "run-2", sequence=first.sequence).state is RunState.STARTED


def test_a_run_that_cannot_be_made_gives_its_claim_back_and_the_sensor_requests_one(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, registry = living.lab(), living.deployment.registry
    living.provision(lab, FILES)
    run = registry.runs.start_alone(lab.id, str(uuid.uuid4()))
    assert living.tick() == [], "the event is passed on to the run by hand"

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dg.DagsterInstance, "launch_run", full_disk)
    with pytest.raises(OSError, match="No space"):
        launch_run(living.deployment, living.instance, lab, run, changed=[], by=ME)
    assert registry.runs.get(run.run_id).state is RunState.FAILED
    [request] = living.tick()
    assert request.partition_key == lab.partition_key
    assert living.tick() == []


def test_a_request_that_never_becomes_a_run_is_given_up(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, deployment = living.lab(), living.deployment
    living.provision(lab, FILES)
    last = deployment.registry.provisioning.last_sequence(lab.id)
    assert claimed(deployment, lambda: living.instance, lab, last, "lost")
    assert not claimed(deployment, lambda: living.instance, lab, last, "next")
    monkeypatch.setattr("datalab_dagster.graph.runs.claims._PATIENCE", timedelta(0))
    assert claimed(deployment, lambda: living.instance, lab, last, "next")
    deployment.registry.runs.start(lab.id, "run", sequence=last)
    assert not claimed(deployment, lambda: living.instance, lab, last, "next but one"), "a run is no request"


def test_a_run_for_replaced_data_does_not_answer_the_newer_change(living: Living) -> None:
    lab, registry = living.lab(), living.deployment.registry
    living.provision(lab, FILES)
    [request] = living.tick()
    living.provision(lab, {SEGMENTS: segments(13)})
    asked = int(request.tags["datalab/sequence"])
    with pytest.raises(RunSuperseded), started(living.deployment, lab.id, "late", sequence=asked):
        raise AssertionError("it must not begin")
    late = registry.runs.get("late")
    assert (late.state, late.sequence) == (RunState.SUPERSEDED, asked)
    assert dict(late.datasets) != registry.provisioning.datasets(lab.id)
    assert [one.partition_key for one in living.tick()] == [lab.partition_key]


@pytest.fixture
def full(registry: Registry, lab: Lab, upload: Callable[..., str]) -> Lab:
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload(), SEGMENTS: upload()}, by=ME)
    return lab


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("races", [8])
def test_as_many_runs_as_races_of_sensor_and_hand(races: int) -> None:
    world, chance = World(users=300), random.Random(11)
    try:
        world.start()
        service, definition = world.service, world.definition
        hashes = {kind: world.upload(kind) for kind in definition.datasets}
        labs: list[str] = []
        late: list[threading.Thread] = []
        for _ in range(races):
            lab = service.create_lab(definition)
            service.change(lab.id, hashes)
            labs.append(lab.id)
            late.append(threading.Timer(chance.uniform(0, 4), service.validate, [lab.id]))
            late[-1].start()
        for one in late:
            one.join()
        registry = world.service._deployment.registry

        def all_done() -> bool:
            time.sleep(2)  # each look is a query per lab
            runs = [registry.runs.history(lab) for lab in labs]
            return all(own and own[0].ended_at is not None for own in runs)

        assert eventually(all_done, 900)
        assert world.instance.get_runs_count() == races
        assert [len(registry.runs.history(lab)) for lab in labs] == [1] * races
        states = [service.lab(lab).state for lab in labs]
        assert [state.reason for state in states if state.state is not LabState.READY] == []
    finally:
        world.end()
