"""A run is for exactly the datasets that it reads; replaced meanwhile, it is never current."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datalab.registry import Lab, LabState, NewResult, Registry, Run, RunState
from datalab.registry.errors import LabNotFound, RunNotFound, RunRefused

from .conftest import IDENTIFIERS, ME, SEGMENTS

Upload = Callable[..., str]


@pytest.fixture
def full(registry: Registry, lab: Lab, upload: Upload) -> Lab:
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload(), SEGMENTS: upload()}, by=ME)
    return lab


def state(registry: Registry, lab: Lab) -> LabState:
    return registry.labs.state(lab.id).state


def finish(registry: Registry, run_id: str, result: NewResult) -> Run:
    registry.results.record(run_id, result)
    return registry.runs.finish(run_id)


def test_a_run_reads_what_is_provisioned_when_it_starts(registry: Registry, full: Lab) -> None:
    run = registry.runs.start(full.id, "run-1", cause="segments provisioned by me")
    assert run.datasets == registry.provisioning.datasets(full.id)
    assert run.sequence == registry.provisioning.last_sequence(full.id)
    assert run.state is RunState.STARTED and run.ended_at is None and run.cause == "segments provisioned by me"
    assert registry.runs.start(full.id, "run-1") == run, "a repeated call is the same run"
    assert registry.runs.get("run-1") == run
    assert registry.runs.in_flight() == [run] and registry.runs.outdated() == []


def test_from_empty_to_ready(registry: Registry, lab: Lab, upload: Upload) -> None:
    assert state(registry, lab) is LabState.EMPTY
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload()}, by=ME)
    assert state(registry, lab) is LabState.INCOMPLETE
    registry.provisioning.provision(lab.id, {SEGMENTS: upload()}, by=ME)
    assert state(registry, lab) is LabState.STALE
    registry.runs.start(lab.id, "run-1")
    assert state(registry, lab) is LabState.VALIDATING
    run = finish(registry, "run-1", NewResult("SUCCESS", {"dashboard": "d.html"}, {"users": 3}))
    assert run.state is RunState.FINISHED and run.ended_at is not None
    assert state(registry, lab) is LabState.READY
    assert finish(registry, "run-1", NewResult("FAILED")) == run, "a repeated call changes nothing"
    assert state(registry, lab) is LabState.READY
    assert [(one.id, how.state) for one, how in registry.labs.states()] == [(lab.id, LabState.READY)]


def test_failed_by_verdict_or_by_breaking_off(registry: Registry, full: Lab) -> None:
    registry.runs.start(full.id, "run-1")
    run = registry.runs.fail("run-1", "disk full. " * 1000)
    assert run.state is RunState.FAILED and len(run.reason or "") == 2000
    explained = registry.labs.state(full.id)
    assert explained.state is LabState.FAILED and "disk full" in explained.reason
    registry.runs.start(full.id, "run-2")
    assert state(registry, full) is LabState.VALIDATING
    finish(registry, "run-2", NewResult("FAILED"))
    explained = registry.labs.state(full.id)
    assert explained.state is LabState.FAILED and "disk full" not in explained.reason
    registry.runs.start(full.id, "run-3")
    finish(registry, "run-3", NewResult("SUCCESS"))
    assert state(registry, full) is LabState.READY, "the newest verdict counts"


def test_a_run_whose_data_were_replaced_is_superseded(registry: Registry, full: Lab, upload: Upload) -> None:
    first = registry.provisioning.datasets(full.id)
    registry.runs.start(full.id, "run-1")
    registry.provisioning.provision(full.id, {SEGMENTS: upload()}, by=ME)
    explained = registry.labs.state(full.id)
    assert explained.state is LabState.STALE and "still running" in explained.reason
    assert [run.run_id for run in registry.runs.outdated()] == ["run-1"]
    assert finish(registry, "run-1", NewResult("SUCCESS")).state is RunState.SUPERSEDED
    assert registry.runs.outdated() == []
    assert state(registry, full) is LabState.STALE and registry.results.current(full.id) is None
    assert [result.run_id for result in registry.results.history(full.id)] == ["run-1"]

    registry.provisioning.provision(full.id, first, by=ME)
    assert state(registry, full) is LabState.READY, "it was computed from exactly what is provisioned again"


def test_cancelled_and_superseded(registry: Registry, full: Lab, upload: Upload) -> None:
    registry.runs.start(full.id, "run-1")
    assert registry.runs.cancel("run-1", "by hand").state is RunState.CANCELLED
    assert registry.runs.finish("run-1").state is RunState.CANCELLED, "interrupted between two steps"
    assert registry.runs.fail("run-1", "x").state is RunState.CANCELLED
    assert state(registry, full) is LabState.STALE
    registry.runs.start(full.id, "run-2")
    registry.provisioning.provision(full.id, {SEGMENTS: upload()}, by=ME)
    assert registry.runs.fail("run-2", "its file is gone").state is RunState.SUPERSEDED
    assert state(registry, full) is LabState.STALE
    registry.runs.start(full.id, "run-3")
    registry.provisioning.provision(full.id, {SEGMENTS: upload()}, by=ME)
    assert registry.runs.cancel("run-3").state is RunState.SUPERSEDED
    assert registry.runs.cancel("run-3", "again").reason is None
    assert [run.run_id for run in registry.runs.history(full.id)] == ["run-3", "run-2", "run-1"]
    assert [run.run_id for run in registry.runs.history(full.id, limit=1)] == ["run-3"]


def test_a_result_outlives_a_run_that_breaks_off_after_it(registry: Registry, full: Lab) -> None:
    registry.runs.start(full.id, "run-1")
    finish(registry, "run-1", NewResult("SUCCESS"))
    registry.runs.fail("run-1", "the dashboard could not be written")
    explained = registry.labs.state(full.id)
    assert explained.state is LabState.READY and "the dashboard could not be written" in explained.reason
    registry.runs.start(full.id, "run-2")
    finish(registry, "run-2", NewResult("SUCCESS"))
    assert "dashboard" not in registry.labs.state(full.id).reason


def test_a_verdict_counts_before_the_run_ends(registry: Registry, full: Lab, upload: Upload) -> None:
    first = registry.provisioning.datasets(full.id)
    registry.runs.start(full.id, "run-1")
    registry.results.record("run-1", NewResult("FAILED", {"statistics": "s.json"}))
    assert registry.runs.get("run-1").state is RunState.STARTED and registry.runs.is_current("run-1")
    explained = registry.labs.state(full.id)
    assert explained.state is LabState.FAILED and explained.reason.endswith("of these datasets failed.")
    assert registry.runs.fail("run-1", "no space left.").state is RunState.FAILED
    explained = registry.labs.state(full.id)
    assert explained.state is LabState.FAILED
    assert explained.reason.endswith("of these datasets failed. The run failed after its verdict: no space left.")

    registry.runs.start(full.id, "run-2")
    registry.results.record("run-2", NewResult("SUCCESS"))
    assert registry.runs.cancel("run-2", "by hand").state is RunState.CANCELLED
    assert state(registry, full) is LabState.READY, "cancelled after its verdict"

    registry.runs.start(full.id, "run-3")
    registry.results.record("run-3", NewResult("SUCCESS"))
    registry.provisioning.provision(full.id, {SEGMENTS: upload()}, by=ME)
    assert not registry.runs.is_current("run-3") and state(registry, full) is LabState.STALE
    assert registry.runs.finish("run-3").state is RunState.SUPERSEDED
    registry.provisioning.provision(full.id, first, by=ME)
    assert state(registry, full) is LabState.READY


def test_a_run_believed_dead_that_ends_well_counts(registry: Registry, full: Lab) -> None:
    registry.runs.start(full.id, "run-1")
    registry.runs.fail("run-1", "no sign of life")
    assert finish(registry, "run-1", NewResult("SUCCESS")).reason is None
    assert state(registry, full) is LabState.READY


def test_a_run_of_a_lab_that_is_deleted_meanwhile(registry: Registry, full: Lab) -> None:
    registry.runs.start(full.id, "run-1")
    registry.labs.delete(full.id, by=ME)
    assert [run.run_id for run in registry.runs.outdated()] == ["run-1"]
    assert finish(registry, "run-1", NewResult("SUCCESS")).state is RunState.SUPERSEDED


def test_a_run_for_named_datasets(registry: Registry, full: Lab) -> None:
    now = registry.provisioning.datasets(full.id)
    run = registry.runs.start(full.id, "run-1", datasets={IDENTIFIERS: now[IDENTIFIERS]})
    assert run.datasets == {IDENTIFIERS: now[IDENTIFIERS]}
    assert registry.runs.finish("run-1").state is RunState.SUPERSEDED
    assert registry.results.history(full.id) == []


def test_runs_that_are_refused(registry: Registry, lab: Lab, full: Lab) -> None:
    with pytest.raises(LabNotFound):
        registry.runs.start("nowhere", "run-0")
    record = registry.results.record
    for act in (
        registry.runs.finish,
        registry.runs.cancel,
        registry.runs.get,
        lambda run: registry.runs.fail(run, ""),
        lambda run: record(run, NewResult("SUCCESS")),
    ):
        with pytest.raises(RunNotFound):
            act("run-0")
    empty = registry.labs.create(lab.definition, by=ME)
    with pytest.raises(RunRefused, match="nothing is provisioned"):
        registry.runs.start(empty.id, "run-1")
    registry.runs.start(full.id, "run-1")
    with pytest.raises(RunRefused, match="belongs to lab"):
        registry.runs.start(empty.id, "run-1")
    registry.runs.finish("run-1")
    with pytest.raises(RunRefused, match=r"already ended \(FINISHED\)"):
        registry.runs.start(full.id, "run-1")
