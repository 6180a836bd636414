"""The same content uploaded again is noticed, by a keyed hash that only the master key can make."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from datalab.deployment import Deployment
from datalab.deployment.contents import Contents
from datalab.deployment.parts import PartUploads
from datalab.registry import KeyRole, Registry
from datalab.registry.accounts import Role
from datalab.registry.contents import MOST
from datalab.registry.ownership import User
from datalab.storage import Key, MasterKeys
from datalab.storage.chunks import CHUNK_BYTES
from tests.unit.registry.conftest import ME

Upload = Callable[..., str]
ALONE = User(ME, None, alone=True)
ROW = "u1,a\n"


def same(deployment: Deployment, manifest_hash: str, user: User = ALONE) -> list[str]:
    return deployment.registry.contents.same_as(manifest_hash, user)


def hashes(registry: Registry) -> dict[str, bytes]:
    with registry.database.engine.connect() as connection:
        rows = connection.execute(text("SELECT manifest_hash, content_hash FROM datalab_registry.content_hashes"))
        return {manifest_hash: bytes(content) for manifest_hash, content in rows}


def test_the_same_content_is_noticed_whatever_its_name_and_key(deployment: Deployment, upload: Upload) -> None:
    one = upload(ROW)
    assert same(deployment, one) == []
    two, other = upload(ROW, "another name.csv", key=Key()), upload("u1,b\n")
    assert (same(deployment, one), same(deployment, two), same(deployment, other)) == ([two], [one], [])
    three = upload(ROW)
    assert same(deployment, three) == [one, two], "the oldest first"


def test_a_stream_and_parts_are_the_same_content(deployment: Deployment) -> None:
    content = bytes(range(256)) * (CHUNK_BYTES // 256) + b"u1,a\n"
    streamed = deployment.datasets.upload(io.BytesIO(content), "whole.csv", by=ME).manifest_hash
    uploads = PartUploads(deployment.datasets)
    begun, _ = uploads.begin("parts.csv", len(content), by=ME)
    uploads.put(begun.upload_id, 1, content[CHUNK_BYTES:], by=ME)
    uploads.put(begun.upload_id, 0, content[:CHUNK_BYTES], by=ME)
    restarted = PartUploads(deployment.datasets)
    made = restarted.complete(begun.upload_id, by=ME).manifest_hash
    assert same(deployment, made) == [streamed]


def test_no_more_than_some_are_named(deployment: Deployment, upload: Upload) -> None:
    uploaded = [upload(ROW) for _ in range(MOST + 2)]
    assert same(deployment, uploaded[-1]) == uploaded[:MOST]


def test_only_datasets_that_the_user_may_use_are_named(deployment: Deployment, upload: Upload) -> None:
    deployment.registry.accounts.add(ME, Role.PUBLISHER, by="root")
    hers = upload(ROW, access={"she@x": KeyRole.OWNER})
    both = upload(ROW, access={"she@x": KeyRole.OWNER, ME: KeyRole.USER})
    mine = upload(ROW)
    me, she, other = (deployment.registry.ownership.user(name) for name in (ME, "she@x", "other@x"))
    assert same(deployment, mine, me) == [both]
    assert same(deployment, mine, she) == [hers, both]
    assert same(deployment, mine, other) == []


def test_a_dataset_whose_key_is_not_stored_has_no_hash(deployment: Deployment, upload: Upload) -> None:
    key = Key()
    one, two = upload(ROW, key=key, keep_key=False), upload(ROW)
    assert same(deployment, two) == [] and set(hashes(deployment.registry)) == {two}
    assert deployment.datasets.open(one, key).read() == ROW.encode()


def test_the_hash_is_deleted_with_the_dataset(deployment: Deployment, upload: Upload) -> None:
    one, two = upload(ROW), upload(ROW)
    deployment.datasets.delete(one, by=ME)
    assert set(hashes(deployment.registry)) == {two} and same(deployment, two) == []


def test_the_hash_is_no_hash_of_the_content_alone(deployment: Deployment, upload: Upload, tmp_path: Path) -> None:
    """A person who reads the registry and has a candidate for a content finds out nothing."""
    manifest_hash = upload(ROW)
    [kept] = hashes(deployment.registry).values()
    plain = hashlib.sha256(ROW.encode())
    assert len(kept) == 32
    assert kept not in (plain.digest(), hashlib.sha256(plain.digest()).digest())
    elsewhere = Contents(deployment.registry, MasterKeys([Key()]))
    digest = hashlib.sha256(plain.digest()).digest()
    assert elsewhere.hash_of(digest, len(ROW)) is None, "another master key opens nothing"
    assert deployment.datasets._contents.hash_of(digest, len(ROW)) == kept
    key = deployment.registry.contents.key()
    assert key is not None and kept not in key.wrapped
    assert manifest_hash


def test_rotation_keeps_the_hashes_comparable(deployment: Deployment, upload: Upload) -> None:
    one = upload(ROW)
    before = deployment.registry.contents.key()
    assert deployment.datasets.rotate_master_key() == 1, "that of the hashes is wrapped too, and is of no dataset"
    after = deployment.registry.contents.key()
    assert before and after and before.master_key_id != after.master_key_id and before.wrapped != after.wrapped
    assert same(deployment, upload(ROW)) == [one]
    assert deployment.registry.contents.rewrap(before, b"late", "another") is False, "another process was faster"


def test_a_repeated_rotation_wraps_no_key_again(
    deployment: Deployment, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Master keys in the environment: the first one is the new one, however often keys are rotated."""
    old, new = Key(), Key()
    monkeypatch.setattr(deployment.datasets, "_keys", MasterKeys([old]))
    monkeypatch.setattr(deployment.datasets, "_contents", Contents(deployment.registry, MasterKeys([old])))
    upload(ROW)
    monkeypatch.setattr(deployment.datasets, "_keys", MasterKeys([new, old]))
    assert [deployment.datasets.rotate_master_key() for _ in range(2)] == [1, 0]


def test_a_lost_master_key_neither_stops_uploads_nor_the_next_rotation(
    deployment: Deployment, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = upload(ROW)
    keys = MasterKeys([Key()])
    monkeypatch.setattr(deployment.datasets, "_keys", keys)
    monkeypatch.setattr(deployment.datasets, "_contents", Contents(deployment.registry, keys))
    new = upload(ROW)
    assert set(hashes(deployment.registry)) == {lost} and same(deployment, new) == []
    for manifest_hash in (lost, new):
        deployment.datasets.delete(manifest_hash, by=ME)
    deployment.datasets.rotate_master_key()
    assert deployment.registry.contents.key() is None, "no hash was left"
    one = upload(ROW)
    assert same(deployment, upload(ROW)) == [one]


def test_uploads_at_once_agree_on_one_key(deployment: Deployment, upload: Upload) -> None:
    gate, found = threading.Barrier(4), []

    def one() -> None:
        gate.wait(20)
        found.append(upload(ROW))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(hashes(deployment.registry).values())) == 1
    assert set(same(deployment, found[0])) == set(found[1:])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=st.binary(max_size=40), other=st.binary(max_size=40))
def test_different_contents_never_have_the_same_hash(deployment: Deployment, one: bytes, other: bytes) -> None:
    def kept(content: bytes) -> bytes | None:
        digest = hashlib.sha256(hashlib.sha256(content).digest()).digest()
        return deployment.datasets._contents.hash_of(digest, len(content))

    assert (kept(one) == kept(other)) is (one == other) and kept(one) is not None
