"""Which result is current, the history, and retention that never takes the current one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from datalab.registry import Lab, LabState, NewResult, Registry, Result
from datalab.registry.models import ForgottenRow
from datalab.results.files import DASHBOARD

from .conftest import IDENTIFIERS, ME, definition

Upload = Callable[..., str]


@pytest.fixture
def lab(registry: Registry) -> Lab:
    return registry.labs.create(definition(), by=ME)


def compute(registry: Registry, lab: Lab, run_id: str, manifest_hash: str) -> Result:
    registry.provisioning.provision(lab.id, {IDENTIFIERS: manifest_hash}, by=ME)
    registry.runs.start(lab.id, run_id)
    registry.results.record(run_id, NewResult("SUCCESS", {"report": f"{run_id}.json"}, {"users": len(run_id)}))
    registry.runs.finish(run_id)
    return registry.results.history(lab.id)[0]


def test_the_current_result_is_of_exactly_what_is_provisioned(registry: Registry, lab: Lab, upload: Upload) -> None:
    one, two = upload(), upload()
    assert registry.results.current(lab.id) is None
    first = compute(registry, lab, "run-1", one)
    assert (first.run_id, first.datasets, first.status) == ("run-1", {IDENTIFIERS: one}, "SUCCESS")
    assert (first.paths, first.summary) == ({"report": "run-1.json"}, {"users": 5})
    assert registry.results.current(lab.id) == first
    registry.provisioning.provision(lab.id, {IDENTIFIERS: two}, by=ME)
    assert registry.results.current(lab.id) is None
    second = compute(registry, lab, "run-2", two)
    assert registry.results.current(lab.id) == second
    registry.provisioning.deprovision(lab.id, IDENTIFIERS, by=ME)
    assert registry.results.current(lab.id) is None
    registry.provisioning.provision(lab.id, {IDENTIFIERS: one}, by=ME)
    assert registry.results.current(lab.id) == first
    again = compute(registry, lab, "run-3", one)
    assert registry.results.current(lab.id) == again
    assert registry.results.history(lab.id) == [again, second, first]
    assert registry.results.history(lab.id, limit=1) == [again]


def test_retention_keeps_the_newest_and_the_current(registry: Registry, lab: Lab, upload: Upload) -> None:
    datasets = [upload() for _ in range(4)]
    results = [compute(registry, lab, f"run-{n}", manifest_hash) for n, manifest_hash in enumerate(datasets)]
    registry.provisioning.provision(lab.id, {IDENTIFIERS: datasets[0]}, by=ME)
    assert registry.results.expire(keep=10) == []
    expired = registry.results.expire(keep=1)
    assert expired == results[1:3]
    assert registry.results.history(lab.id) == [results[3], results[0]]
    assert registry.results.current(lab.id) == results[0]

    assert registry.results.expire(keep=1) == expired, "after a crash they are named again"
    registry.results.forget([*expired, results[0]])
    assert registry.results.expire(keep=1) == []
    assert registry.results.current(lab.id) == results[0], "what is current cannot be forgotten"


def test_a_file_joins_a_result_later(registry: Registry, lab: Lab, upload: Upload) -> None:
    one = compute(registry, lab, "run-1", upload())
    for path in ("first.html", "second.html"):
        registry.results.add_file("run-1", DASHBOARD, path)
        [joined] = registry.results.history(lab.id)
        assert joined.paths == {"report": "run-1.json", DASHBOARD.name: path}
        assert (joined.number, joined.status, joined.summary) == (one.number, one.status, one.summary)
    registry.runs.start(lab.id, "run-2")
    registry.results.add_file("run-2", DASHBOARD, "third.html")
    assert registry.results.history(lab.id) == [joined], "without a verdict there is no result"


def test_an_expired_result_makes_nothing_ready(registry: Registry, lab: Lab, upload: Upload) -> None:
    one, two = upload(), upload()
    compute(registry, lab, "run-1", one)
    compute(registry, lab, "run-2", two)
    registry.results.expire(keep=1)
    registry.provisioning.provision(lab.id, {IDENTIFIERS: one}, by=ME)
    assert registry.results.current(lab.id) is None
    assert registry.labs.state(lab.id).state is LabState.STALE


def test_results_of_deleted_labs_go(registry: Registry, lab: Lab, upload: Upload) -> None:
    result = compute(registry, lab, "run-1", upload())
    other = registry.labs.create(definition(), by=ME)
    kept = compute(registry, other, "run-2", upload())
    registry.labs.delete(lab.id, by=ME)
    assert registry.results.history(lab.id) == [result]
    assert registry.results.expire(keep=5) == [result]
    assert registry.results.history(lab.id) == [] and registry.results.history(other.id) == [kept]


def runs_of(registry: Registry, lab: Lab) -> list[str]:
    return [one.run_id for one in registry.results.refreshes(lab.id)]


def sweep(registry: Registry, keep: int) -> None:
    registry.results.forget(registry.results.expire(keep=keep))


def test_headline_numbers_of_thirty_refreshes_stay_however_few_results_are_kept(
    registry: Registry, lab: Lab, upload: Upload
) -> None:
    other = registry.labs.create(definition(), by=ME)
    compute(registry, other, "other", upload())
    results = []
    for n in range(35):
        results.append(compute(registry, lab, f"run-{n:0{n % 9 + 1}}", upload()))
        sweep(registry, 3)
    assert registry.results.history(lab.id) == results[:-4:-1]
    refreshes = registry.results.refreshes(lab.id)
    assert [(one.run_id, one.at, one.datasets, one.numbers) for one in refreshes] == [
        (one.run_id, one.created_at, one.datasets, one.summary) for one in results[-30:]
    ]
    assert runs_of(registry, other) == ["other"]
    with registry.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ForgottenRow)) == 30, "and no more are stored"


def test_a_crash_before_a_result_is_forgotten_leaves_its_numbers(registry: Registry, lab: Lab, upload: Upload) -> None:
    for run_id in ("run-1", "run-2"):
        compute(registry, lab, run_id, upload())
    expired = registry.results.expire(keep=1)
    assert runs_of(registry, lab) == ["run-1", "run-2"]
    for _ in range(2):
        registry.results.forget(expired)
        assert runs_of(registry, lab) == ["run-1", "run-2"]


def test_numbers_of_deleted_labs_go(registry: Registry, lab: Lab, upload: Upload) -> None:
    other = registry.labs.create(definition(), by=ME)
    for one, run_id in ((lab, "run-1"), (lab, "run-2"), (other, "run-3"), (other, "run-4")):
        compute(registry, one, run_id, upload())
    sweep(registry, 1)
    registry.labs.delete(lab.id, by=ME)
    sweep(registry, 1)
    assert (runs_of(registry, lab), runs_of(registry, other)) == ([], ["run-3", "run-4"])
