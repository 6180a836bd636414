"""An upload that stops anywhere leaves no dataset, and is resumed where it stopped."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from datalab.storage import DatasetStore, Key, new_upload_id
from datalab.storage.errors import ChunkDamaged, UploadInterrupted
from datalab.storage.objects import Objects

CHUNK = 16
DATA = bytes(range(70))  # five chunks
CHUNKS = 5
# begun, five chunks, the prepared manifest, the manifest
STEPS = 1 + CHUNKS + 2


class Puts:
    """Counts what is written to the store, and fails at one step, before or after it was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        self.fail_at: int | None = None
        self.fail_after = False
        self.error: BaseException = OSError(28, "No space left on device")
        real = Objects.put

        def put(objects: Objects, path: str, data: bytes | bytearray) -> None:
            failing = len(self.paths) == self.fail_at
            self.paths.append(path)
            if failing and not self.fail_after:
                self._fail(objects)
            real(objects, path, data)
            if failing:
                self._fail(objects)

        monkeypatch.setattr(Objects, "put", put)

    def _fail(self, objects: Objects) -> None:
        from datalab.storage.objects import _driver

        with _driver(objects.where):
            raise self.error

    @property
    def chunks(self) -> int:
        return sum("/0000000" in path for path in self.paths)

    def repair(self) -> None:
        self.paths.clear()
        self.fail_at = None


@pytest.fixture
def puts(monkeypatch: pytest.MonkeyPatch) -> Puts:
    return Puts(monkeypatch)


def put(store: DatasetStore, key: Key, upload_id: str, data: bytes = DATA, name: str = "n") -> str:
    return store.upload(io.BytesIO(data), key, name, upload_id=upload_id, chunk_size=CHUNK, parallel=1)


@pytest.mark.parametrize("fail_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(STEPS))
def test_it_goes_on_after_a_failure_at_each_step(
    store: DatasetStore, root: Path, key: Key, puts: Puts, step: int, fail_after: bool
) -> None:
    upload_id = new_upload_id()
    puts.fail_at, puts.fail_after = step, fail_after
    with pytest.raises(UploadInterrupted, match="No space left") as caught:
        put(store, key, upload_id)
    assert caught.value.upload_id == upload_id and "the same file under the same name again" in str(caught.value)
    published = store.list_hashes()
    assert len(published) == (1 if step == STEPS - 1 and fail_after else 0)

    done = len(list((root / "uploads" / upload_id).glob("0*")))
    puts.repair()
    dataset = put(store, key, upload_id)
    assert puts.chunks == CHUNKS - done
    assert store.open(dataset, key).read() == DATA
    assert store.list_hashes() == [dataset] and set(published) <= {dataset}
    store.delete(dataset)
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_failing_again_and_again_still_arrives(store: DatasetStore, key: Key, puts: Puts) -> None:
    upload_id = new_upload_id()
    for _ in range(CHUNKS - 1):
        puts.repair()
        puts.fail_at, puts.fail_after = 1, True  # one chunk per attempt
        with pytest.raises(UploadInterrupted):
            put(store, key, upload_id)
    puts.repair()
    assert store.open(put(store, key, upload_id), key).read() == DATA
    assert puts.chunks == 1


def test_an_upload_repeated_after_it_was_finished_is_the_same_dataset(
    store: DatasetStore, key: Key, puts: Puts
) -> None:
    upload_id = new_upload_id()
    dataset = put(store, key, upload_id)
    puts.repair()
    assert put(store, key, upload_id) == dataset
    assert puts.chunks == 0
    assert store.list_hashes() == [dataset]


@pytest.mark.parametrize(
    "changed", [DATA[:-1], DATA + b"x", DATA[:64], b"?" + DATA[1:], DATA[:20] + b"?" + DATA[21:], b""]
)
def test_a_source_that_changed_meanwhile_is_stored_as_it_is_now(
    store: DatasetStore, key: Key, puts: Puts, changed: bytes
) -> None:
    upload_id = new_upload_id()
    puts.fail_at = 4
    with pytest.raises(UploadInterrupted):
        put(store, key, upload_id)
    puts.repair()
    assert store.open(put(store, key, upload_id, changed), key).read() == changed


def test_a_finished_dataset_survives_a_repetition_with_other_content(store: DatasetStore, root: Path, key: Key) -> None:
    upload_id = new_upload_id()
    one = put(store, key, upload_id)
    other = put(store, key, upload_id, DATA[:16] + b"?" * 30)
    renamed = put(store, key, upload_id, DATA, name="m")
    assert len({one, other, renamed}) == 3
    assert store.open(one, key).read() == DATA
    store.delete(one)
    assert store.open(other, key).read() == DATA[:16] + b"?" * 30
    assert store.open(renamed, key).read() == DATA
    store.delete(renamed)
    assert store.open(other, key).read() == DATA[:16] + b"?" * 30
    assert store.sweep(timedelta(days=-1)) == []
    store.delete(other)
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_another_key_shares_no_chunk(store: DatasetStore, key: Key, puts: Puts) -> None:
    upload_id = new_upload_id()
    put(store, key, upload_id)
    puts.repair()
    other = Key()
    dataset = store.upload(io.BytesIO(DATA), other, "n", upload_id=upload_id, chunk_size=CHUNK)
    assert puts.chunks == CHUNKS
    assert store.open(dataset, other).read() == DATA


def test_damaged_leftovers_are_not_trusted(store: DatasetStore, root: Path, key: Key, puts: Puts) -> None:
    upload_id = new_upload_id()
    puts.fail_at = 4
    with pytest.raises(UploadInterrupted):
        put(store, key, upload_id)
    left = sorted((root / "uploads" / upload_id).glob("0*"))
    left[0].write_bytes(left[0].read_bytes()[:20])  # cut off
    changed = bytearray(left[1].read_bytes())
    changed[3] ^= 1  # another nonce
    left[1].write_bytes(changed)
    (root / "uploads" / upload_id / "00000004-nonsense").write_bytes(b"x")
    (root / "uploads" / upload_id / f"manifest-{'a' * 64}").write_bytes(b"{}")
    puts.repair()
    assert store.open(put(store, key, upload_id), key).read() == DATA


def test_a_chunk_that_vanishes_during_the_upload_is_noticed_before_the_manifest(
    store: DatasetStore, root: Path, key: Key
) -> None:
    upload_id = new_upload_id()

    class Vanishing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 64:
                next((root / "uploads" / upload_id).glob("00000000-*")).unlink()
            return super().read(size)

    with pytest.raises(UploadInterrupted, match="chunk 0 disappeared"):
        store.upload(Vanishing(DATA), key, "n", upload_id=upload_id, chunk_size=CHUNK, parallel=1)
    assert store.list_hashes() == []
    assert store.open(put(store, key, upload_id), key).read() == DATA


def test_an_error_of_any_driver_interrupts_without_its_text(store: DatasetStore, key: Key, puts: Puts) -> None:
    puts.fail_at = 2
    puts.error = RuntimeError("https://secret:password@host")
    with pytest.raises(UploadInterrupted, match="RuntimeError") as caught:
        put(store, key, new_upload_id())
    assert "password" not in str(caught.value)


def test_an_interrupted_upload_is_swept_by_age_but_a_resumed_one_is_not(
    store: DatasetStore, root: Path, key: Key, puts: Puts
) -> None:
    upload_id = new_upload_id()
    puts.fail_at = 4
    with pytest.raises(UploadInterrupted):
        put(store, key, upload_id)
    assert store.sweep() == []
    for path in (root / "uploads" / upload_id).iterdir():
        os.utime(path, (1, 1))
    puts.repair()
    swept: list[list[str]] = []

    class Sweeping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            swept.append(store.sweep())
            return super().read(size)

    dataset = store.upload(Sweeping(DATA), key, "n", upload_id=upload_id, chunk_size=CHUNK)
    assert not any(swept)
    assert store.open(dataset, key).read() == DATA


def test_two_uploads_with_the_same_id_at_once_are_both_whole(store: DatasetStore, key: Key) -> None:
    upload_id = new_upload_id()
    inner: list[str] = []

    class Meanwhile(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 32 and not inner:
                inner.append(put(store, key, upload_id))
            return super().read(size)

    outer = store.upload(Meanwhile(DATA), key, "n", upload_id=upload_id, chunk_size=CHUNK, parallel=1)
    for dataset in (outer, inner[0]):
        assert store.open(dataset, key).read() == DATA
    store.delete(outer)
    if outer != inner[0]:
        assert store.open(inner[0], key).read() == DATA


KILLED = """
import io, os, signal, sys
from datalab.storage import DatasetStore, Key
from datalab.storage import files

real = os.fsync
def fsync(handle):
    fsync.calls += 1
    if fsync.calls == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    real(handle)
fsync.calls = 0
files.os.fsync = fsync
DatasetStore(sys.argv[1]).upload(
    io.BytesIO(bytes(range(70))), Key(bytes(range(32))), "n", upload_id=sys.argv[2], chunk_size=16, parallel=2
)
"""


@pytest.mark.parametrize("step", [1, 2, 7, 8, 2 * STEPS - 3, 2 * STEPS - 1])
def test_a_killed_process_leaves_nothing_half(root: Path, store: DatasetStore, key: Key, step: int) -> None:
    upload_id = new_upload_id()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(root), upload_id, str(step)])
    assert ended.returncode == -9
    assert store.list_hashes() == []
    dataset = put(store, key, upload_id)
    assert store.open(dataset, key).read() == DATA
    store.sweep(timedelta(days=-1))
    assert [path.name for path in (root / "datasets").iterdir()] == [dataset]
    store.delete(dataset)
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_failed_delete_is_finished_by_the_sweeper(
    store: DatasetStore, root: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = put(store, key, new_upload_id())
    remaining: Callable[[Objects, str], None] = Objects.delete_directory

    def stop(objects: Objects, path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Objects, "delete_directory", stop)
    with pytest.raises(KeyboardInterrupt):
        store.delete(dataset)
    monkeypatch.setattr(Objects, "delete_directory", remaining)
    assert not store.exists(dataset)
    store.sweep(timedelta(days=-1))
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_an_error_of_the_reader_can_be_tried_again(store: DatasetStore, root: Path, key: Key) -> None:
    dataset = put(store, key, new_upload_id())
    (path,) = root.glob("uploads/*/00000002-*")
    away = path.rename(root / "away")
    with store.open(dataset, key) as reader:
        reader.seek(33)
        with pytest.raises(ChunkDamaged):
            reader.read(1)
        away.rename(path)
        assert reader.read(1) == DATA[33:34]
