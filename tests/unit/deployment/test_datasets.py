"""Uploads between store, keys and registry: resumed, repeated, rotated, deleted, swept."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from datalab.deployment import Deployment
from datalab.errors import UsageError
from datalab.ingest.recognise.read import SAMPLE_BYTES
from datalab.registry import KeyRole
from datalab.registry.errors import AccessListWrong, DatasetInUse, KeyAccessDenied, KeyNotFound, ProvisioningRefused
from datalab.storage import Key
from datalab.storage.errors import DatasetNotFound, UploadInterrupted
from tests.unit.registry.conftest import IDENTIFIERS, ME, definition

Upload = Callable[..., str]
BIG = SAMPLE_BYTES + 2**20
"""More bytes than are recognised before anything is stored."""


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


class Failing(io.BytesIO):
    """Breaks after so many bytes."""

    def __init__(self, data: bytes, after: int) -> None:
        super().__init__(data)
        self.after = after

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self.after:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_what_was_uploaded_can_be_read_and_is_known(deployment: Deployment, upload: Upload) -> None:
    manifest_hash = upload("u1,a\n", "segments.csv", description="weekly")
    known = deployment.registry.datasets.get(manifest_hash)
    assert (known.name, known.description, known.size, known.created_by) == ("segments.csv", "weekly", 5, ME)
    assert deployment.datasets.open(manifest_hash, deployment.datasets.key(manifest_hash)).read() == b"u1,a\n"
    assert deployment.registry.uploads.all() == []


def test_a_broken_upload_is_gone_on_with(deployment: Deployment) -> None:
    data = bytes(20 * 2**20)
    with pytest.raises(Exception, match=r"cannot be read"):
        deployment.datasets.upload(Failing(data, 9 * 2**20), "big.csv", by=ME)
    (left,) = deployment.registry.uploads.all()
    finished = deployment.datasets.upload(io.BytesIO(data), "big.csv", by=ME)
    assert deployment.datasets.store.describe(finished.manifest_hash).chunks == 3
    assert deployment.registry.uploads.all() == []
    assert deployment.datasets.store.sweep(timedelta()) == []  # all chunks belong to the one upload that was resumed
    assert left.name == "big.csv"


@pytest.mark.parametrize(
    ("name", "size", "by", "key"),
    [
        ("other.csv", BIG, ME, None),
        ("big.csv", BIG + 1, ME, None),
        ("big.csv", BIG, "she@x", None),
        ("big.csv", BIG, ME, Key()),
    ],
)
def test_another_upload_is_not_taken_for_it(
    deployment: Deployment, name: str, size: int, by: str, key: Key | None
) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        deployment.datasets.upload(Failing(bytes(BIG), SAMPLE_BYTES), "big.csv", by=ME)
    deployment.datasets.upload(io.BytesIO(bytes(size)), name, by=by, key=key)
    assert len(deployment.registry.uploads.all()) == 1


def test_two_uploads_of_the_same_file_at_once_make_two_datasets(deployment: Deployment) -> None:
    gate, found = threading.Barrier(2), []

    class Waiting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                gate.wait(20)
            return super().read(size)

    def upload() -> None:
        found.append(deployment.datasets.upload(Waiting(b"u1,a\n"), "same.csv", by=ME).manifest_hash)

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 2
    for manifest_hash in found:
        assert deployment.datasets.open(manifest_hash, deployment.datasets.key(manifest_hash)).read() == b"u1,a\n"


def test_an_access_list_without_owner_is_refused_before_anything_is_stored(deployment: Deployment) -> None:
    with pytest.raises(AccessListWrong):
        deployment.datasets.upload(io.BytesIO(b"x"), "x", by=ME, access={ME: KeyRole.USER})
    assert (deployment.registry.uploads.all(), deployment.datasets.store.list_hashes()) == ([], [])


def test_only_who_is_listed_gets_the_key(deployment: Deployment, upload: Upload) -> None:
    manifest_hash = upload("x", access={ME: KeyRole.OWNER, "she@x": KeyRole.USER})
    assert deployment.datasets.key(manifest_hash, user="she@x") == deployment.datasets.key(manifest_hash, user=ME)
    with pytest.raises(KeyAccessDenied):
        deployment.datasets.key(manifest_hash, user="other@x")


def test_a_dataset_without_stored_key_cannot_be_provisioned(deployment: Deployment, upload: Upload) -> None:
    key = Key()
    manifest_hash = upload("u1\n", key=key, keep_key=False)
    assert deployment.datasets.open(manifest_hash, key).read() == b"u1\n"
    with pytest.raises(KeyNotFound):
        deployment.datasets.key(manifest_hash)
    lab = deployment.registry.labs.create(definition(), by=ME)
    with pytest.raises(ProvisioningRefused, match="key"):
        deployment.registry.provisioning.provision(lab.id, {IDENTIFIERS: manifest_hash}, by=ME)


def test_rotation_wraps_datasets_and_unfinished_uploads_anew(deployment: Deployment, upload: Upload) -> None:
    manifest_hash = upload("u1,a\n")
    begun = deployment.datasets.begin("later.csv", 3, by=ME)
    before, key = deployment.registry.keychain.entry(manifest_hash), deployment.datasets.upload_key(begun)
    assert deployment.datasets.rotate_master_key() == 2
    after = deployment.registry.keychain.entry(manifest_hash)
    assert after.master_key_id != before.master_key_id
    assert deployment.datasets.open(manifest_hash, deployment.datasets.key(manifest_hash)).read() == b"u1,a\n"
    assert deployment.datasets.upload_key(deployment.registry.uploads.get(begun.upload_id)) == key


def test_no_key_is_lost_when_uploads_and_rotations_happen_at_once(deployment: Deployment, upload: Upload) -> None:
    stop, hashes = threading.Event(), []

    def rotate() -> None:
        while not stop.is_set():
            deployment.datasets.rotate_master_key()

    rotating = threading.Thread(target=rotate)
    rotating.start()
    try:
        hashes = [upload(f"u{number}\n", f"{number}.csv") for number in range(15)]
    finally:
        stop.set()
        rotating.join()
    for number, manifest_hash in enumerate(hashes):
        key = deployment.datasets.key(manifest_hash)
        assert deployment.datasets.open(manifest_hash, key).read() == f"u{number}\n".encode()


def test_a_provisioned_dataset_is_only_deleted_by_force(deployment: Deployment, upload: Upload) -> None:
    manifest_hash = upload("u1\n")
    lab = deployment.registry.labs.create(definition(), by=ME)
    deployment.registry.provisioning.provision(lab.id, {IDENTIFIERS: manifest_hash}, by=ME)
    with pytest.raises(DatasetInUse) as refused:
        deployment.datasets.delete(manifest_hash, by=ME)
    assert refused.value.labs == [lab.id] and deployment.datasets.store.exists(manifest_hash)
    deployment.datasets.delete(manifest_hash, by=ME, force=True)
    assert not deployment.datasets.store.exists(manifest_hash)
    assert deployment.registry.provisioning.datasets(lab.id) == {}


def test_what_a_crash_left_is_swept_once_it_is_old(deployment: Deployment, upload: Upload) -> None:
    kept, orphan = upload("kept"), upload("deleted in the registry, the store not yet")
    deployment.registry.datasets.delete(orphan, by=ME)
    begun = deployment.datasets.begin("never finished.csv", 3, by=ME)
    deployment.datasets.sweep()
    assert deployment.datasets.store.exists(orphan) and deployment.registry.uploads.all() == [begun]
    deployment.datasets.sweep(timedelta())
    assert deployment.datasets.store.list_hashes() == [kept] and deployment.registry.uploads.all() == []


def test_a_name_is_one_line_and_not_empty(deployment: Deployment, upload: Upload) -> None:
    assert deployment.registry.datasets.get(upload("x", "a\nb\x1b[31m.csv")).name == "a b [31m.csv"
    with pytest.raises(UsageError, match="needs a name"):
        upload("x", " \n")


def test_a_full_store_says_how_to_go_on(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("datalab.storage.objects.write_durably", _full)
        with pytest.raises(UploadInterrupted, match="No space left"):
            deployment.datasets.upload(io.BytesIO(b"u1\n"), "x.csv", by=ME)
    with pytest.raises(DatasetNotFound):
        deployment.datasets.store.describe("0" * 64)
    assert deployment.datasets.upload(io.BytesIO(b"u1\n"), "x.csv", by=ME).size == 3
