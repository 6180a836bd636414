"""The digest of a content: the same however it is stored, another one for every other content."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalab.storage import DatasetStore, Key, new_upload_id
from datalab.storage.errors import UploadInterrupted
from datalab.storage.objects import Objects

CHUNK = 16
DATA = bytes(range(70))  # five chunks


def streamed(store: DatasetStore, content: bytes, **options: object) -> bytes:
    found: list[bytes] = []
    source = io.BytesIO(content)
    store.upload(source, Key(), "x", chunk_size=CHUNK, digested=found.append, **options)  # type: ignore[arg-type]
    [digest] = found
    return digest


def in_parts(store: DatasetStore, content: bytes, *, afresh: bool = False) -> list[bytes]:
    """Store every part, the last one first; `afresh`: another process completes the upload."""
    key, upload_id = Key(), new_upload_id()
    parts = store.parts(upload_id, key, len(content), CHUNK)
    for number in reversed(range(parts.count)):
        parts.put(number, content[number * CHUNK : (number + 1) * CHUNK])
    found: list[bytes] = []
    last = store.parts(upload_id, key, len(content), CHUNK) if afresh else parts
    last.publish("x", digested=found.append)
    return found


def defined(content: bytes) -> bytes:
    """The digest as docs/storage.md defines it."""
    pieces = [content[start : start + CHUNK] for start in range(0, max(1, len(content)), CHUNK)]
    return hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in pieces)).digest()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 70])
def test_a_stream_and_parts_have_the_same_digest(tmp_path: Path, size: int) -> None:
    store, content = DatasetStore(tmp_path), DATA[:size]
    assert streamed(store, content) == defined(content)
    assert in_parts(store, content) == [defined(content)]
    assert in_parts(store, content, afresh=True) == [defined(content)], "stored parts are read"


@settings(max_examples=150, deadline=None)
@given(one=st.binary(max_size=3 * CHUNK), other=st.binary(max_size=3 * CHUNK))
def test_only_the_same_bytes_have_the_same_digest(one: bytes, other: bytes) -> None:
    store = DatasetStore("memory://digests")
    assert (streamed(store, one) == streamed(store, other)) is (one == other)


def test_a_resumed_upload_has_the_digest_of_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, key, upload_id = DatasetStore(tmp_path), Key(), new_upload_id()
    real, stored = Objects.put, 0

    def put(objects: Objects, path: str, data: bytes | bytearray) -> None:
        nonlocal stored
        stored += 1
        if stored > 4:
            raise UploadInterrupted(upload_id, 3, "full", resumable=True)
        real(objects, path, data)

    found: list[bytes] = []
    with monkeypatch.context() as patched:
        patched.setattr(Objects, "put", put)
        with pytest.raises(UploadInterrupted):
            store.upload(
                io.BytesIO(DATA), key, "x", upload_id=upload_id, chunk_size=CHUNK, parallel=1, digested=found.append
            )
    assert found == []
    store.upload(io.BytesIO(DATA), key, "x", upload_id=upload_id, chunk_size=CHUNK, digested=found.append)
    assert found == [defined(DATA)]


def test_a_damaged_part_has_no_digest(tmp_path: Path) -> None:
    store, key, upload_id = DatasetStore(tmp_path), Key(), new_upload_id()
    parts = store.parts(upload_id, key, len(DATA), CHUNK)
    for number in range(parts.count):
        parts.put(number, DATA[number * CHUNK : (number + 1) * CHUNK])
    chunk = next((tmp_path / "uploads" / upload_id).glob("00000002-*"))
    chunk.write_bytes(os.urandom(chunk.stat().st_size))
    found: list[bytes] = []
    store.parts(upload_id, key, len(DATA), CHUNK).publish("x", digested=found.append)
    assert found == []
