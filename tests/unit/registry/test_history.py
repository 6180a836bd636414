"""Pages of what happened in a lab, and of its results."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datalab.registry import Lab, NewResult, Registry
from datalab.registry.history import Happened
from datalab.registry.wanted import HistoryQuery, ResultQuery

from .conftest import IDENTIFIERS, ME, SEGMENTS, definition

Upload = Callable[..., str]


@pytest.fixture
def lab(registry: Registry, upload: Upload) -> Lab:
    """Three refreshes: passed, failed, and put back to the first."""
    found = registry.labs.create(definition(require_segments=True), by=ME)
    first, second, segments = upload("first.csv"), upload("second 5%.csv"), upload("segments.csv")
    for number, (identifiers, verdict) in enumerate([(first, "SUCCESS"), (second, "FAILED")]):
        registry.provisioning.provision(found.id, {IDENTIFIERS: identifiers, SEGMENTS: segments}, by=ME, cause="night")
        registry.runs.start(found.id, f"run-{number}", cause="sensor")
        registry.results.record(f"run-{number}", NewResult("SUCCESS" if verdict == "SUCCESS" else "FAILED"))
        registry.runs.finish(f"run-{number}")
    registry.provisioning.provision(found.id, {IDENTIFIERS: first}, by="you@publisher.example")
    registry.runs.start(found.id, "run-2", cause="by hand")
    registry.runs.fail("run-2", "The disk was full.")
    return found


def shown(entry: Happened) -> str:
    return entry.run.run_id if entry.run else f"{entry.event.kind.value} {entry.event.action.value}"  # type: ignore[union-attr]


def test_events_and_runs_stand_together_the_newest_first(registry: Registry, lab: Lab) -> None:
    page = registry.history.entries(lab.id, HistoryQuery())
    assert [shown(entry) for entry in page.entries] == [
        "run-2",
        "identifiers REPROVISIONED",
        "run-1",
        "identifiers REPROVISIONED",
        "run-0",
        "segments PROVISIONED",
        "identifiers PROVISIONED",
    ]
    assert [entry.verdict for entry in page.entries if entry.run] == [None, "FAILED", "SUCCESS"]
    assert sorted(page.names.values()) == ["first.csv", "second 5%.csv", "segments.csv"]
    turned = registry.history.entries(lab.id, HistoryQuery(sort="created", first=2, count=2))
    assert [shown(entry) for entry in turned.entries] == ["run-0", "identifiers REPROVISIONED"]
    assert (turned.found, turned.total) == (7, 7)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"what": "run"}, ["run-2", "run-1", "run-0"]),
        ({"what": "event", "kind": "segments"}, ["segments PROVISIONED"]),
        ({"state": "FAILED"}, ["run-2"]),
        ({"text": "DISK"}, ["run-2"]),
        ({"text": "5%"}, ["identifiers REPROVISIONED", "identifiers REPROVISIONED"]),
        ({"text": "you@"}, ["identifiers REPROVISIONED"]),
        ({"text": "sensor", "state": "FINISHED"}, ["run-1", "run-0"]),
        ({"what": "event", "state": "FAILED"}, []),
        ({"text": "\0"}, []),
    ],
)
def test_entries_are_filtered(registry: Registry, lab: Lab, query: dict[str, str], expected: list[str]) -> None:
    page = registry.history.entries(lab.id, HistoryQuery.model_validate(query))
    assert [shown(entry) for entry in page.entries] == expected
    assert (page.found, page.total) == (len(expected), 7)


def test_the_current_result_is_the_first_unless_they_are_sorted(registry: Registry, lab: Lab) -> None:
    def runs(**query: object) -> list[str]:
        return [one.run_id for one in registry.history.results(lab.id, ResultQuery.model_validate(query)).results]

    assert runs() == ["run-0", "run-1"] and runs(sort="created") == ["run-0", "run-1"]
    assert runs(sort="status") == ["run-1", "run-0"] and runs(status="FAILED") == ["run-1"]
    assert runs(first=1, count=1) == ["run-1"]
    page = registry.history.results(lab.id, ResultQuery(text="run-1"))
    assert page.current and page.current.run_id == "run-0" and (page.found, page.total) == (1, 2)
