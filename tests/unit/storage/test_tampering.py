"""Whatever is changed in the store is noticed, and the damaged chunk is named."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from datalab.storage import DatasetStore, Key
from datalab.storage.chunks import ChunkCipher, summary
from datalab.storage.errors import ChunkDamaged, DatasetNotFound, KeyMismatch, ManifestDamaged
from datalab.storage.manifest import Labels, Manifest, hash_of

CHUNK = 16
DATA = bytes(range(40))


@pytest.fixture
def dataset(store: DatasetStore, key: Key) -> str:
    return put(store, key, DATA)


def put(store: DatasetStore, key: Key, data: bytes) -> str:
    return store.upload(io.BytesIO(data), key, "users.csv", chunk_size=CHUNK)


def chunks_of(root: Path, dataset: str) -> list[Path]:
    manifest = json.loads((root / "datasets" / dataset).read_bytes())
    return sorted((root / "uploads" / manifest["upload"]).glob("0*"))


def fails(store: DatasetStore, dataset: str, key: Key, target: Path) -> ChunkDamaged:
    """Read in every way; each must end in the same complaint, and no file may be left."""
    with pytest.raises(ChunkDamaged) as reading, store.open(dataset, key) as reader:
        reader.read()
    with pytest.raises(ChunkDamaged) as downloading:
        store.download_to(dataset, key, target)
    assert not target.exists() and list(target.parent.glob(".*.part")) == []
    assert str(reading.value) == str(downloading.value)
    return reading.value


def test_every_changed_byte_of_every_chunk_is_noticed(
    store: DatasetStore, root: Path, key: Key, dataset: str, tmp_path: Path
) -> None:
    for number, path in enumerate(chunks_of(root, dataset)):
        whole = path.read_bytes()
        for position in range(len(whole)):
            changed = bytearray(whole)
            changed[position] ^= 1
            path.write_bytes(changed)
            with pytest.raises(ChunkDamaged, match="was changed") as caught, store.open(dataset, key) as reader:
                reader.read()
            assert caught.value.number == number
        path.write_bytes(whole)
    assert store.open(dataset, key).read() == DATA


def test_every_changed_byte_of_the_manifest_is_noticed(store: DatasetStore, root: Path, key: Key, dataset: str) -> None:
    path = root / "datasets" / dataset
    whole = path.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ManifestDamaged):
            store.describe(dataset)
        with pytest.raises(ManifestDamaged):
            store.open(dataset, key)


def _cut(paths: list[Path]) -> None:
    paths[1].write_bytes(paths[1].read_bytes()[:-1])


def _lengthen(paths: list[Path]) -> None:
    paths[1].write_bytes(paths[1].read_bytes() + b"\0")


def _empty(paths: list[Path]) -> None:
    paths[1].write_bytes(b"")


def _remove(paths: list[Path]) -> None:
    paths[1].unlink()


def _swap(paths: list[Path]) -> None:
    one, other = paths[1].read_bytes(), paths[0].read_bytes()
    paths[1].write_bytes(other)
    paths[0].write_bytes(one)


@pytest.mark.parametrize(
    ("damage", "number", "words"),
    [
        (_cut, 1, "has 43 bytes instead of 44"),
        (_lengthen, 1, "has 45 bytes instead of 44"),
        (_empty, 1, "has 0 bytes"),
        (_remove, 1, "is missing"),
        (_swap, 0, "was changed"),
    ],
)
def test_damage_is_named(
    store: DatasetStore,
    root: Path,
    key: Key,
    dataset: str,
    tmp_path: Path,
    damage: Callable[[list[Path]], None],
    number: int,
    words: str,
) -> None:
    damage(chunks_of(root, dataset))
    error = fails(store, dataset, key, tmp_path / "plain")
    assert error.number == number and words in str(error) and "of 3" in str(error)


def test_chunks_before_the_damaged_one_can_still_be_read(
    store: DatasetStore, root: Path, key: Key, dataset: str
) -> None:
    _remove(chunks_of(root, dataset))
    with store.open(dataset, key) as reader:
        assert reader.read(CHUNK) == DATA[:CHUNK]
        with pytest.raises(ChunkDamaged):
            reader.read(1)
        reader.seek(2 * CHUNK)
        assert reader.read(8) == DATA[2 * CHUNK :]


def test_a_chunk_of_another_dataset_with_the_same_key_is_noticed(
    store: DatasetStore, root: Path, key: Key, dataset: str, tmp_path: Path
) -> None:
    shutil.copy(chunks_of(root, put(store, key, DATA))[1], chunks_of(root, dataset)[1])
    assert fails(store, dataset, key, tmp_path / "plain").number == 1


def test_the_empty_dataset_is_verified_too(store: DatasetStore, root: Path, key: Key) -> None:
    dataset = put(store, key, b"")
    (path,) = chunks_of(root, dataset)
    path.write_bytes(path.read_bytes()[:-1] + b"\0\0"[:1])
    changed = bytearray(path.read_bytes())
    changed[20] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ChunkDamaged):
        store.open(dataset, key).read()


def test_a_manifest_of_another_dataset_is_noticed(store: DatasetStore, root: Path, key: Key, dataset: str) -> None:
    shutil.copy(root / "datasets" / put(store, key, DATA), root / "datasets" / dataset)
    with pytest.raises(ManifestDamaged):
        store.open(dataset, key)


def test_a_dataset_deleted_while_it_is_read_is_not_called_damaged(
    store: DatasetStore, key: Key, dataset: str, tmp_path: Path
) -> None:
    with store.open(dataset, key) as reader:
        store.delete(dataset)
        with pytest.raises(DatasetNotFound):
            reader.read()


# An attacker without the key, who can write to the store, creates another manifest with a matching hash.


def forged(root: Path, dataset: str, **changes: object) -> str:
    fields = json.loads((root / "datasets" / dataset).read_bytes()) | changes
    data = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    (root / "datasets" / hash_of(data)).write_bytes(data)
    return hash_of(data)


def test_a_forged_manifest_is_refused_whatever_it_changes(
    store: DatasetStore, root: Path, key: Key, dataset: str
) -> None:
    fields = json.loads((root / "datasets" / dataset).read_bytes())
    chunks = fields["chunks"]
    for changes in (
        {"chunks": chunks[:2], "size": 32},
        {"chunks": [chunks[1], chunks[0], chunks[2]]},
        {"chunks": [*chunks, chunks[2]], "size": 48},
        {"size": 39},
        {"chunkSize": 17},
        {"created": "2020-01-01T00:00:00Z"},
        {"sealed": ""},
        {"sealed": "?"},
    ):
        with pytest.raises(KeyMismatch):
            store.open(forged(root, dataset, **changes), key)
    for changes in ({"version": 2}, {"format": "x"}, {"chunks": []}, {"upload": "../x"}, {"more": 1}, {"size": -1}):
        with pytest.raises(ManifestDamaged, match="form"):
            store.open(forged(root, dataset, **changes), key)


# Even with the key, chunks cannot be combined differently from how they were uploaded.


def resealed(root: Path, dataset: str, key: Key, **changes: object) -> str:
    manifest = Manifest.model_validate_json((root / "datasets" / dataset).read_bytes())
    manifest = Manifest.model_validate(manifest.model_dump() | changes | {"sealed": ""})
    data = manifest.sealed_with(key, Labels(name="x")).to_bytes()
    (root / "datasets" / hash_of(data)).write_bytes(data)
    return hash_of(data)


@pytest.mark.parametrize(
    ("kept", "size", "number"), [([0, 1], 32, 1), ([0], 16, 0), ([1, 0, 2], 40, 0), ([0, 0, 2], 40, 1)]
)
def test_the_cipher_itself_binds_order_and_end(
    store: DatasetStore, root: Path, key: Key, dataset: str, kept: list[int], size: int, number: int
) -> None:
    chunks = Manifest.model_validate_json((root / "datasets" / dataset).read_bytes()).chunks
    paths = chunks_of(root, dataset)
    for position, which in enumerate(kept):
        moved = paths[which].parent / f"{position:08d}-{chunks[which].sha256}"
        if not moved.exists():
            shutil.copy(paths[which], moved)
    other = resealed(root, dataset, key, chunks=[chunks[which] for which in kept], size=size)
    with pytest.raises(ChunkDamaged, match="another place") as caught:
        store.open(other, key).read()
    assert caught.value.number == number


@pytest.mark.parametrize("changes", [{"size": 39}, {"size": 41}, {"chunk_size": 15}, {"size": 1000}])
def test_a_layout_that_does_not_add_up_is_refused(
    store: DatasetStore, root: Path, key: Key, dataset: str, changes: dict[str, object]
) -> None:
    with pytest.raises(ChunkDamaged):
        store.open(resealed(root, dataset, key, **changes), key)


def test_a_chunk_is_bound_to_everything(key: Key) -> None:
    upload, other = "0" * 32, "1" * 32
    sealed = bytes(ChunkCipher(key, upload, CHUNK).encrypt(b"x" * 16, 3, last=True))
    assert summary(sealed).size == 44
    assert ChunkCipher(key, upload, CHUNK).decrypt(sealed, 3, last=True) == b"x" * 16
    assert ChunkCipher(key, upload, CHUNK).decrypt(sealed, 3, last=False) is None
    assert ChunkCipher(key, upload, CHUNK).decrypt(sealed, 4, last=True) is None
    assert ChunkCipher(key, upload, CHUNK + 1).decrypt(sealed, 3, last=True) is None
    assert ChunkCipher(key, other, CHUNK).decrypt(sealed, 3, last=True) is None
    assert ChunkCipher(Key(), upload, CHUNK).decrypt(sealed, 3, last=True) is None
    assert ChunkCipher(key, upload, CHUNK).decrypt(sealed[:27], 3, last=True) is None
