"""Repairs of stored datasets, asked of the service on this machine and of the one over HTTP."""

from __future__ import annotations

import gzip
import io

import pytest

from datalab.deployment.errors import NotADataset
from datalab.ingest.repair import KindUnknown, NotRepairable, StepName, StepNotProposed
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import KeyRole, LabState
from datalab.registry.errors import DatasetNotFound, KeyAccessDenied, KeyNotFound
from datalab_dagster.portal import limits
from datalab_dagster.service import LabService
from datalab_dagster.service.http import HttpService
from datalab_dagster.service.http_errors import TooManyRepairs
from datalab_dagster.service.repairs_protocol import RepairQuery
from tests.portal.deployments import IDENTIFIERS, PUBLISHER, QuietService, definition
from tests.recognised_files import text_of

USERS = [f"usr{number}x" for number in range(60)]
SPOILED = text_of([["User ID", "Segment"], *([user, f"seg {number % 7}"] for number, user in enumerate(USERS))], ";")
PLAIN = text_of([[user, "hem", f"{user}@x.example"] for user in USERS])
OTHER = "otto@publisher.example"


def upload(service: LabService, content: str, name: str = "export.csv", **options: object) -> str:
    return service.upload_dataset(io.BytesIO(content.encode()), name, **options).manifest_hash  # type: ignore[arg-type]


def test_a_repaired_copy_is_a_new_dataset(lab_service: LabService) -> None:
    original = upload(lab_service, SPOILED)
    before = lab_service.dataset(original)
    proposed = lab_service.repairs.propose(RepairQuery(original))
    assert (proposed.kind, proposed.records) == (DatasetKind.SEGMENTS, 61)
    assert [(step.name, step.touched) for step in proposed.steps] == [(StepName.SEPARATOR, 61), (StepName.HEADER, 1)]
    assert proposed.before and proposed.steps[1].after
    assert (proposed.before.valid, proposed.steps[1].after.valid, proposed.steps[1].after.rows) == (0, 60, 60)
    assert len(lab_service.datasets()) == 1
    made = lab_service.repairs.store(RepairQuery(original))
    assert (made.records, made.written) == (61, 60)
    assert made.before and made.after and (made.before.valid, made.after.valid) == (0, 60)
    new = lab_service.dataset(made.dataset.manifest_hash)
    assert new == made.dataset and new.your_role is KeyRole.OWNER
    assert (new.name, new.made_from) == ("export.csv (repaired)", original)
    assert [(step.name, step.rows) for step in new.steps] == [("separator", 61), ("header", 1)]
    assert lab_service.dataset(original) == before and before.made_from is None and before.steps == []
    assert lab_service.download_dataset(original).read() == SPOILED.encode()
    with pytest.raises(StepNotProposed, match="There is nothing to do; nothing was written"):
        lab_service.repairs.store(RepairQuery(new.manifest_hash, kind=DatasetKind.SEGMENTS))


def test_only_chosen_steps_are_done(lab_service: LabService) -> None:
    original = upload(lab_service, SPOILED)
    made = lab_service.repairs.store(RepairQuery(original, steps=[StepName.SEPARATOR]))
    assert [step.name for step in made.dataset.steps] == ["separator"] and made.written == 61
    with pytest.raises(StepNotProposed, match="decimals"):
        lab_service.repairs.store(RepairQuery(original, steps=[StepName.DECIMALS]))


def test_a_lab_says_what_is_hashed(lab_service: LabService) -> None:
    original = upload(lab_service, PLAIN)
    assert lab_service.repairs.propose(RepairQuery(original)).steps == []
    lab: LabDefinition = definition(numIdentifiersColumns=3)
    assert [step.name for step in lab_service.repairs.propose(RepairQuery(original, lab=lab)).steps] == [StepName.HASH]
    made = lab_service.repairs.store(RepairQuery(original, kind=IDENTIFIERS, lab=lab))
    assert made.after and made.after.valid == 60
    assert b"@" not in lab_service.download_dataset(made.dataset.manifest_hash).read()


def test_a_repaired_copy_can_be_provisioned_in_place_of_the_original(lab_service: LabService) -> None:
    lab = lab_service.create_lab(definition(numIdentifiersColumns=3))
    original = upload(lab_service, PLAIN)
    lab_service.change(lab.id, {IDENTIFIERS: original})
    made = lab_service.repairs.store(RepairQuery(original, lab=lab.definition)).dataset
    now = lab_service.change(lab.id, {IDENTIFIERS: made.manifest_hash}, check_kinds=True)
    assert now.slots[0].manifest_hash == made.manifest_hash and now.state.state is LabState.STALE


def test_what_cannot_be_repaired(lab_service: LabService) -> None:
    unsure = upload(lab_service, text_of([[user, f"Name {user}"] for user in USERS]))
    with pytest.raises(KindUnknown):
        lab_service.repairs.propose(RepairQuery(unsure))
    cut = lab_service.upload_dataset(io.BytesIO(gzip.compress(SPOILED.encode())[:-9]), "cut.csv.gz").manifest_hash
    with pytest.raises(NotRepairable, match=r"cut\.csv\.gz cannot be repaired"):
        lab_service.repairs.propose(RepairQuery(cut, kind=DatasetKind.SEGMENTS))
    only_header = upload(lab_service, "user_id,segment\n")
    with pytest.raises(NotADataset):
        lab_service.repairs.store(RepairQuery(only_header, kind=DatasetKind.SEGMENTS))
    assert {one.manifest_hash for one in lab_service.datasets()} == {unsure, cut, only_header}


def test_a_repair_needs_the_key(lab_service: LabService, service: QuietService) -> None:
    of_others = upload(service, SPOILED, access={OTHER: KeyRole.OWNER})
    keyless = upload(lab_service, SPOILED, store_key=False)
    for ask in (lab_service.repairs.propose, lab_service.repairs.store):
        with pytest.raises(DatasetNotFound):
            ask(RepairQuery("0" * 64))
        with pytest.raises(KeyAccessDenied):
            ask(RepairQuery(of_others))
        with pytest.raises(KeyNotFound):
            ask(RepairQuery(keyless))
    shared = upload(lab_service, SPOILED, access={OTHER: KeyRole.OWNER, PUBLISHER: KeyRole.USER})
    made = lab_service.repairs.store(RepairQuery(shared)).dataset
    assert lab_service.key_access(made.manifest_hash).users == {OTHER: KeyRole.OWNER, PUBLISHER: KeyRole.OWNER}


def test_the_steps_are_told_only_to_those_who_may_use_the_dataset(remote: HttpService, service: QuietService) -> None:
    made = service.for_user(OTHER).repairs.store(RepairQuery(upload(service.for_user(OTHER), SPOILED))).dataset
    seen = remote.dataset(made.manifest_hash)
    assert seen.made_from == made.made_from and seen.steps == [] and made.steps


def test_more_repairs_than_places_are_refused(remote: HttpService, monkeypatch: pytest.MonkeyPatch) -> None:
    original = upload(remote, SPOILED)
    monkeypatch.setattr(limits, "LIMITS", limits.Limits(repairs=0))
    with pytest.raises(TooManyRepairs) as refused:
        remote.repairs.store(RepairQuery(original))
    assert refused.value.retry_after == 5 and len(remote.datasets()) == 1
