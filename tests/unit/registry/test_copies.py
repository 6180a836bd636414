"""Copies of documents: of the current result alone, and gone with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from datalab.registry import Lab, NewResult, Registry
from datalab.registry.models import CopyRow
from datalab.results.files import DASHBOARD

from .conftest import IDENTIFIERS, ME, definition

Upload = Callable[..., str]


@pytest.fixture
def lab(registry: Registry) -> Lab:
    return registry.labs.create(definition(), by=ME)


def publish(registry: Registry, lab: Lab, run_id: str, **copies: bytes) -> None:
    registry.runs.start(lab.id, run_id)
    assert registry.results.record(run_id, NewResult("SUCCESS", copies=copies))


def copied(registry: Registry, lab: Lab) -> dict[str, bytes | None]:
    return {name: registry.copies.get(lab.id, name) for name in registry.copies.names(lab.id)}


@pytest.fixture
def published(registry: Registry, lab: Lab, upload: Upload) -> None:
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload()}, by=ME)
    publish(registry, lab, "run-1", one=b"\0first", two=b"2")


@pytest.mark.usefixtures("published")
def test_a_result_replaces_the_copies_of_the_one_before(registry: Registry, lab: Lab) -> None:
    assert copied(registry, lab) == {"one": b"\0first", "two": b"2"}
    assert registry.copies.get(lab.id, "three") is None and registry.copies.get("another", "one") is None
    publish(registry, lab, "run-2", one=b"second")
    assert copied(registry, lab) == {"one": b"second"} and registry.copies.run_of(lab.id) == "run-2"


@pytest.mark.usefixtures("published")
def test_a_result_of_replaced_datasets_is_not_copied(registry: Registry, lab: Lab, upload: Upload) -> None:
    registry.runs.start(lab.id, "run-2")
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload()}, by=ME)
    registry.results.record("run-2", NewResult("SUCCESS", copies={"one": b"late"}))
    registry.results.copy("run-2", {"one": b"late"})
    registry.results.copy("run-1", {"one": b"late"})
    assert copied(registry, lab) == {"one": b"\0first", "two": b"2"}


@pytest.mark.usefixtures("published")
def test_a_file_that_is_added_is_copied_with_its_result(registry: Registry, lab: Lab) -> None:
    registry.results.add_file("run-1", DASHBOARD, "path", {"page": b"drawn"})
    registry.results.add_file("run-1", DASHBOARD, "path", {"page": b"drawn again"})
    assert copied(registry, lab) == {"one": b"\0first", "two": b"2", "page": b"drawn again"}
    publish(registry, lab, "run-2", one=b"second")
    registry.results.add_file("run-1", DASHBOARD, "path", {"page": b"late"})
    assert copied(registry, lab) == {"one": b"second"}


@pytest.mark.usefixtures("published")
def test_what_became_current_without_a_run_can_be_copied(registry: Registry, lab: Lab, upload: Upload) -> None:
    before = registry.provisioning.datasets(lab.id)
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload()}, by=ME)
    publish(registry, lab, "run-2", one=b"second")
    registry.provisioning.provision(lab.id, before, by=ME)
    registry.results.copy("run-1", {"one": b"first again"})
    assert copied(registry, lab) == {"one": b"first again"} and registry.copies.run_of(lab.id) == "run-1"


@pytest.mark.usefixtures("published")
def test_a_deleted_lab_has_no_copies(registry: Registry, lab: Lab) -> None:
    registry.labs.delete(lab.id, by=ME)
    assert copied(registry, lab) == {} and registry.copies.run_of(lab.id) is None


@pytest.mark.usefixtures("published")
def test_a_forgotten_result_takes_its_copies_with_it(registry: Registry, lab: Lab, upload: Upload) -> None:
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload()}, by=ME)
    registry.results.forget(registry.results.expire(keep=0))
    with registry.database.read() as session:
        assert session.scalar(select(func.count()).select_from(CopyRow)) == 0


def test_no_text_form_has_a_copy() -> None:
    assert "secret" not in repr(NewResult("SUCCESS", copies={"name": b"secret"}))
