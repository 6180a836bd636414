"""The store on S3: the same behaviour, against moto's server over real HTTP."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from datalab.storage import DatasetStore, Key, new_upload_id
from datalab.storage.errors import ChunkDamaged, DatasetNotFound, StoreUnreachable, UploadInterrupted
from datalab.storage.objects import Objects

CHUNK = 1000
DATA = os.urandom(4500)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def options(server: str) -> dict[str, object]:
    return {
        "endpoint_url": server,
        "key": "unknown",
        "secret": "planted-secret",
        "client_kwargs": {"region_name": "eu-west-1"},
        "config_kwargs": {"retries": {"max_attempts": 1}},
    }


@pytest.fixture
def bucket(options: dict[str, object]) -> str:
    import s3fs

    name = f"bucket-{new_upload_id()}"
    s3fs.S3FileSystem(**options).mkdir(name)
    return name


@pytest.fixture
def remote(bucket: str, options: dict[str, object]) -> DatasetStore:
    return DatasetStore(f"s3://{bucket}/some/prefix", options)


def put(store: DatasetStore, key: Key, **more: object) -> str:
    return store.upload(io.BytesIO(DATA), key, "n", chunk_size=CHUNK, **more)  # type: ignore[arg-type]


def paths(bucket: str, options: dict[str, object]) -> list[str]:
    import s3fs

    files = s3fs.S3FileSystem(**options, use_listings_cache=False, skip_instance_cache=True)
    return [str(path) for path in files.find(bucket)]


def test_the_whole_life_of_a_dataset(
    remote: DatasetStore, bucket: str, options: dict[str, object], key: Key, tmp_path: Path
) -> None:
    assert remote.list_hashes() == [] and remote.sweep() == []
    dataset, empty = put(remote, key), remote.upload(io.BytesIO(), key, "empty")
    assert remote.list_hashes() == sorted([dataset, empty])
    assert remote.exists(dataset) and not remote.exists("0" * 64)
    assert remote.describe(dataset, key).name == "n" and remote.describe(dataset).chunks == 5
    with remote.open(dataset, key) as reader:
        reader.seek(1990)
        assert reader.read(20) == DATA[1990:2000]
        assert reader.read(20) == DATA[2000:2020]
    remote.download_to(dataset, key, tmp_path / "plain")
    assert (tmp_path / "plain").read_bytes() == DATA
    assert remote.open(empty, key).read() == b""
    # Another process sees the same at once.
    assert DatasetStore(f"s3://{bucket}/some/prefix", options).list_hashes() == sorted([dataset, empty])
    remote.delete(empty)
    assert remote.sweep(timedelta(days=-1)) == []
    remote.delete(dataset)
    with pytest.raises(DatasetNotFound):
        remote.open(dataset, key)
    assert paths(bucket, options) == []


def test_a_changed_object_is_named(remote: DatasetStore, bucket: str, options: dict[str, object], key: Key) -> None:
    import s3fs

    dataset = put(remote, key)
    (path,) = (path for path in paths(bucket, options) if "/00000003-" in path)
    files = s3fs.S3FileSystem(**options)
    files.pipe_file(path, files.cat_file(path)[:-1] + b"?")
    with pytest.raises(ChunkDamaged) as caught:
        remote.open(dataset, key).read()
    assert caught.value.number == 3


def test_an_interrupted_upload_goes_on_and_a_stale_one_is_swept(
    remote: DatasetStore, bucket: str, options: dict[str, object], key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sent = Objects.put, []

    def put_three(objects: Objects, path: str, data: bytes | bytearray) -> None:
        if len(sent) == 4:
            raise StoreUnreachable(objects.where, "out of order")
        real(objects, path, data)
        sent.append(path)

    upload_id = new_upload_id()
    monkeypatch.setattr(Objects, "put", put_three)
    with pytest.raises(UploadInterrupted):
        put(remote, key, upload_id=upload_id, parallel=1)
    sent[:] = [""] * -100
    assert sum("/0000" in path for path in paths(bucket, options)) == 3

    sent.clear()
    monkeypatch.setattr(Objects, "put", lambda objects, path, data: (sent.append(path), real(objects, path, data))[1])
    dataset = put(remote, key, upload_id=upload_id, parallel=1)
    assert sum("/0000" in path for path in sent) == 2
    assert remote.open(dataset, key).read() == DATA

    stale = new_upload_id()
    remote._objects.put(f"uploads/{stale}/00000000-{'a' * 64}", b"x")
    assert remote.sweep() == []
    assert remote.sweep(timedelta(days=-1)) == [stale]
    assert not [path for path in paths(bucket, options) if stale in path]
    assert remote.open(dataset, key).read() == DATA


def test_a_place_that_does_not_answer_is_named_without_its_secret(options: dict[str, object], key: Key) -> None:
    for wrong in (
        DatasetStore("s3://no-such-bucket/x", options),
        DatasetStore("s3://bucket/x", options | {"endpoint_url": "http://127.0.0.1:9"}),
    ):
        with pytest.raises(UploadInterrupted) as caught:
            put(wrong, key)
        assert "planted" not in str(caught.value)
    with pytest.raises(StoreUnreachable, match="s3://bucket/x") as unreachable:
        wrong.list_hashes()
    assert "planted" not in str(unreachable.value)


def test_an_unknown_kind_of_place_is_named_without_its_password() -> None:
    with pytest.raises(StoreUnreachable, match="nonsense://host/x") as caught:
        DatasetStore("nonsense://user:planted@host/x")
    assert "planted" not in str(caught.value)
