"""Datasets are known by manifest hash, and cannot be deleted under a lab unless forced."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datalab.registry import Lab, LabState, Registry, WrappedKey
from datalab.registry.errors import AccessListWrong, DatasetInUse, DatasetNotFound, DatasetRefused, KeyNotFound

from .conftest import IDENTIFIERS, ME, SEGMENTS, definition, hash_number

HASH = hash_number(0xABC)
KEY = WrappedKey(b"wrapped", "master-1")


def test_a_dataset_is_described(registry: Registry) -> None:
    made = registry.datasets.register(HASH, name="ids.csv", size_bytes=2**40, by=ME, key=KEY, description="weekly")
    assert registry.datasets.get(HASH) == made
    assert (made.name, made.size, made.description, made.usage) == ("ids.csv", 2**40, "weekly", "PUBLISHED")
    assert made.created_by == ME and made.secret_id and made.labs == ()


def test_its_rows_are_known_once_they_were_counted(registry: Registry) -> None:
    assert registry.datasets.register(HASH, name="ids.csv", size_bytes=5, by=ME).rows is None
    registry.datasets.set_rows(HASH, 2**33)
    assert registry.datasets.get(HASH).rows == registry.datasets.all()[0].rows == 2**33
    registry.datasets.delete(HASH, by=ME)
    registry.datasets.set_rows(HASH, 1)


def test_registering_again_changes_nothing_but_adds_a_missing_key(registry: Registry) -> None:
    first = registry.datasets.register(HASH, name="ids.csv", size_bytes=5, by=ME)
    assert first.secret_id is None
    second = registry.datasets.register(HASH, name="other", size_bytes=5, by="you", key=KEY)
    assert second.name == "ids.csv" and second.created_by == ME and second.secret_id
    third = registry.datasets.register(HASH, name="x", size_bytes=5, by=ME, key=WrappedKey(b"another", "master-2"))
    assert third == second and registry.keychain.entry(HASH).wrapped == b"wrapped"


def test_what_cannot_be_registered(registry: Registry) -> None:
    for wrong in ("", "abc", HASH.upper(), HASH + "\n", "../" + HASH):
        with pytest.raises(DatasetRefused, match="64 characters"):
            registry.datasets.register(wrong, name="x", size_bytes=1, by=ME)
    registry.datasets.register(HASH, name="x", size_bytes=1, by=ME)
    with pytest.raises(DatasetRefused, match="with 1 bytes, not 2"):
        registry.datasets.register(HASH, name="x", size_bytes=2, by=ME)
    with pytest.raises(AccessListWrong):
        registry.datasets.register(hash_number(9), name="x", size_bytes=1, by=ME, key=WrappedKey(b"w", "m", access={}))
    with pytest.raises(DatasetNotFound):
        registry.datasets.get(hash_number(9))


def test_datasets_are_listed_with_their_labs(registry: Registry, upload: Callable[..., str]) -> None:
    one, two, alien = upload("one"), upload("two"), upload("three", by="you")
    labs = sorted(registry.labs.create(definition(require_segments=True), by=ME).id for _ in range(2))
    for lab in labs:
        registry.provisioning.provision(lab, {IDENTIFIERS: one, SEGMENTS: one}, by=ME)
    assert [(d.manifest_hash, d.labs) for d in registry.datasets.all()] == [(one, tuple(labs)), (two, ()), (alien, ())]
    assert [d.manifest_hash for d in registry.datasets.all(by="you")] == [alien]


def test_deletion_is_refused_while_provisioned_unless_forced(registry: Registry, upload: Callable[..., str]) -> None:
    ids, segments = upload(), upload()
    labs = sorted(
        (registry.labs.create(definition(require_segments=True, name=n), by=ME) for n in "AB"), key=lambda lab: lab.id
    )
    for lab in labs:
        registry.provisioning.provision(lab.id, {IDENTIFIERS: ids, SEGMENTS: segments}, by=ME)
    with pytest.raises(DatasetInUse, match="provisioned to 2 labs") as refusal:
        registry.datasets.delete(ids, by=ME)
    assert refusal.value.labs == [lab.id for lab in labs]
    assert all(f"{lab.id} ({lab.name})" in str(refusal.value) for lab in labs)
    assert registry.datasets.get(ids).labs == tuple(lab.id for lab in labs)

    events = registry.datasets.delete(ids, by="boss", force=True)
    assert [(e.lab_id, e.kind, e.manifest_hash, e.by, e.cause) for e in events] == [
        (lab.id, IDENTIFIERS, None, "boss", "dataset deleted") for lab in labs
    ]
    assert all(registry.labs.state(lab.id).state is LabState.INCOMPLETE for lab in labs)
    with pytest.raises(DatasetNotFound):
        registry.datasets.delete(ids, by=ME)
    with pytest.raises(DatasetNotFound):
        registry.keychain.entry(ids)


def test_a_deleted_dataset_leaves_its_events_and_comes_back_when_uploaded_again(
    registry: Registry, lab: Lab, upload: Callable[..., str]
) -> None:
    ids = upload("first")
    registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME)
    registry.provisioning.deprovision(lab.id, IDENTIFIERS, by=ME)
    assert registry.datasets.delete(ids, by=ME) == []
    assert [event.manifest_hash for event in registry.provisioning.events(lab.id)] == [ids, None]
    assert registry.datasets.all() == []
    back = registry.datasets.register(ids, name="again", size_bytes=10, by="you")
    assert (back.name, back.created_by, back.secret_id) == ("again", "you", None)
    with pytest.raises(KeyNotFound):
        registry.keychain.entry(ids)
