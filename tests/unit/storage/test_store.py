"""What is uploaded comes back byte for byte, and nothing of it can be read in the store."""

from __future__ import annotations

import gc
import io
import os
import stat
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datalab.errors import InputUnreadable, OutputFailed, UsageError
from datalab.storage import DatasetStore, Key, new_upload_id
from datalab.storage.errors import DatasetNotFound, KeyMismatch, ManifestDamaged

CHUNK = 16
UNKNOWN = "0" * 64


class Dribble(io.RawIOBase):
    """A raw file that gives at most `most` bytes at a time, like a pipe."""

    def __init__(self, data: bytes, most: int) -> None:
        self._inner = io.BytesIO(data)
        self._most = most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, self._most))


class Zeros(io.RawIOBase):
    """The given number of zero bytes, which are never in memory."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        count = min(size, self.left)
        self.left -= count
        return bytes(count)


def put(store: DatasetStore, key: Key, data: bytes, **options: object) -> str:
    return store.upload(io.BytesIO(data), key, "users.csv", chunk_size=CHUNK, **options)  # type: ignore[arg-type]


def all_bytes(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())


@given(size=st.integers(0, 5 * CHUNK + 1), parallel=st.integers(1, 4), most=st.integers(1, 40))
@example(size=0, parallel=4, most=40)
@example(size=CHUNK - 1, parallel=4, most=40)
@example(size=CHUNK, parallel=4, most=40)
@example(size=CHUNK + 1, parallel=4, most=40)
@example(size=3 * CHUNK, parallel=1, most=7)
def test_every_size_comes_back(size: int, parallel: int, most: int) -> None:
    data = os.urandom(size)
    key = Key()
    with tempfile.TemporaryDirectory() as directory:
        store = DatasetStore(directory)
        source = Dribble(data, most)
        dataset = store.upload(source, key, "n", chunk_size=CHUNK, parallel=parallel)  # type: ignore[arg-type]
        with store.open(dataset, key) as reader:
            assert reader.read() == data
        target = Path(directory) / "plain"
        store.download_to(dataset, key, target, parallel)
        assert target.read_bytes() == data
        description = store.describe(dataset)
        assert (description.size, description.chunks) == (size, max(1, -(-size // CHUNK)))


@given(
    moves=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 50))),
    size=st.sampled_from([0, 1, CHUNK, 70, 5 * CHUNK]),
)
def test_the_reader_seeks_like_a_file(moves: list[tuple[int, int]], size: int) -> None:
    data = bytes(range(size))
    key = Key()
    plain = io.BytesIO(data)
    with tempfile.TemporaryDirectory() as directory:
        store = DatasetStore(directory)
        with store.open(put(store, key, data), key) as raw, io.BufferedReader(raw, 8) as reader:
            for offset, count in moves:
                assert reader.seek(offset) == plain.seek(offset)
                assert reader.read(count) == plain.read(count)
                assert reader.tell() == plain.tell()
            assert reader.seek(-size, io.SEEK_END) == 0
            assert reader.read() == data


def test_the_reader_refuses_what_files_refuse(store: DatasetStore, key: Key) -> None:
    reader = store.open(put(store, key, b"abc"), key)
    assert reader.readable() and reader.seekable() and not reader.writable()
    with pytest.raises(ValueError, match="seek"):
        reader.seek(-1)
    with pytest.raises(ValueError, match="seek"):
        reader.seek(0, 9)
    reader.close()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)


def test_a_dropped_reader_waits_for_no_thread(store: DatasetStore, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """The garbage collector closes it, maybe while `threading` holds its locks: waiting there never ends."""
    dataset = put(store, key, b"x" * 70)
    joined: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "join", lambda thread, timeout=None: joined.append(thread))
    for wrapped in (False, True):
        reader = store.open(dataset, key)
        assert reader.read(1) == b"x"
        cycle: list[object] = [io.BufferedReader(reader) if wrapped else reader]
        cycle.append(cycle)
        del cycle, reader
        gc.collect()
    assert joined == []


def test_upload_begins_where_the_source_stands(store: DatasetStore, key: Key) -> None:
    source = io.BytesIO(b"header|rows")
    source.seek(7)
    assert store.open(store.upload(source, key, "n"), key).read() == b"rows"


def test_equal_content_has_different_hashes(store: DatasetStore, key: Key) -> None:
    assert len({put(store, key, b"same") for _ in range(5)}) == 5


def test_chunks_of_equal_content_differ(store: DatasetStore, root: Path, key: Key) -> None:
    put(store, key, bytes(CHUNK * 8))
    chunks = [path.read_bytes() for path in root.glob("uploads/*/0*")]
    assert len(chunks) == 8 == len({chunk[:12] for chunk in chunks}) == len({chunk[12:] for chunk in chunks})


def test_describe_list_exists_delete(store: DatasetStore, root: Path, key: Key) -> None:
    assert store.list_hashes() == []
    before = datetime.now(UTC) - timedelta(seconds=2)
    one = store.upload(io.BytesIO(b"x" * 40), key, "Identifiers.csv", description="May", chunk_size=CHUNK)
    other = put(store, key, b"")
    assert store.list_hashes() == sorted([one, other])
    assert store.exists(one) and not store.exists(UNKNOWN) and not store.exists("../datasets")
    described = store.describe(one, key)
    assert (described.name, described.description) == ("Identifiers.csv", "May")
    assert (described.size, described.chunks, described.manifest_hash) == (40, 3, one)
    assert before <= described.created <= datetime.now(UTC)
    assert store.describe(one).name is None

    store.delete(one)
    assert store.list_hashes() == [other] and not store.exists(one)
    for action in (store.delete, store.describe, lambda gone: store.open(gone, key)):
        with pytest.raises(DatasetNotFound):
            action(one)
    store.delete(other)
    assert [path for path in root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a/b", "ü" * 300, "broken \udcff name", "nul \0"])
def test_names_are_nowhere_in_paths_and_come_back(store: DatasetStore, root: Path, key: Key, name: str) -> None:
    dataset = store.upload(io.BytesIO(b"x"), key, name)
    assert store.describe(dataset, key).name == name.encode("utf-8", "replace").decode()
    for path in root.rglob("*"):
        assert not name or name not in str(path.relative_to(root))
    assert sorted(path.name for path in root.parent.iterdir()) == ["store"]


def test_no_plain_text_in_the_store(store: DatasetStore, root: Path, key: Key) -> None:
    planted = b"ada.lovelace@example.org"
    store.upload(io.BytesIO(planted * 1000), key, "planted-name", description="planted-words", chunk_size=999)
    found = all_bytes(root)
    for text in (planted, planted[:8], b"planted", b"lovelace", key.material, key.material[:8]):
        assert text not in found


def test_the_store_is_private(store: DatasetStore, root: Path, key: Key) -> None:
    put(store, key, b"x" * 40)
    for path in root.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_another_key_is_told_from_damage(store: DatasetStore, key: Key, tmp_path: Path) -> None:
    dataset = put(store, key, b"x" * 40)
    other = Key()
    for action in (
        lambda: store.open(dataset, other),
        lambda: store.describe(dataset, other),
        lambda: store.download_to(dataset, other, tmp_path / "plain"),
    ):
        with pytest.raises(KeyMismatch):
            action()
    assert not (tmp_path / "plain").exists()


def test_a_download_is_private_and_replaces_whole(store: DatasetStore, key: Key, tmp_path: Path) -> None:
    dataset = put(store, key, b"new" * 30)
    target = tmp_path / "deep" / "plain.csv"
    store.download_to(dataset, key, target)
    target.write_bytes(b"old and of another length")
    store.download_to(dataset, key, target)
    assert target.read_bytes() == b"new" * 30
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_a_download_that_cannot_be_written_names_the_place(store: DatasetStore, key: Key, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFailed, match="file"):
        store.download_to(put(store, key, b"x"), key, tmp_path / "file" / "plain")


def test_a_source_that_fails_is_named_and_leaves_no_dataset(store: DatasetStore, key: Key) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "planted value")

    with pytest.raises(InputUnreadable, match=r"users\.csv") as caught:
        store.upload(Broken(), key, "users.csv")  # type: ignore[arg-type]
    assert "planted" not in str(caught.value)
    assert store.list_hashes() == []


def test_senseless_calls_are_refused(store: DatasetStore, key: Key) -> None:
    with pytest.raises(UsageError, match="upload id"):
        store.upload(io.BytesIO(), key, "n", upload_id="../x")
    with pytest.raises(UsageError, match="chunk size"):
        store.upload(io.BytesIO(), key, "n", chunk_size=0)


def test_progress_adds_up(store: DatasetStore, key: Key) -> None:
    seen: list[int] = []
    put(store, key, b"x" * 70, progress=seen.append)
    assert seen == [16, 16, 16, 16, 6]


def test_memory_does_not_grow_with_the_file(store: DatasetStore, key: Key) -> None:
    mebi = 1024**2
    tracemalloc.start()
    try:
        dataset = store.upload(Zeros(64 * mebi), key, "n", chunk_size=mebi, parallel=2)  # type: ignore[arg-type]
        uploading = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        with store.open(dataset, key) as reader:
            room = bytearray(mebi)
            total = 0
            while count := reader.readinto(room):
                total += count
        reading = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 64 * mebi
    assert uploading < 10 * mebi and reading < 10 * mebi, (uploading / mebi, reading / mebi)


def test_other_file_systems_write_under_another_name_and_move(key: Key) -> None:
    import fsspec
    from fsspec.implementations.memory import MemoryFileSystem

    class Plain(MemoryFileSystem):
        protocol = "plainmem"

    fsspec.register_implementation("plainmem", Plain, clobber=True)
    store = DatasetStore("plainmem://there")
    dataset = put(store, key, b"x" * 40)
    assert store.open(dataset, key).read() == b"x" * 40
    assert not [path for path in Plain.store if path.endswith(".part") and "/there" in path]
    store.delete(dataset)
    assert not [path for path in Plain.store if "/there" in path]


def test_sweeping_removes_only_old_uploads_that_never_became_a_dataset(
    store: DatasetStore, root: Path, key: Key
) -> None:
    dataset = put(store, key, b"x" * 40)
    old, fresh = new_upload_id(), new_upload_id()
    long_ago = datetime.now().timestamp() - 3 * 86400
    for upload in (old, fresh):
        (root / "uploads" / upload).mkdir()
        (root / "uploads" / upload / f"00000000-{'a' * 64}").write_bytes(b"x")
    torn = root / "datasets" / f".{UNKNOWN}.abc.part"
    torn.write_bytes(b"{")
    for path in [*root.rglob("*")]:
        if fresh not in str(path):
            os.utime(path, (long_ago, long_ago))
    assert store.sweep() == [old]
    assert not (root / "uploads" / old).exists() and (root / "uploads" / fresh).exists() and not torn.exists()
    assert store.open(dataset, key).read() == b"x" * 40
    assert store.sweep(timedelta(days=-1)) == [fresh]


def test_nothing_is_swept_while_a_manifest_is_damaged(store: DatasetStore, root: Path, key: Key) -> None:
    dataset = put(store, key, b"x" * 40)
    (root / "datasets" / dataset).write_bytes(b"{}")
    with pytest.raises(ManifestDamaged):
        store.sweep(timedelta(days=-1))
    assert len(list(root.glob("uploads/*/0*"))) == 3
    store.delete(dataset)
    assert len(store.sweep(timedelta(days=-1))) == 1


def test_importing_the_store_loads_no_cloud_driver() -> None:
    code = (
        "import sys, datalab.storage; datalab.storage.DatasetStore('memory://x'); "
        "print([m for m in ('s3fs', 'botocore', 'moto', 'duckdb', 'pandas', 'dagster') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
