"""What `LabService` promises, asked of the service on this machine and of the one over HTTP."""

from __future__ import annotations

import gzip
import hashlib
import io
import secrets
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.deployment.errors import NotADataset
from datalab.errors import DatalabError
from datalab.ingest.recognise import Container
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
    UploadNotFound,
)
from datalab.storage import Key
from datalab.storage.chunks import CHUNK_BYTES
from datalab.storage.errors import KeyMismatch, PartMissing, PartsDiffer, PartSizeWrong, PartUnknown
from datalab_dagster.service import LabIncomplete, LabService, ResultNotFound, RowsQuery
from tests.portal.deployments import FILES, HINT, PUBLISHER, QuietService, definition, ready_lab

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, *_ = DatasetKind
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


@pytest.mark.parametrize("size", [1, CHUNK_BYTES, CHUNK_BYTES + 1])
@pytest.mark.parametrize("source", [io.BytesIO, OneWay])
def test_what_is_uploaded_comes_back(lab_service: LabService, size: int, source: Callable[[bytes], Any]) -> None:
    content = b"u" + secrets.token_bytes(size - 1)  # a file of blanks is refused
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


PARQUET = io.BytesIO()
pq.write_table(pa.table({"a": [f"u{n}" for n in range(99)], "b": ["sport", "food", "cars"] * 33}), PARQUET)


def test_a_dataset_keeps_what_it_looks_like(lab_service: LabService) -> None:
    stored = lab_service.dataset(upload(lab_service, PARQUET.getvalue(), "segments.parquet"))
    assert stored.facts and (stored.facts.kind, stored.facts.columns) == (SEGMENTS, 2)
    piped = lab_service.upload_dataset(OneWay(gzip.compress(b"u1,sport\nu2,sport\n" * 30)), "piped.csv.gz")  # type: ignore[arg-type]
    assert piped.facts and (piped.facts.container, piped.facts.records) == (Container.GZIP, 60)
    assert lab_service.inspect_dataset(stored.manifest_hash) == stored


def test_the_end_of_a_zip_archive_shows_its_columns(lab_service: LabService) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("noise.csv", secrets.token_hex(5 * CHUNK_BYTES // 8) + "\n")
        file.writestr("a.csv", "u1\n")
    stored = lab_service.dataset(upload(lab_service, archive.getvalue(), "export.zip"))
    assert stored.facts and stored.facts.records and stored.facts.columns == 1


@pytest.mark.parametrize("source", [io.BytesIO, OneWay])
@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n" + bytes(2 * CHUNK_BYTES)], ids=["empty", "pdf"])
def test_what_is_no_dataset_is_not_stored(
    lab_service: LabService, source: Callable[[bytes], Any], content: bytes
) -> None:
    with pytest.raises(NotADataset, match=r"not stored: (the file is empty|this is a PDF document)"):
        lab_service.upload_dataset(source(content), "broken.pdf")
    assert lab_service.datasets() == [] and lab_service.uploads.all() == []


def test_an_inspection_needs_the_key(lab_service: LabService) -> None:
    with pytest.raises(DatasetNotFound):
        lab_service.inspect_dataset("0" * 64)
    unkept = upload(lab_service, store_key=False)
    with pytest.raises(KeyNotFound):
        lab_service.inspect_dataset(unkept)


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


def test_an_upload_by_parts(lab_service: LabService, service: QuietService) -> None:
    content = secrets.token_bytes(2 * CHUNK_BYTES + 7)
    parts = [content[start : start + CHUNK_BYTES] for start in range(0, len(content), CHUNK_BYTES)]
    uploads, key = lab_service.uploads, Key()
    begun, is_new = uploads.begin("a <b>.csv", len(content), key=key, description="of today", usage="TEST")
    assert is_new and (begun.name, begun.size, begun.parts, begun.stored) == ("a <b>.csv", len(content), 3, [])
    upload_id = begun.upload_id
    assert begun.part_size == CHUNK_BYTES and uploads.all() == [begun] == [uploads.get(upload_id)]
    assert [uploads.part_size(upload_id, number) for number in range(3)] == [CHUNK_BYTES, CHUNK_BYTES, 7]
    for number in (2, 0):
        stored = uploads.put(upload_id, number, parts[number])
        assert (stored.number, stored.size) == (number, len(parts[number]))
    found, is_new = uploads.begin("a <b>.csv", len(content), key=key, description="of today", usage="TEST")
    assert not is_new and found.upload_id == upload_id and found.stored == [[0, 0], [2, 2]]
    assert uploads.part(upload_id, 2).sha256 == hashlib.sha256(parts[2]).hexdigest()
    with pytest.raises(PartMissing) as missing:
        uploads.complete(upload_id)
    assert missing.value.numbers == [1]
    uploads.put(upload_id, 1, bytes(CHUNK_BYTES))
    whole = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
    with pytest.raises(PartsDiffer):
        uploads.complete(upload_id, sha256=whole)
    uploads.put(upload_id, 1, parts[1])
    info = uploads.complete(upload_id, sha256=whole)
    assert uploads.complete(upload_id) == info == lab_service.dataset(info.manifest_hash) and uploads.all() == []
    assert (info.description, info.usage, info.created_by) == ("of today", "TEST", PUBLISHER)
    assert lab_service.dataset_key(info.manifest_hash) == key
    assert service.download_dataset(info.manifest_hash).read() == content


def test_parts_that_belong_nowhere(lab_service: LabService, service: QuietService) -> None:
    uploads = lab_service.uploads
    with pytest.raises(AccessListWrong):
        uploads.begin("ids.csv", 3, access={PUBLISHER: KeyRole.USER})
    upload_id = uploads.begin("ids.csv", 3)[0].upload_id
    for ask in (uploads.part_size, uploads.part, lambda upload, number: uploads.put(upload, number, b"abc")):
        with pytest.raises(PartUnknown):
            ask(upload_id, 1)
    with pytest.raises(PartSizeWrong):
        uploads.put(upload_id, 0, b"ab")
    with pytest.raises(PartMissing):
        uploads.part(upload_id, 0)
    of_others, _ = service.for_user("paul@publisher.example").uploads.begin("ids.csv", 3)
    for nothing in (of_others.upload_id, "0" * 32, "../datasets"):
        for one in (uploads.get, uploads.complete, uploads.abandon):
            with pytest.raises(UploadNotFound):
                one(nothing)
        for two in (uploads.part_size, uploads.part, lambda upload, number: uploads.put(upload, number, b"abc")):
            with pytest.raises(UploadNotFound):
                two(nothing, 0)
    uploads.abandon(upload_id)
    assert uploads.all() == [] and service.datasets() == []


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
    with pytest.raises(ResultNotFound, match="validate again to keep them"):  # as an earlier version left it
        lab_service.invalid_rows.page(RowsQuery(lab.id, IDENTIFIERS))
    assert b"v0" in lab_service.validation_report(lab.id, IDENTIFIERS)
    assert b"v0" in lab_service.validation_report(lab.id, IDENTIFIERS, run_id=result.run_id)
    assert (
        lab_service.hints(lab.id, IDENTIFIERS) == lab_service.hints("Base", IDENTIFIERS, run_id=result.run_id) == [HINT]
    )
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
        "hints": lambda: service.hints(lab, IDENTIFIERS),
    }


EXPECTED = {
    "lab": LabNotFound, "delete_lab": LabNotFound, "change": LabNotFound, "events": LabNotFound,
    "validate": LabNotFound, "runs": LabNotFound, "results": LabNotFound, "current_result": LabNotFound,
    "dataset": DatasetNotFound, "dataset, odd": DatasetNotFound, "download": DatasetNotFound,
    "delete_dataset": DatasetNotFound, "dataset_key": DatasetNotFound, "key_access": DatasetNotFound,
    "set_key_access": DatasetNotFound, "run": RunNotFound, "run, odd": RunNotFound, "cancel_run": RunNotFound,
    "result_file": ResultNotFound, "result_file, run": ResultNotFound, "result_file, odd run": ResultNotFound,
    "result_file, lab": LabNotFound, "validation_report": ResultNotFound,
    "hints": ResultNotFound,
}  # fmt: skip


def test_missing_things_have_the_same_errors(service: QuietService, remote: LabService) -> None:
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
