"""What `LabService` promises, asked of the service on this machine and of the one over HTTP."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from datalab.errors import DatalabError
from datalab.kinds import DatasetKind
from datalab.registry import KeyRole, LabState, RunState
from datalab.registry.errors import (
    AccessListWrong,
    DatasetInUse,
    DatasetNotFound,
    KeyAccessDenied,
    KeyNotFound,
    LabNameAmbiguous,
    LabNotFound,
    ProblemCode,
    ProvisioningRefused,
    RunNotFound,
)
from datalab.storage import Key
from datalab.storage.chunks import CHUNK_BYTES
from datalab.storage.errors import KeyMismatch
from datalab_dagster.service import LabIncomplete, LabService, ResultNotFound
from tests.portal.deployments import FILES, PUBLISHER, QuietService, definition, ready_lab

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, _ = DatasetKind
ROWS = b"user1,hem,aa\n"
ODD_NAMES = ["Base", "A/B", "..", ".", "a?b#c", "100 %", "ümlaut ✓", "<b>", "find", "a\\b", " padded "]


def upload(service: LabService, content: bytes = ROWS, name: str = "ids.csv", **options: Any) -> str:
    return service.upload_dataset(io.BytesIO(content), name, **options).manifest_hash


def test_who_asks(lab_service: LabService) -> None:
    assert lab_service.user == PUBLISHER


class OneWay(io.RawIOBase):
    """A source that cannot be rewound, such as a pipe; it gives little at a time."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(memoryview(buffer)[:100_000])


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1])
@pytest.mark.parametrize("source", [io.BytesIO, OneWay])
def test_what_is_uploaded_comes_back(lab_service: LabService, size: int, source: Callable[[bytes], Any]) -> None:
    content = secrets.token_bytes(size)
    seen: list[int] = []
    key = Key()
    info = lab_service.upload_dataset(
        source(content), "a <b> & ü.csv", key=key, description="of today", usage="TEST", progress=seen.append
    )
    assert (info.name, info.description, info.size, info.usage) == ("a <b> & ü.csv", "of today", size, "TEST")
    assert info.created_by == PUBLISHER and info.secret_id and info.labs == []
    assert sum(seen) == size
    assert lab_service.dataset(info.manifest_hash) == info and lab_service.datasets() == [info]
    assert lab_service.dataset_key(info.manifest_hash) == key
    with lab_service.download_dataset(info.manifest_hash) as file:
        assert file.read() == content
    with lab_service.download_dataset(info.manifest_hash, key) as file:
        assert file.read(10) == content[:10]


def test_a_source_is_read_from_where_it_stands(lab_service: LabService) -> None:
    source = io.BytesIO(b"header" + ROWS)
    source.seek(6)
    info = lab_service.upload_dataset(source, "ids.csv")
    assert lab_service.download_dataset(info.manifest_hash).read() == ROWS


def test_keys_and_who_may_use_them(lab_service: LabService) -> None:
    open_, secret = upload(lab_service), upload(lab_service, store_key=False)
    assert lab_service.dataset(secret).secret_id is None
    with pytest.raises(KeyNotFound):
        lab_service.dataset_key(secret)
    assert lab_service.key_access(open_).users == {PUBLISHER: KeyRole.OWNER}
    users = {PUBLISHER: KeyRole.OWNER, "vera@publisher.example": KeyRole.USER}
    assert lab_service.set_key_access(open_, users).users == users == lab_service.key_access(open_).users
    with pytest.raises(AccessListWrong):
        lab_service.set_key_access(open_, {PUBLISHER: KeyRole.USER})
    with pytest.raises(AccessListWrong):
        upload(lab_service, access={PUBLISHER: KeyRole.USER})
    with pytest.raises(KeyMismatch):
        lab_service.download_dataset(open_, Key())
    of_others = upload(lab_service, access={"paul@publisher.example": KeyRole.OWNER})
    for ask in (lab_service.dataset_key, lab_service.key_access, lab_service.download_dataset):
        with pytest.raises(KeyAccessDenied):
            ask(of_others)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_lab_is_found_by_whatever_name_it_has(lab_service: LabService, name: str) -> None:
    lab = lab_service.create_lab(definition(name, requireSegments=True))
    assert lab.state.state is LabState.EMPTY and lab.created_by == PUBLISHER
    assert lab.definition == definition(name, requireSegments=True)
    assert lab_service.lab(name) == lab_service.lab(lab.id) == lab and lab_service.labs() == [lab]
    assert lab_service.runs(name) == lab_service.events(name) == lab_service.results(name) == []
    lab_service.delete_lab(name)
    assert lab_service.labs() == []


def test_names_that_are_not_there_or_there_twice(lab_service: LabService) -> None:
    first, second = (lab_service.create_lab(definition("Twice")).id for _ in range(2))
    with pytest.raises(LabNameAmbiguous, match=first):
        lab_service.lab("Twice")
    for name in ("Twicf", "no/such", "", "x" * 300):
        with pytest.raises(LabNotFound):
            lab_service.lab(name)
    with pytest.raises(LabNotFound, match="did you mean 'Twice'"):
        lab_service.lab("Twicf")
    assert second in {lab.id for lab in lab_service.labs()}


def test_provisioning(lab_service: LabService) -> None:
    lab = lab_service.create_lab(definition(requireSegments=True))
    ids, segments = upload(lab_service), upload(lab_service, b"user1,s\n", "seg.csv")
    now = lab_service.change(lab.id, {IDENTIFIERS: ids, SEGMENTS: segments}, cause="by hand")
    assert [(slot.kind, slot.manifest_hash, slot.dataset_name) for slot in now.slots] == [
        (IDENTIFIERS, ids, "ids.csv"),
        (SEGMENTS, segments, "seg.csv"),
    ]
    assert lab_service.dataset(ids).labs == [lab.id]
    assert [event.cause for event in lab_service.events("Base")] == ["by hand", "by hand"]
    assert lab_service.change("Base", {SEGMENTS: None}).state.state is LabState.INCOMPLETE
    with pytest.raises(DatasetInUse) as in_use:
        lab_service.delete_dataset(ids)
    assert in_use.value.labs == [lab.id]
    lab_service.delete_dataset(ids, force=True)
    assert [event.action.value for event in lab_service.events(lab.id)][-2:] == ["DEPROVISIONED", "DEPROVISIONED"]
    with pytest.raises(DatasetNotFound):
        lab_service.dataset(ids)


def test_a_refused_change_names_every_broken_rule(lab_service: LabService) -> None:
    lab = lab_service.create_lab(definition())
    with pytest.raises(ProvisioningRefused) as refused:
        lab_service.change(lab.id, {IDENTIFIERS: "0" * 64, DEMOGRAPHICS: "not a hash/.."})
    found = {(problem.code, problem.kind) for problem in refused.value.problems}
    assert (ProblemCode.NO_SUCH_DATASET, IDENTIFIERS) in found and (ProblemCode.NO_SUCH_SLOT, DEMOGRAPHICS) in found
    assert all(problem.message in str(refused.value) for problem in refused.value.problems)


def test_runs(lab_service: LabService) -> None:
    lab = lab_service.create_lab(definition())
    with pytest.raises(LabIncomplete) as incomplete:
        lab_service.validate(lab.id)
    assert incomplete.value.missing == ["identifiers"]
    lab_service.change(lab.id, {IDENTIFIERS: upload(lab_service)})
    run = lab_service.validate("Base")
    assert lab_service.validate(lab.id) == run == lab_service.run(run.run_id)
    again = lab_service.validate(lab.id, again=True)
    assert lab_service.cancel_run(again.run_id).state is RunState.CANCELLED
    assert [one.run_id for one in lab_service.runs(lab.id)] == [again.run_id, run.run_id]


def test_results(lab_service: LabService, service: QuietService) -> None:
    lab = ready_lab(service)
    result = lab_service.current_result(lab.id)
    assert result is not None and result.current and result.status == "SUCCESS" and result.summary == {"users": 41}
    assert lab_service.results("Base") == [result] and result.reports == [IDENTIFIERS]
    for name, content in FILES.items():
        assert lab_service.result_file(lab.id, name) == content
        assert lab_service.result_file("Base", name, run_id=result.run_id) == content
    assert b"v0" in lab_service.validation_report(lab.id, IDENTIFIERS)
    assert b"v0" in lab_service.validation_report(lab.id, IDENTIFIERS, run_id=result.run_id)
    lab_service.change(lab.id, {IDENTIFIERS: upload(lab_service)})
    assert lab_service.current_result(lab.id) is None
    assert [one.current for one in lab_service.results(lab.id)] == [False]


def test_the_audit_log(lab_service: LabService, service: QuietService) -> None:
    before = lab_service.audit_log()
    for number in range(3):
        service.accounts.record(
            "lab.create", f"lab-{number}", via="token", address="192.0.2.1", details={"name": "Base"}
        )
    newest, *rest = lab_service.audit_log(limit=3)
    assert (newest.action, newest.subject, newest.actor, newest.via) == ("lab.create", "lab-2", PUBLISHER, "token")
    assert (newest.address, newest.details) == ("192.0.2.1", {"name": "Base"})
    assert [entry.subject for entry in rest] == ["lab-1", "lab-0"]
    assert lab_service.audit_log(before=rest[-1].number) == before
    assert lab_service.audit_log(limit=1, before=newest.number) == rest[:1]


def nothing_there(service: LabService) -> dict[str, Callable[[], Any]]:
    lab = service.create_lab(definition()).id
    return {
        "lab": lambda: service.lab("nope"),
        "delete_lab": lambda: service.delete_lab("nope"),
        "change": lambda: service.change("nope", {}),
        "events": lambda: service.events("nope"),
        "validate": lambda: service.validate("no/pe"),
        "runs": lambda: service.runs("nope"),
        "results": lambda: service.results("nope"),
        "current_result": lambda: service.current_result("nope"),
        "dataset": lambda: service.dataset("0" * 64),
        "dataset, odd": lambda: service.dataset("../x"),
        "download": lambda: service.download_dataset("0" * 64),
        "delete_dataset": lambda: service.delete_dataset("0" * 64),
        "dataset_key": lambda: service.dataset_key("0" * 64),
        "key_access": lambda: service.key_access("0" * 64),
        "set_key_access": lambda: service.set_key_access("0" * 64, {PUBLISHER: KeyRole.OWNER}),
        "run": lambda: service.run("nope"),
        "run, odd": lambda: service.run("no/pe?"),
        "cancel_run": lambda: service.cancel_run("nope"),
        "result_file": lambda: service.result_file(lab, "statistics.json"),
        "result_file, run": lambda: service.result_file(lab, "statistics.json", run_id="nope"),
        "result_file, odd run": lambda: service.result_file(lab, "statistics.json", run_id="../x"),
        "result_file, lab": lambda: service.result_file("nope", "statistics.json"),
        "validation_report": lambda: service.validation_report(lab, IDENTIFIERS),
    }


EXPECTED = {
    "lab": LabNotFound, "delete_lab": LabNotFound, "change": LabNotFound, "events": LabNotFound,
    "validate": LabNotFound, "runs": LabNotFound, "results": LabNotFound, "current_result": LabNotFound,
    "dataset": DatasetNotFound, "dataset, odd": DatasetNotFound, "download": DatasetNotFound,
    "delete_dataset": DatasetNotFound, "dataset_key": DatasetNotFound, "key_access": DatasetNotFound,
    "set_key_access": DatasetNotFound, "run": RunNotFound, "run, odd": RunNotFound, "cancel_run": RunNotFound,
    "result_file": ResultNotFound, "result_file, run": ResultNotFound, "result_file, odd run": ResultNotFound,
    "result_file, lab": LabNotFound, "validation_report": ResultNotFound,
}  # fmt: skip


def test_what_is_not_there_is_told_in_the_same_words(service: QuietService, remote: LabService) -> None:
    here, there = nothing_there(service), nothing_there(remote)
    assert set(here) == set(EXPECTED)
    for name, expected in EXPECTED.items():
        told = []
        for ask in (here[name], there[name]):
            with pytest.raises(expected) as error:
                ask()
            assert isinstance(error.value, DatalabError)
            told.append(str(error.value))
        assert anonymous(told[0]) == anonymous(told[1]), name


def anonymous(text: str) -> str:
    import re

    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
