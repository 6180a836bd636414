"""Repairs of stored datasets: the new dataset, its origin, that a second repair does nothing, and no plain text."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.deployment import Deployment
from datalab.deployment.errors import NotADataset
from datalab.deployment.repairs import Repairs, StoredRepair
from datalab.ingest.repair import NotRepairable, StepName
from datalab.kinds import DatasetKind
from datalab.registry import KeyRole
from datalab.storage.errors import ChunkDamaged
from tests.changing_files import every_content
from tests.recognised_files import made_files, text_of
from tests.unit.registry.conftest import ME

USERS = [f"usr{number}x" for number in range(60)]
HASHES = [hashlib.sha256(user.encode()).hexdigest().upper() for user in USERS]
UPPER = text_of([[user, "hashed_email", value] for user, value in zip(USERS, HASHES, strict=True)])
OTHER = "other@publisher.example"


def store(deployment: Deployment, content: bytes | str, name: str = "export.csv", **options: object) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    return deployment.datasets.upload(io.BytesIO(data), name, by=ME, **options).manifest_hash  # type: ignore[arg-type]


def repairs_of(deployment: Deployment, manifest_hash: str) -> Repairs:
    datasets = deployment.datasets
    return Repairs(datasets, manifest_hash, datasets.key(manifest_hash), deployment.scratch)


def repaired(deployment: Deployment, manifest_hash: str, kind: DatasetKind | None = None, by: str = ME) -> StoredRepair:
    repairs = repairs_of(deployment, manifest_hash)
    found, proposed = repairs.propose(kind=kind)
    return repairs.store(found, proposed.lab, by=by)


def text_of_dataset(deployment: Deployment, manifest_hash: str) -> str:
    return deployment.datasets.open(manifest_hash, deployment.datasets.key(manifest_hash)).read().decode()


def test_the_copy_is_a_dataset_of_its_own_that_says_what_it_was_made_of(deployment: Deployment) -> None:
    access = {ME: KeyRole.OWNER, OTHER: KeyRole.USER}
    original = store(deployment, UPPER, description="of today", usage="TEST", access=access)
    _, proposed = repairs_of(deployment, original).propose()
    assert [(step.name, step.touched) for step in proposed.steps] == [(StepName.LOWER_CASE, 60)]
    assert proposed.before and proposed.steps[0].after
    assert (proposed.before.valid, proposed.steps[0].after.valid) == (0, 60)
    made = repaired(deployment, original, by=OTHER)
    new = made.dataset
    assert (new.name, new.description, new.usage) == ("export.csv (repaired)", "of today", "TEST")
    assert new.origin and new.origin.made_from == original
    assert list(new.origin.steps) == [{"name": "lower-case", "rows": 60}]
    assert new.access == {ME: KeyRole.OWNER, OTHER: KeyRole.OWNER}
    assert made.before and made.after and (made.before.valid, made.after.valid) == (0, 60)
    assert text_of_dataset(deployment, new.manifest_hash) == UPPER.replace(HASHES[0], HASHES[0].lower()).lower()
    assert text_of_dataset(deployment, original) == UPPER
    again = deployment.registry.datasets.get(original)
    assert again.origin is None and again.name == "export.csv"


def test_deleting_the_original_leaves_the_copy(deployment: Deployment) -> None:
    original = store(deployment, UPPER)
    new = repaired(deployment, original).dataset.manifest_hash
    deployment.datasets.delete(original, by=ME)
    found = deployment.registry.datasets.get(new)
    assert found.origin and found.origin.made_from == original


SEMICOLONS = text_of([[user, name] for user in USERS for name in ("Sport", "Food, drink")], ";").encode()


def zipped(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.csv", content)
        file.writestr("b.csv", content)
    return archive.getvalue()


def in_parquet(content: bytes, *, in_zip: bool = False) -> bytes:
    del content
    file, archive = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table({"u": USERS, "n": ["hashed_email"] * 60, "i": HASHES}), file, row_group_size=25)
    if not in_zip:
        return file.getvalue()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as members:
        members.writestr("a.parquet", file.getvalue())
    return archive.getvalue()


@pytest.mark.parametrize(
    ("wrap", "records"),
    [
        (bytes, 120),
        (gzip.compress, 120),
        (zipped, 240),
        (in_parquet, 60),
        (lambda content: in_parquet(content, in_zip=True), 60),
    ],
)
def test_every_container_is_read_decrypted(
    deployment: Deployment, wrap: Callable[[bytes], bytes], records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = deployment.datasets.store
    monkeypatch.setattr(stored, "upload", partial(stored.upload, chunk_size=700))  # so that reads cross chunks
    original = store(deployment, wrap(SEMICOLONS), "export")
    made = repaired(deployment, original)
    assert (made.done.records, made.done.written) == (records, records)
    assert made.before and made.after and made.after.rows == records and made.before.valid < made.after.valid
    assert repairs_of(deployment, made.dataset.manifest_hash).propose()[0].steps == ()


@pytest.mark.parametrize("seed", range(2))
def test_repairing_stored_datasets_twice_changes_nothing(deployment: Deployment, seed: int) -> None:
    for made in made_files(seed):
        original = store(deployment, made.content, made.name)
        repairs = repairs_of(deployment, original)
        found, _ = repairs.propose(kind=made.kind)
        if not found.steps:
            continue
        once = repairs.store(found, None, by=ME).dataset.manifest_hash
        if repairs_of(deployment, once).propose(kind=made.kind)[0].steps:
            twice = repaired(deployment, once, made.kind).dataset.manifest_hash
            assert text_of_dataset(deployment, twice) == text_of_dataset(deployment, once), (made.name, found.names)


def test_nothing_is_stored_of_what_cannot_be_repaired(deployment: Deployment) -> None:
    only_header = store(deployment, "user_id,segment\n")
    repairs = repairs_of(deployment, only_header)
    found, _ = repairs.propose(kind=DatasetKind.SEGMENTS)
    with pytest.raises(NotADataset):
        repairs.store(found, None, by=ME)
    cut = store(deployment, gzip.compress(SEMICOLONS * 400)[:-9])
    with pytest.raises(NotRepairable):
        repaired(deployment, cut, DatasetKind.SEGMENTS)
    assert {one.manifest_hash for one in deployment.registry.datasets.all()} == {only_header, cut}


def test_a_damaged_chunk_stops_the_repair(deployment: Deployment, tmp_path: Path) -> None:
    original = store(deployment, UPPER)
    for path in (tmp_path / "home" / "store" / "uploads").rglob("*-*"):
        if path.is_file() and path.stat().st_size > 100:
            path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ChunkDamaged):
        repaired(deployment, original)
    assert [one.manifest_hash for one in deployment.registry.datasets.all()] == [original]


def test_no_file_holds_a_value_of_a_row(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = "Planted-7f3a91c6"
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    original = store(deployment, text_of([[f"{planted}{number}", f" {planted}-{number % 9}"] for number in range(900)]))
    shown: list[int] = []

    def look(*_: int) -> None:
        shown.append(sum(len(content) for _, content in every_content(tmp_path)))
        assert not any(planted.encode() in content for _, content in every_content(tmp_path))

    repairs = repairs_of(deployment, original)
    found, proposed = repairs.propose(kind=DatasetKind.SEGMENTS)
    made = repairs.store(found, proposed.lab, by=ME, progress=look)
    look()
    assert len(shown) > 1 and shown[-1] > 900 * len(planted)
    assert text_of_dataset(deployment, made.dataset.manifest_hash).count(planted) == 1800
