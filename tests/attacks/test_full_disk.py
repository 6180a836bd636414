"""A full disk under a run, a log, the store or the record of `up`: what is said, and nothing half-written counts."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest

from datalab.engines import open_engine
from datalab.errors import OutputFailed
from datalab.home.logs import open_log, rotate
from datalab.home.up import HomeUnusable, UpRecord
from datalab.registry import LabState, RunState
from datalab.storage import DatasetStore, Key
from datalab.storage.errors import StoreUnreachable, UploadInterrupted
from datalab.validation.key_spool import KeySpool
from datalab_dagster.service import LabInfo
from datalab_dagster.service.http_errors import body_of, error_from
from datalab_dagster.up import lab as up_module
from datalab_dagster.up import supervisor as supervisor_module
from datalab_dagster.up.database import WatchedDatabase
from datalab_dagster.up.plan import Addresses
from datalab_dagster.up.supervisor import Supervisor
from tests.commands import COMMAND
from tests.living.conftest import FILES, Living, living
from tests.living.world import World, eventually
from tests.unit.registry.conftest import server, url
from tests.up.processes import free_port

__all__ = ["living", "server", "url"]

pytestmark = pytest.mark.attack

needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_file(path: Path) -> Path:
    """Make a file that takes no byte."""
    path.symlink_to("/dev/full")
    return path


# ---------------------------------------------------------------------------------------------------------- runs


@needs_dev_full
def test_keys_that_do_not_fit_on_the_disk_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datalab.validation.key_spool._BUFFERED_ROWS", 1_000)
    monkeypatch.setattr("datalab.validation.key_spool.new_file", full_file)
    with pytest.raises(OSError, match="No space left"):
        KeySpool(tmp_path).add(np.arange(100_000, dtype=np.uint64), np.arange(100_000))


@needs_dev_full
def test_an_engine_that_cannot_write_says_which_directory_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalab.engines.duckdb.engine.new_file", full_file)
    with open_engine(temp_directory=tmp_path) as engine:
        engine.register_arrow("users", pa.table({"id": pa.array(range(1_000_000))}))
        with pytest.raises(OutputFailed, match="No space left on device") as failed:
            engine.write_parquet(tmp_path / "users.parquet", "SELECT id FROM users", panel="users")
    assert str(tmp_path) in str(failed.value) and "free disk space" in str(failed.value)


def test_an_engine_that_cannot_spill_says_which_directory_is_full(tmp_path: Path) -> None:
    with open_engine(memory_limit="60MB", temp_directory=tmp_path) as engine:
        engine.query("SET max_temp_directory_size = '1MB'", panel="limit")
        with pytest.raises(OutputFailed, match="No space left on device"):
            engine.create_table("big", "SELECT range AS id, random() AS x FROM range(20000000)", panel="big")


def test_a_run_that_cannot_even_make_its_directory_has_failed_and_says_why(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    with monkeypatch.context() as patched:
        patched.setattr("datalab.scratch._owned_directory", full)
        assert not living.execute(request, raise_on_error=False).success
    explained = living.deployment.registry.labs.state(lab.id)
    assert explained.state is LabState.FAILED, explained
    assert "No space left on device" in explained.reason and str(living.deployment.scratch) in explained.reason
    assert "start it again" in explained.next_step
    again = dg.RunRequest(
        partition_key=request.partition_key, asset_selection=request.asset_selection, tags=request.tags
    )
    assert living.execute(again).success and living.state(lab) is LabState.READY
    assert [run.state for run in living.deployment.registry.runs.history(lab.id)] == [
        RunState.FINISHED,
        RunState.FAILED,
    ]


# ---------------------------------------------------------------------------------------------------------- logs


def test_a_log_that_has_no_room_to_be_rotated_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, older = tmp_path / "x.log", tmp_path / "x.log.1"
    log.write_bytes(b"now" * 10)
    older.write_bytes(b"before")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", full)
        assert not rotate(log, largest=9)
    assert log.read_bytes() == b"now" * 10 and older.read_bytes() == b"before"
    assert sorted(tmp_path.iterdir()) == [log, older]
    assert rotate(log, largest=9)
    assert log.read_bytes() == b"" and older.read_bytes() == b"now" * 10


def test_a_log_that_cannot_be_made_stops_no_process(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no directory")
    descriptor = open_log(tmp_path / "logs" / "x.log")
    assert os.write(descriptor, b"dropped") == 7
    os.close(descriptor)


def test_a_record_that_cannot_be_written_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    record, real = UpRecord(1, "http://127.0.0.1:3000", None), supervisor_module.write_record
    database = WatchedDatabase(None, lambda: True, said.append)
    supervisor = Supervisor(tmp_path, [], {}, record, database, said.append)
    monkeypatch.setattr(supervisor_module, "write_record", full)
    for _ in range(2):
        supervisor._write_record()
    assert len(said) == 1 and "No space left on device" in said[0] and str(tmp_path) in said[0]
    monkeypatch.setattr(supervisor_module, "write_record", real)
    assert not supervisor._is_recorded
    supervisor._write_record()
    assert supervisor._is_recorded and (tmp_path / "up.json").exists()
    supervisor._close()


def test_an_up_that_cannot_write_its_record_says_what_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up_module, "write_record", full)
    addresses = Addresses("127.0.0.1", free_port(), None)
    with pytest.raises(HomeUnusable, match="No space left on device") as refused:
        up_module.up(addresses, lambda _: None, lambda *_: None, {"DATALAB_HOME": str(tmp_path)})
    assert str(tmp_path) in str(refused.value) and "free space" in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["up.lock"]


# -------------------------------------------------------------------------------------------------------- uploads


class Pipe(io.RawIOBase):
    """A source that can be read only once."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)

    def seekable(self) -> bool:
        return False


def test_a_full_store_names_its_directory_and_the_same_call_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, key = DatasetStore(tmp_path / "store"), Key()
    with monkeypatch.context() as patched:
        patched.setattr("datalab.storage.objects.write_durably", full)
        with pytest.raises(UploadInterrupted) as stopped:
            store.upload(io.BytesIO(b"u1\n"), key, "ids.csv")
        with pytest.raises(UploadInterrupted) as pipe_stopped:
            store.upload(cast("BinaryIO", Pipe(b"u1\n")), key, "ids.csv")
    assert f"(No space left on device, {tmp_path / 'store'})" in str(stopped.value)
    assert "upload the same file under the same name again" in str(stopped.value)
    assert "upload it again from its start" in str(pipe_stopped.value)
    assert "upload id" not in f"{stopped.value}{pipe_stopped.value}", "no command takes one"


def test_why_a_store_cannot_be_used_reaches_the_client() -> None:
    error = error_from(body_of(StoreUnreachable("/store", "No space left on device")), 503)
    assert isinstance(error, StoreUnreachable) and error.reason == "No space left on device"


# ------------------------------------------------------------------------------------------------- a real small disk


def mount(place: Path, size: str) -> None:
    """Mount an empty disk of this size at a directory of the home, or change the size of the one that is there."""
    option = f"remount,size={size}" if place.is_mount() else f"size={size},mode=0700"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    words = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("may not mount a file system here")


@pytest.fixture
def disks() -> Iterator[World]:
    """A deployment whose scratch, results, store and logs are disks of their own."""
    world = World(users=2_000)
    places = {name: world.data_home / name for name in ("scratch", "labs", "store", "logs")}
    try:
        for place in places.values():
            mount(place, "100m")
        world.start()
        yield world
    finally:
        for place in places.values():
            subprocess.run(["umount", "--lazy", str(place)], capture_output=True)
        world.end()


def fill(place: Path) -> Path:
    ballast = place / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


def ended_as(world: World, lab: LabInfo, *states: RunState) -> bool:
    return tuple(run.state for run in world.service.runs(lab.id)) == states


@pytest.mark.long
@pytest.mark.timeout(600)
def test_on_a_real_full_disk(disks: World) -> None:
    world, home = disks, disks.data_home
    hashes = {kind: world.upload(kind) for kind in world.definition.datasets}
    lab = world.service.create_lab(world.definition)
    world.service.change(lab.id, hashes)
    assert world.becomes(lab, LabState.READY), world.told(lab)

    for name in ("scratch", "labs"):
        ballast = fill(home / name)
        lab = world.service.create_lab(world.definition)
        world.service.change(lab.id, hashes)
        assert world.becomes(lab, LabState.FAILED), world.told(lab)
        state = world.service.lab(lab.id).state
        assert f"{home / name}" in state.reason and "No space left on device" in state.reason, state
        assert "Remove the cause, then start it again" in state.next_step
        assert world.service.results(lab.id) == []
        ballast.unlink()
        assert eventually(lambda: world.scratch() == []), "nothing is left of the run"
        world.service.validate(lab.id)
        assert world.becomes(lab, LabState.READY), world.told(lab)
        assert eventually(partial(ended_as, world, lab, RunState.FINISHED, RunState.FAILED)), world.told(lab)

    ballast = fill(home / "store")
    file = world.files / "large.csv"
    file.write_bytes(b"u1\n" * 1_000_000)
    words = [COMMAND, "dataset", "upload", str(file)]
    stopped = subprocess.run(words, env=world.environment, capture_output=True, text=True)
    assert stopped.returncode == 3 and "No space left on device" in stopped.stderr, stopped
    assert str(home / "store") in stopped.stderr and "upload the same file under the same name again" in stopped.stderr
    ballast.unlink()
    subprocess.run(words, env=world.environment, check=True, capture_output=True)

    ballast = fill(home / "logs")
    for name in ("code-server", "dagster-daemon"):
        world.child(name).kill()
    lab = world.service.create_lab(world.definition)
    world.service.change(lab.id, hashes)
    assert world.becomes(lab, LabState.READY), world.told(lab)
    ballast.unlink()
