"""Datasets are replaced, and validations started, faster than runs end: one result per set of datasets that stayed."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import Lab, LabState, NewResult, Registry, RunState
from datalab.registry.errors import RunRefused
from tests.unit.registry.conftest import database, lab, registry, server, upload, url

__all__ = ["database", "lab", "registry", "server", "upload", "url"]

pytestmark = pytest.mark.attack
IDENTIFIERS, SEGMENTS, *_ = DatasetKind
ME = "me@publisher.example"


class Deployment:
    """A registry with all that acts on it, in any order: people, the sensor, the queue and the processes of runs."""

    def __init__(self, registry: Registry, lab: Lab, contents: list[str]) -> None:
        self._registry = registry
        self._lab = lab.id
        self._contents = contents
        self._queue: list[tuple[str, int]] = []
        self._active: list[str] = []
        self._number = 0

    def replace(self, draw: random.Random) -> None:
        self._registry.provisioning.provision(self._lab, {SEGMENTS: draw.choice(self._contents)}, by=ME)

    def press(self, _: random.Random) -> None:
        """What *Start now* does, see `LocalRuns.validate`."""
        held = self._registry.provisioning.datasets(self._lab)
        runs = self._registry.runs
        if self._registry.results.current(self._lab) or any(dict(run.datasets) == held for run in runs.in_flight()):
            return
        with contextlib.suppress(RunRefused):
            self._active.append(runs.start_alone(self._lab, self._new("hand"), cause="validated by me").run_id)

    def tick(self, _: random.Random) -> None:
        """What the provisioning sensor does."""
        runs, results = self._registry.runs, self._registry.results
        for run in runs.outdated():
            runs.supersede(run.run_id)
        held = self._registry.provisioning.datasets(self._lab)
        last = self._registry.provisioning.last_sequence(self._lab)
        if results.current(self._lab) or any(dict(run.datasets) == held for run in runs.in_flight()):
            return
        holder = self._new("sensor")
        if self._registry.claims.take(self._lab, last, holder).holder == holder:
            self._queue.append((holder, last))

    def begin(self, _: random.Random) -> None:
        if self._queue:
            run_id, sequence = self._queue.pop(0)
            with contextlib.suppress(RunRefused):
                if self._registry.runs.start(self._lab, run_id, sequence=sequence).state is RunState.STARTED:
                    self._active.append(run_id)

    def end(self, draw: random.Random) -> None:
        if self._active:
            run_id = self._active.pop(draw.randrange(len(self._active)))
            if self._registry.runs.is_current(run_id):
                self._registry.results.record(run_id, NewResult("SUCCESS"))
            self._registry.runs.finish(run_id)

    def drain(self, draw: random.Random) -> None:
        for _ in range(5):
            self.tick(draw)
            while self._queue:
                self.begin(draw)
            while self._active:
                self.end(draw)

    def _new(self, who: str) -> str:
        self._number += 1
        return f"{who}-{self._number}"


@pytest.mark.parametrize("seed", range(10))
def test_twenty_rapid_replacements_and_presses(
    seed: int, registry: Registry, lab: Lab, upload: Callable[..., str]
) -> None:
    draw = random.Random(seed)
    contents = [upload() for _ in range(3)]
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload(), SEGMENTS: contents[0]}, by=ME)
    around = Deployment(registry, lab, contents)
    for _ in range(20):
        for act in draw.choices((around.replace, around.press, around.tick, around.begin, around.end), k=4):
            act(draw)
    around.drain(draw)
    assert registry.labs.state(lab.id).state is LabState.READY
    history = registry.runs.history(lab.id)
    finished = Counter(run.datasets[SEGMENTS] for run in history if run.state is RunState.FINISHED)
    assert set(finished.values()) == {1}, finished
    assert {result.datasets[SEGMENTS] for result in registry.results.history(lab.id)} == set(finished)
    for run in history:
        assert run.state in (RunState.FINISHED, RunState.SUPERSEDED), run
        if run.state is RunState.SUPERSEDED and run.reason is not None:
            assert run.reason == "Segments was replaced.", run


def test_a_run_whose_datasets_were_put_back_before_it_began_goes_on(
    registry: Registry, lab: Lab, upload: Callable[..., str]
) -> None:
    identifiers, first, second = upload(), upload(), upload()
    registry.provisioning.provision(lab.id, {IDENTIFIERS: identifiers, SEGMENTS: first}, by=ME)
    requested = registry.provisioning.last_sequence(lab.id)
    registry.provisioning.provision(lab.id, {SEGMENTS: second}, by=ME)
    late = registry.runs.start(lab.id, "late-of-others", sequence=requested)
    assert (late.state, late.reason) == (RunState.SUPERSEDED, "Segments was replaced.")
    registry.provisioning.provision(lab.id, {SEGMENTS: first}, by=ME)
    run = registry.runs.start(lab.id, "late", sequence=requested)
    assert run.state is RunState.STARTED and registry.labs.state(lab.id).state is LabState.VALIDATING
    assert registry.runs.supersede("late") is False, "its datasets are provisioned"
    last = registry.provisioning.last_sequence(lab.id)
    assert registry.claims.take(lab.id, last, "sensor").run_id == "late", "one run answers the last change"
