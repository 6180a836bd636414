"""The lists in pages, asked of the service on this machine and of the one over HTTP."""

from __future__ import annotations

import io

import pytest

from datalab.kinds import DatasetKind
from datalab_dagster.service import (
    DatasetQuery,
    HistoryQuery,
    LabNotFound,
    LabQuery,
    LabService,
    LabState,
    ResultQuery,
    RunState,
)
from tests.portal.deployments import QuietService, definition, ready_lab

IDENTIFIERS, SEGMENTS, *_ = DatasetKind


def test_datasets(lab_service: LabService, service: QuietService) -> None:
    lab = ready_lab(service)
    service.upload_dataset(io.BytesIO(b"u1,s1\nu2,s2\n"), "unused.csv")
    page = lab_service.lists.datasets(DatasetQuery(count=1))
    assert [one.name for one in page.datasets] == ["unused.csv"]
    assert (page.found, page.total) == (len(lab_service.datasets()), len(lab_service.datasets()))
    assert page.size == sum(one.size for one in lab_service.datasets())
    held = lab.slots[0].manifest_hash
    used = lab_service.lists.datasets(DatasetQuery(use="used", text=held))
    assert used.datasets == [lab_service.dataset(held)]
    assert [(use.lab_id, use.lab_name, use.kind) for use in used.uses[held]] == [(lab.id, lab.name, IDENTIFIERS)]


def test_labs(lab_service: LabService, service: QuietService) -> None:
    ready = ready_lab(service)
    empty = service.create_lab(definition("Another"))
    page = lab_service.lists.labs(LabQuery(sort="name"))
    assert page.labs == [lab_service.lab(empty.id), lab_service.lab(ready.id)]
    assert page.states == {LabState.EMPTY: 1, LabState.READY: 1}
    assert list(page.statuses) == [ready.id] and page.statuses[ready.id].status == "SUCCESS"
    found = lab_service.lists.labs(LabQuery(state=LabState.READY, text=ready.name))
    assert (found.labs, found.found, found.total) == ([lab_service.lab(ready.id)], 1, 2)
    assert lab_service.lists.other_labs(LabQuery()).labs == []


def test_history_and_results(lab_service: LabService, service: QuietService) -> None:
    lab = ready_lab(service)
    page = lab_service.lists.history(lab.id, HistoryQuery())
    assert page.total == len(lab_service.events(lab.id)) + len(lab_service.runs(lab.id)) == len(page.entries)
    assert page.entries[0].run == lab_service.runs(lab.id)[0] and page.entries[0].verdict == "SUCCESS"
    assert [one.event for one in page.entries if one.event] == lab_service.events(lab.id)[::-1]
    assert set(page.names) == {slot.manifest_hash for slot in lab.slots}
    assert lab_service.lists.history(lab.name, HistoryQuery(state=RunState.CANCELLED)).entries == []
    results = lab_service.lists.results(lab.id, ResultQuery(status="SUCCESS"))
    assert results.results == lab_service.results(lab.id) and results.found == 1
    with pytest.raises(LabNotFound):
        lab_service.lists.history("no such lab", HistoryQuery())


def test_refreshes_of_results_that_are_no_longer_kept(lab_service: LabService, service: QuietService) -> None:
    lab = ready_lab(service)
    service.finish(service.validate(lab.id, again=True).run_id)
    newest, oldest = lab_service.results(lab.id)
    both = lab_service.lists.refreshes(lab.name)
    assert [(one.run_id, one.at, one.datasets, one.numbers) for one in both] == [
        (one.run_id, one.created_at, one.datasets, one.summary) for one in (oldest, newest)
    ]
    service._deployment.settings = service._deployment.settings.model_copy(update={"keep_results": 1})
    service._deployment.sweep()
    assert lab_service.results(lab.id) == [newest] and lab_service.lists.refreshes(lab.id) == both
    with pytest.raises(LabNotFound):
        lab_service.lists.refreshes("no such lab")
