"""What people see of a lab while its object store is away: the current result, from its copies in the registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from datalab.deployment import shown
from datalab.kinds import DatasetKind
from datalab.registry import Lab, LabState
from datalab.registry.accounts import Role
from datalab.registry.wanted import LabQuery
from datalab.results.files import AGGREGATES
from datalab.storage.errors import StoreUnreachable
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLabBuilder
from datalab_dagster.portal.app import create_app
from datalab_dagster.service.local import LocalService
from datalab_dagster.service.open import open_service
from tests.commands import datalab_here
from tests.living.conftest import FILES, IDENTIFIERS, ME, SEGMENTS, Living, segments
from tests.portal.clients import TestClient, visitor
from tests.storage_home.proxy import Proxy

DIRTY = {IDENTIFIERS: "u0\nu1\n\nu1\nu2,x\n", SEGMENTS: segments(12) + "u9,\n"}
"""Rows that are invalid, so that the reports say something."""
PAGES = ("", ".json", "/statistics", "/statistics.json", "/reports", "/reports.json", "/history.json")


@pytest.fixture
def portal(living: Living) -> TestClient:
    accounts = living.deployment.registry.accounts
    accounts.add(ME, Role.PUBLISHER, by=ME)
    _, token = accounts.tokens.create(ME, "test", lifetime=timedelta(hours=1), by=ME)
    return visitor(create_app(LocalService(living.deployment, ME)), token)


def over_http(portal: TestClient, lab: Lab) -> Iterator[tuple[str, bytes]]:
    """What pages and API answer about the current result."""
    current = f"/api/labs/{lab.id}/results/current"
    paths = [f"/datalabs/{lab.id}{page}" for page in PAGES]
    paths += [f"/datalabs/{lab.id}/files/{name}" for name in AGGREGATES if name != "comparison.json"]
    paths += [f"{current}/files/{name}" for name in AGGREGATES if name != "comparison.json"]
    paths += [f"{current}/reports/{kind}{end}" for kind in DIRTY for end in ("", "/hints")]
    for path in [*paths, current, f"/api/labs/{lab.id}/results", "/datalabs.json"]:
        answer = portal.get(path)
        assert answer.status_code == 200, (path, answer.text)
        yield path, answer.content


def on_terminal(lab: Lab, folder: Path) -> dict[str, bytes]:
    """What `datalab results` prints and writes."""
    ended = datalab_here("results", lab.id, "--user", ME, "--out", folder, "--reports")
    assert ended.code == 0, ended.err
    files = {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    return {**files, "stdout": ended.out.replace(str(folder), "").encode()}


def in_a_script(lab: Lab) -> list[object]:
    """What the SDK returns."""
    with Client(open_service(ME, os.environ)) as client:
        found = DataLabBuilder(client).from_existing(lab.id).build()
        found.run()
        reports = found.get_validation_report(timeout=5)
        return [found.get_statistics_report(timeout=5), found.get_enhanced_validation_status(timeout=5), reports]


def test_the_current_result_is_shown_while_the_store_is_away(
    proxy: Proxy, living: Living, portal: TestClient, tmp_path: Path
) -> None:
    lab = living.lab()
    living.provision(lab, DIRTY)
    assert living.execute(*living.tick()).success
    before = dict(over_http(portal, lab)), on_terminal(lab, tmp_path / "before"), in_a_script(lab)
    assert set(AGGREGATES) - {"comparison.json"} < set(before[1]) and b"numInvalidRows" in b"".join(before[1].values())
    with proxy.away():
        after = dict(over_http(portal, lab)), on_terminal(lab, tmp_path / "after"), in_a_script(lab)
        rows = portal.get(f"/api/labs/{lab.id}/results/current/rows/segments")
        assert rows.status_code == 503 and "s3://" in rows.text, "invalid rows are not copied"
    assert after == before


def test_a_result_that_is_not_current_is_not_shown_while_the_store_is_away(
    proxy: Proxy, living: Living, lab: Lab, portal: TestClient
) -> None:
    [earlier] = living.deployment.registry.results.history(lab.id)
    living.provision(lab, {SEGMENTS: segments(15)})
    assert living.execute(*living.tick()).success
    path = f"/api/labs/{lab.id}/results/{{}}/files/statistics.json"
    with proxy.away():
        assert portal.get(path.format("current")).status_code == 200
        refused = portal.get(path.format(earlier.run_id))
        assert refused.status_code == 503 and "s3://" in refused.text
        listed = portal.get(f"/api/labs/{lab.id}/results").json()
        assert [(one["current"], len(one["reports"])) for one in listed] == [(True, 2), (False, 1)]


def test_the_sweep_copies_what_became_current_without_a_run(proxy: Proxy, living: Living, lab: Lab) -> None:
    registry = living.deployment.registry
    [first] = registry.results.history(lab.id)
    held = registry.provisioning.datasets(lab.id)
    living.provision(lab, {SEGMENTS: segments(15)})
    assert living.execute(*living.tick()).success
    registry.provisioning.provision(lab.id, held, by=ME)
    assert living.state(lab) is LabState.READY and registry.copies.run_of(lab.id) != first.run_id
    living.deployment.sweep()
    with proxy.away(), LocalService(living.deployment, ME) as service:
        assert registry.copies.run_of(lab.id) == first.run_id
        assert all(service.result_file(lab.id, name) for name in first.paths)
        assert service.lists.labs(LabQuery()).statuses[lab.id].status == "SUCCESS"
        for kind in first.datasets:
            assert service.validation_report(lab.id, DatasetKind(kind)) and service.hints(lab.id, kind) is not None


def test_a_store_that_is_away_is_asked_once_for_a_list(
    proxy: Proxy, living: Living, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (15, 16):
        living.provision(lab, {SEGMENTS: segments(number)})
        assert living.execute(*living.tick()).success
    asked: list[StoreUnreachable] = []
    made = StoreUnreachable.__init__

    def counted(error: StoreUnreachable, where: str, reason: str) -> None:
        made(error, where, reason)
        asked.append(error)

    monkeypatch.setattr(StoreUnreachable, "__init__", counted)
    with proxy.away(), LocalService(living.deployment, ME) as service:
        assert len(service.results(lab.id)) == 3
    assert len(asked) == 1


def test_a_home_in_a_directory_has_no_copies(living: Living, lab: Lab) -> None:
    copied = living.deployment.registry.copies.names(lab.id)
    assert (copied == set()) is ("DATALAB_STORAGE_URL" not in os.environ)


def test_a_large_document_is_shown_while_the_store_answers(
    proxy: Proxy, living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "MOST_BYTES", 2_000)
    lab = living.lab()
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success
    copied = {name.rpartition("/")[2] for name in living.deployment.registry.copies.names(lab.id)}
    assert "validation-status.json" in copied and "statistics.json" not in copied
    with LocalService(living.deployment, ME) as service:
        assert len(service.result_file(lab.id, "statistics.json")) > 2_000
