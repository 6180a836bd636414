"""Labs are made once, found by id or name, and deleted with all that they hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datalab.errors import UsageError
from datalab.registry import Action, Lab, Registry
from datalab.registry.errors import LabNameAmbiguous, LabNotFound

from .conftest import IDENTIFIERS, ME, SEGMENTS, definition


def test_a_lab_is_read_as_it_was_made(registry: Registry) -> None:
    wanted = definition(name="Räder & Co", require_segments=True, require_embeddings=True, num_embeddings=3)
    made = registry.labs.create(wanted, by=ME)
    assert registry.labs.get(made.id) == made
    assert made.definition == wanted and made.name == "Räder & Co"
    assert made.created_by == ME and made.created_at.tzinfo is not None and made.deleted_at is None


def test_there_is_no_way_to_change_a_lab_but_its_owners(registry: Registry) -> None:
    names = [name for name in dir(registry.labs) if not name.startswith("_")]
    assert names == [
        "all",
        "create",
        "delete",
        "get",
        "get_for",
        "of_partition",
        "rekey",
        "set_owners",
        "state",
        "states",
    ]


def test_labs_are_found_by_id_or_unique_name(registry: Registry) -> None:
    one, two, twin = (registry.labs.create(definition(name=n), by=ME) for n in ("Alpha", "Beta", "Beta"))
    assert registry.labs.get("Alpha") == one
    with pytest.raises(LabNameAmbiguous, match="2 labs are named 'Beta'"):
        registry.labs.get("Beta")
    with pytest.raises(
        LabNotFound, match=r"^There is no lab '\w+'; did you mean 'Alpha'\? `datalab lab list` lists all\.$"
    ):
        registry.labs.get("Alpa")
    for unknown in ("", "\0", "Alpha\0", "\udcff", "a\nb"):  # the driver raises for some of these
        with pytest.raises(LabNotFound):
            registry.labs.get(unknown)
    assert registry.labs.all() == [one, two, twin]
    registry.labs.delete(twin.id, by=ME)
    assert registry.labs.get("Beta") == two


def test_deleting_a_lab_empties_its_slots_as_events(registry: Registry, lab: Lab, upload: Callable[..., str]) -> None:
    ids, segments = upload(), upload()
    registry.provisioning.provision(lab.id, {IDENTIFIERS: ids, SEGMENTS: segments}, by=ME)
    gone = registry.labs.delete(lab.id, by="boss")
    assert gone.deleted_at is not None
    events = registry.provisioning.events(lab.id)[2:]
    assert [(e.action, e.kind, e.replaced, e.by, e.cause) for e in events] == [
        (Action.DEPROVISIONED, IDENTIFIERS, ids, "boss", "lab deleted"),
        (Action.DEPROVISIONED, SEGMENTS, segments, "boss", "lab deleted"),
    ]
    assert registry.datasets.get(ids).labs == ()
    assert registry.labs.all() == [] and registry.labs.all(deleted=True) == [gone]
    for use in (registry.labs.get, registry.labs.state, registry.provisioning.current, registry.results.current):
        with pytest.raises(LabNotFound):
            use(lab.id)
    with pytest.raises(LabNotFound):
        registry.labs.delete(lab.id, by=ME)
    with pytest.raises(LabNotFound):
        registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME)


def test_who_must_be_said(registry: Registry) -> None:
    with pytest.raises(UsageError, match="Say who"):
        registry.labs.create(definition(), by=" ")
