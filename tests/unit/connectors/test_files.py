"""Every connector of files: listed, read in one version, written whole or not at all; a directory, memory and S3."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from datalab.connectors import (
    Connector,
    ConnectorFailed,
    ConnectorNotInstalled,
    ConnectorUnknown,
    Entry,
    EntryChanged,
    EntryExists,
    connector_for,
)


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[str, dict[str, Any]]]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint_url": f"http://{host}:{port}", "key": "key", "secret": "geheim"}
    fsspec.filesystem("s3", **options).mkdir("connectors")
    yield "s3://connectors", options
    server.stop()


@pytest.fixture(params=["directory", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """A folder of its own, and the options that it needs."""
    if request.param == "directory":
        return str(tmp_path), {}
    if request.param == "memory":
        return f"memory://{tmp_path.name}", {}
    url, options = request.getfixturevalue("bucket")
    return f"{url}/{tmp_path.name}", options


@pytest.fixture
def connector(place: tuple[str, dict[str, Any]]) -> Connector[Any]:
    return connector_for(*place)


@pytest.fixture
def root(place: tuple[str, dict[str, Any]]) -> str:
    return place[0]


def put(place: tuple[str, dict[str, Any]], name: str, content: bytes) -> None:
    files, path = fsspec.core.url_to_fs(f"{place[0]}/{name}", **place[1])
    files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    files.pipe(path, content)


def test_complete_files_are_listed_and_read(place: tuple[str, dict[str, Any]], connector: Connector[Any]) -> None:
    for name in ("b.csv", "a [1]#%.csv", "empty.csv", "c.csv.part", "d.csv~", "other.txt"):
        put(place, name, b"" if name == "empty.csv" else name.encode() * 1000)
    listed = list(connector.list(f"{place[0]}/*.csv*"))
    assert [entry.name for entry in listed] == ["a [1]#%.csv", "b.csv", "empty.csv"]
    for entry in listed:
        content = b"" if entry.name == "empty.csv" else entry.name.encode() * 1000
        assert entry.size == len(content)
        assert connector.find(entry.url) == entry
        with connector.open(entry) as source:
            assert source.read() == content
    assert connector.find(f"{place[0]}/missing.csv") is None


def test_another_version_is_another_fingerprint_and_is_not_read(
    place: tuple[str, dict[str, Any]], connector: Connector[Any]
) -> None:
    put(place, "a.csv", b"one")
    (entry,) = connector.list(f"{place[0]}/*.csv")
    put(place, "a.csv", b"another")
    with pytest.raises(EntryChanged), connector.open(entry):
        pass
    (now,) = connector.list(f"{place[0]}/*.csv")
    assert now.url == entry.url and now.fingerprint != entry.fingerprint


def test_a_file_that_changes_while_it_is_read_is_noticed_at_its_end(
    place: tuple[str, dict[str, Any]], connector: Connector[Any]
) -> None:
    put(place, "a.csv", b"1" * 5_000_000)
    (entry,) = connector.list(f"{place[0]}/*.csv")
    with pytest.raises(EntryChanged), connector.open(entry) as source:
        assert source.read(10) == b"1" * 10
        put(place, "a.csv", b"2" * 5_000_001)
        while source.read(1 << 20):
            pass


def test_what_is_written_is_there_whole(connector: Connector[Any], root: str) -> None:
    entry = connector.write(f"{root}/out.csv", [b"u1,", b"s1\n"])
    assert entry.size == 6 and connector.find(f"{root}/out.csv") == entry
    with connector.open(entry) as source:
        assert source.read() == b"u1,s1\n"
    with pytest.raises(EntryExists, match=r"out\.csv already exists"):
        connector.write(f"{root}/out.csv", [b"x"])
    assert connector.find(entry.url) == entry


@pytest.mark.parametrize("size", [3, 12_000_000])
def test_what_is_interrupted_is_not_there(connector: Connector[Any], root: str, size: int) -> None:
    def content() -> Iterator[bytes]:
        yield b"x" * size
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connector.write(f"{root}/out.csv", content())
    assert connector.find(f"{root}/out.csv") is None
    assert list(connector.list(f"{root}/*")) == []


@pytest.mark.parametrize("name", ["a::b.csv", "50% # [x] 'y' \"z\".csv", "a b?.csv"])
def test_a_listed_file_may_have_any_name(place: tuple[str, dict[str, Any]], name: str) -> None:
    files, path = fsspec.core.url_to_fs(place[0], **place[1])
    files.makedirs(path, exist_ok=True)
    files.pipe(f"{path}/{name}", b"u1,s1\n")
    connector, pattern = connector_for(*place), f"{place[0]}/*.csv"
    (entry,) = connector.list(pattern)
    assert entry.name == name
    connector.probe(pattern, entry)
    with connector.open_listed(pattern, entry) as source:
        assert source.read() == b"u1,s1\n"
    files.pipe(f"{path}/{name}", b"u1,s1\nu2,s2\n")
    with pytest.raises(EntryChanged), connector.open_listed(pattern, entry):
        pass


@pytest.mark.parametrize("name", ["a::b.csv", "memory::a.csv", "a::file"])
def test_a_name_with_two_colons_is_an_address_too(connector: Connector[Any], root: str, name: str) -> None:
    written = connector.write(f"{root}/{name}", [b"u1,s1\n"])
    found = connector.find(f"{root}/{name}")
    assert found is not None and found == written and connector.find(f"{root}/b.csv") is None
    with connector.open(found) as source:
        assert source.read() == b"u1,s1\n"
    if not root.startswith("memory:"):  # where it has another place than files without it
        assert [entry.url for entry in connector.list(f"{root}/*::*")] == [found.url]


def test_a_chain_is_read_by_the_driver_of_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("users.csv", b"u1,s1\n")
    url = f"zip://users.csv::file://{tmp_path}/a.zip"
    connector = connector_for(url)
    found = connector.find(url)
    assert found is not None and found.name == "users.csv"


def test_folders_in_which_a_program_writes_are_not_listed(place: tuple[str, dict[str, Any]]) -> None:
    for name in ("1/a.csv", "_temporary/a.csv", ".work/a.csv", "_new/a.csv"):
        put(place, name, b"u1,s1\n")
    listed = connector_for(*place).list(f"{place[0]}/*/*.csv")
    assert [entry.url.rsplit("/", 2)[1] for entry in listed] == ["1", "_new"]


def test_the_fingerprint_is_the_one_of_former_versions(tmp_path: Path) -> None:
    """A home that took files before does not take them again."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"u1,s1\n")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    (found,) = connector_for(str(file)).list(str(file))
    assert Entry("file:///drop/a.csv", found.size, found.version, None).fingerprint == "0eabe0ff936f00b4"


def test_what_cannot_be_reached_is_named_without_its_keys(tmp_path: Path) -> None:
    with pytest.raises(ConnectorUnknown, match=r"no connector for addresses that begin with 'nonsense://'"):
        list(connector_for("nonsense://x/*.csv").list("nonsense://x/*.csv"))
    with pytest.raises(ConnectorUnknown, match="did you mean 'sftp'"):
        list(connector_for("sftpp://x/*.csv").list("sftpp://x/*.csv"))
    with pytest.raises(ConnectorNotInstalled, match="needs a package that is not installed"):
        list(connector_for("gs://x/*.csv").list("gs://x/*.csv"))
    options = {
        "endpoint_url": "http://127.0.0.1:9",
        "key": "k",
        "secret": "geheim",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    with pytest.raises(ConnectorFailed) as failure:
        list(connector_for("s3://drop/*.csv", options).list("s3://drop/*.csv"))
    assert "geheim" not in str(failure.value) and failure.value.__cause__ is None
