"""A repair that takes long: its page shows the progress and then the copy; others do not see it."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from fastapi import FastAPI

from datalab.ingest.repair import NotRepairable
from datalab.registry import KeyRole, Registry
from datalab.registry.accounts import Role
from datalab.storage.errors import StoreUnreachable
from datalab_dagster.portal import limits
from datalab_dagster.service import DatasetInfo
from datalab_dagster.service.repairs import LocalRepairs
from datalab_dagster.service.repairs_protocol import RowsProgress
from tests.portal.clients import TestClient
from tests.portal.deployments import PASSWORD, PUBLISHER, QuietService
from tests.portal.pages.conftest import signed_in
from tests.portal.pages.reading import read
from tests.recognised_files import text_of

SPOILED = text_of([[f"usr{number}x", f"seg {number % 7}"] for number in range(60)], ";")
OTHER = "otto@publisher.example"


class Halted:
    """Repairs that wait in the middle until `go_on` is set, and then for their failure, if any."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.half = threading.Event(), threading.Event()
        self.failure: Exception | None = None
        real = LocalRepairs.store
        halted = self

        def store(repairs: LocalRepairs, wanted: Any, *, progress: RowsProgress | None = None) -> Any:
            if progress is None:  # over the API
                return real(repairs, wanted)
            progress(1_234, 400, 1_000)
            halted.half.set()
            assert halted.go_on.wait(60)
            if halted.failure:
                raise halted.failure
            return real(repairs, wanted, progress=progress)

        monkeypatch.setattr(LocalRepairs, "store", store)
        monkeypatch.setattr(limits, "LIMITS", limits.Limits(repairs=1, repair_seconds=0.05))


@pytest.fixture
def halted(monkeypatch: pytest.MonkeyPatch) -> Halted:
    return Halted(monkeypatch)


@pytest.fixture
def original(service: QuietService) -> DatasetInfo:
    return service.upload_dataset(io.BytesIO(SPOILED.encode()), "seg.csv")


def started(client: TestClient, dataset: str) -> str:
    """The address of the progress of a repair that was started."""
    action = f"/datasets/{dataset}/repair"
    form = next(form for form in read(client, f"{action}?kind=segments").forms if "step" in form.fields)
    answer = client.post(action, data=form.fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def by_api(client: TestClient, dataset: str) -> int:
    """The status of another repair."""
    token = read(client, f"/datasets/{dataset}").form("/logout").fields["csrf_token"]
    address = f"/api/datasets/{dataset}/repair"
    return client.post(address, json={"kind": "segments"}, headers={"X-CSRF-Token": token}).status_code


def ended(client: TestClient, address: str) -> Any:
    """The first answer that is not the progress."""
    for _ in range(600):
        answer = client.get(address)
        if "The copy is being made" not in answer.text:
            return answer
        threading.Event().wait(0.05)
    raise AssertionError(answer.text)


def test_progress_and_then_the_copy(
    publisher: TestClient, service: QuietService, original: DatasetInfo, halted: Halted
) -> None:
    address = started(publisher, original.manifest_hash)
    assert halted.half.wait(60)
    page = read(publisher, address)
    assert "40.0% read, 1,234 records." in page.text and 'http-equiv="refresh"' in page.html
    twin = publisher.get(address.replace("/repair?", "/repair.json?")).json()
    assert twin["progress"] == {"records": 1234, "share": 0.4}
    assert by_api(publisher, original.manifest_hash) == 503, "it has a place"
    halted.go_on.set()
    answer = ended(publisher, address)
    [copy] = [one for one in service.datasets() if one.made_from == original.manifest_hash]
    assert answer.headers["location"] == f"/datasets/{copy.manifest_hash}"
    assert by_api(publisher, original.manifest_hash) == 201, "the place is free again"


@pytest.mark.parametrize("failure", [NotRepairable("seg.csv", "is damaged"), StoreUnreachable("there", "full")])
def test_why_nothing_was_stored_is_said(
    publisher: TestClient, service: QuietService, original: DatasetInfo, halted: Halted, failure: Exception
) -> None:
    halted.failure = failure
    address = started(publisher, original.manifest_hash)
    halted.go_on.set()
    page = ended(publisher, address).text
    assert "Nothing was stored" in page and str(failure)[:40] in page and "Store a repaired copy" in page
    assert len(service.datasets()) == 1


def test_an_unexpected_failure_is_said_without_its_text(
    publisher: TestClient, original: DatasetInfo, halted: Halted, caplog: pytest.LogCaptureFixture
) -> None:
    halted.failure = KeyError("Plant-value")
    address = started(publisher, original.manifest_hash)
    halted.go_on.set()
    page = ended(publisher, address).text
    assert "KeyError" in page and "Plant-value" not in page + caplog.text


def test_only_who_started_it_sees_it_and_only_at_its_dataset(
    publisher: TestClient,
    app: FastAPI,
    registry: Registry,
    service: QuietService,
    original: DatasetInfo,
    halted: Halted,
) -> None:
    registry.accounts.add(OTHER, Role.PUBLISHER, password=PASSWORD, by="root@localhost")
    service.set_key_access(original.manifest_hash, {PUBLISHER: KeyRole.OWNER, OTHER: KeyRole.USER})
    other = service.upload_dataset(io.BytesIO(SPOILED.encode()), "other.csv").manifest_hash
    address = started(publisher, original.manifest_hash)
    for client, where in (
        (signed_in(app, OTHER), address),
        (publisher, address.replace(original.manifest_hash, other)),
        (publisher, address.replace("job=", "job=x")),
    ):
        page = read(client, where)
        assert "The copy is being made" not in page.text and "The portal was restarted meanwhile." in page.text
    halted.go_on.set()
    assert ended(publisher, address).status_code == 303
