"""Every change of a slot is an event; rules hold before anything is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datalab.registry import Action, Lab, Registry
from datalab.registry.errors import LabNotFound, ProblemCode, ProvisioningRefused

from .conftest import DEMOGRAPHICS, EMBEDDINGS, IDENTIFIERS, ME, SEGMENTS, definition, hash_number

Upload = Callable[..., str]


def codes(refusal: pytest.ExceptionInfo[ProvisioningRefused]) -> list[tuple[str, str]]:
    return [(problem.code.value, problem.kind.value) for problem in refusal.value.problems]


def test_provision_reprovision_deprovision(registry: Registry, lab: Lab, upload: Upload) -> None:
    ids, segments, newer = upload(), upload(), upload()
    first = registry.provisioning.provision(lab.id, {SEGMENTS: segments, IDENTIFIERS: ids}, by=ME, cause="upload")
    second = registry.provisioning.provision(lab.id, {SEGMENTS: newer}, by="you", cause="drop zone")
    third = registry.provisioning.deprovision(lab.id, IDENTIFIERS, by=ME)
    events = first + second + third
    assert [(e.action, e.kind, e.manifest_hash, e.replaced, e.by, e.cause) for e in events] == [
        (Action.PROVISIONED, IDENTIFIERS, ids, None, ME, "upload"),
        (Action.PROVISIONED, SEGMENTS, segments, None, ME, "upload"),
        (Action.REPROVISIONED, SEGMENTS, newer, segments, "you", "drop zone"),
        (Action.DEPROVISIONED, IDENTIFIERS, None, ids, ME, ""),
    ]
    numbers = [event.sequence for event in events]
    assert numbers == sorted(set(numbers)) and numbers[0] > 0
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert registry.provisioning.events(lab.id) == events
    assert registry.provisioning.last_sequence(lab.id) == numbers[-1]

    current = registry.provisioning.current(lab.id)
    assert list(current) == [SEGMENTS]
    slot = current[SEGMENTS]
    assert (slot.manifest_hash, slot.sequence, slot.provisioned_by, slot.cause) == (
        newer,
        numbers[2],
        "you",
        "drop zone",
    )
    assert registry.provisioning.datasets(lab.id) == {SEGMENTS: newer}


def test_the_same_dataset_again_is_no_event(registry: Registry, lab: Lab, upload: Upload) -> None:
    ids, segments = upload(), upload()
    assert len(registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME)) == 1
    assert registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME) == []
    both = registry.provisioning.provision(lab.id, {IDENTIFIERS: ids, SEGMENTS: segments}, by=ME)
    assert [event.kind for event in both] == [SEGMENTS]


def test_identifiers_come_first_or_together(registry: Registry, lab: Lab, upload: Upload) -> None:
    ids, segments = upload(), upload()
    with pytest.raises(ProvisioningRefused, match="the other slots need them") as refusal:
        registry.provisioning.provision(lab.id, {SEGMENTS: segments}, by=ME)
    assert codes(refusal) == [("IDENTIFIERS_MISSING", "segments")]
    assert registry.provisioning.events(lab.id) == []
    registry.provisioning.provision(lab.id, {IDENTIFIERS: ids, SEGMENTS: segments}, by=ME)
    with pytest.raises(ProvisioningRefused) as refusal:
        registry.provisioning.change(lab.id, {IDENTIFIERS: None, SEGMENTS: ids}, by=ME)
    assert codes(refusal) == [("IDENTIFIERS_MISSING", "segments")]
    registry.provisioning.deprovision(lab.id, IDENTIFIERS, by=ME)
    registry.provisioning.deprovision(lab.id, SEGMENTS, by=ME)
    assert registry.provisioning.current(lab.id) == {}


def test_every_broken_rule_is_named_and_nothing_is_written(registry: Registry, lab: Lab, upload: Upload) -> None:
    unknown, keyless, deleted = hash_number(0xDEAD), upload(key=False), upload()
    registry.datasets.delete(deleted, by=ME)
    wanted = {IDENTIFIERS: keyless, SEGMENTS: unknown, DEMOGRAPHICS: upload(), EMBEDDINGS: None}
    with pytest.raises(ProvisioningRefused, match="The lab has no slot for demographics") as refusal:
        registry.provisioning.change(lab.id, wanted, by=ME)
    assert codes(refusal) == [
        ("NO_KEY", "identifiers"),
        ("NO_SUCH_DATASET", "segments"),
        ("NO_SUCH_SLOT", "demographics"),
        ("NO_SUCH_SLOT", "embeddings"),
    ]
    with pytest.raises(ProvisioningRefused) as refusal:
        registry.provisioning.provision(lab.id, {IDENTIFIERS: deleted}, by=ME)
    assert refusal.value.problems[0].code is ProblemCode.NO_SUCH_DATASET
    with pytest.raises(ProvisioningRefused) as refusal:
        registry.provisioning.deprovision(lab.id, IDENTIFIERS, SEGMENTS, by=ME)
    assert codes(refusal) == [("NOT_PROVISIONED", "identifiers"), ("NOT_PROVISIONED", "segments")]
    assert registry.provisioning.events(lab.id) == []
    with pytest.raises(LabNotFound):
        registry.provisioning.provision("nowhere", {IDENTIFIERS: keyless}, by=ME)


def test_one_dataset_serves_several_labs(registry: Registry, upload: Upload) -> None:
    ids = upload()
    labs = [registry.labs.create(definition(), by=ME) for _ in range(3)]
    for lab in labs:
        registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME)
    assert registry.datasets.get(ids).labs == tuple(sorted(lab.id for lab in labs))
    registry.provisioning.deprovision(labs[0].id, IDENTIFIERS, by=ME)
    assert len(registry.datasets.get(ids).labs) == 2


def test_a_reader_goes_on_where_it_stopped(registry: Registry, upload: Upload) -> None:
    a, b = (registry.labs.create(definition(require_segments=True), by=ME) for _ in range(2))
    ids, segments, newer = upload(), upload(), upload()
    assert registry.changes.read(0, certain=0).labs == []
    e1 = registry.provisioning.provision(a.id, {IDENTIFIERS: ids}, by=ME)
    e2 = registry.provisioning.provision(b.id, {IDENTIFIERS: ids, SEGMENTS: segments}, by=ME)
    e3 = registry.provisioning.provision(a.id, {SEGMENTS: newer}, by=ME)
    assert registry.provisioning.events_after(0) == e1 + e2 + e3
    assert registry.provisioning.events_after(e1[0].sequence) == e2 + e3
    assert registry.provisioning.events_after(e3[-1].sequence) == []

    changes = [changed.change for changed in registry.changes.read(0, certain=0).labs]
    assert [(c.lab_id, c.sequence, c.kinds) for c in changes] == [
        (b.id, e2[-1].sequence, (IDENTIFIERS, SEGMENTS)),
        (a.id, e3[-1].sequence, (IDENTIFIERS, SEGMENTS)),
    ]
    assert changes[1].run_key == f"{a.id}:{e3[-1].sequence}"
    assert changes[1].events == (*e1, *e3)


def test_a_refused_change_may_leave_a_gap_but_no_number_comes_twice(
    registry: Registry, lab: Lab, upload: Upload
) -> None:
    from datalab.registry.provisioning import change_in

    ids = upload()
    with pytest.raises(ZeroDivisionError), registry.database.write() as session:
        lost = change_in(session, lab.id, {IDENTIFIERS: ids}, by=ME, cause="")
        1 / 0  # noqa: B018
    assert registry.provisioning.events_after(0) == [] and registry.provisioning.current(lab.id) == {}
    kept = registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME)
    assert kept[0].sequence > lost[0].sequence
