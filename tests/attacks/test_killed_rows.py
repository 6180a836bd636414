"""Kill anything with -9: no row stays on the disk in plain text, and what was made is removed at the next start."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from datalab.registry import EmbeddedPostgres
from datalab.sample import write_sample
from datalab.scratch import sweep
from tests.changing_files import every_content, every_path
from tests.commands import environment
from tests.living.world import World, eventually, gone
from tests.up.processes import marked

pytestmark = pytest.mark.attack

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs descriptors as files")
USERS = 20_000
PREFLIGHT = """if True:
    import sys
    from pathlib import Path
    from datalab_dagster.data_lab import preflight
    files = Path(sys.argv[1])
    kinds = ("identifiers", "segments", "demographics", "embeddings")
    preflight(files / "LAB.json", *(files / f"{kind}.csv" for kind in kinds))
"""


def user_ids(files: Path) -> list[bytes]:
    """Ids of users from all parts of a file."""
    lines = (files / "segments.csv").read_bytes().splitlines()
    return [line.partition(b",")[0] for line in lines[:: len(lines) // 50]]


def found_in(place: Path, needles: list[bytes]) -> list[Path]:
    return [path for path, content in every_content(place) if any(needle in content for needle in needles)]


def scratch_of(place: Path) -> list[Path]:
    return list(place.glob(".datalab-scratch-*"))


@linux
@pytest.mark.parametrize("name", ["valid.parquet", "validation-report.json"])
def test_a_killed_preflight(tmp_path: Path, name: str) -> None:
    """In the temporary directory of the SDK: while rows are written, and when a report is there."""
    files, temporary = tmp_path / "files", tmp_path / "temporary"
    temporary.mkdir()
    write_sample(files, users=USERS, seed=5)
    process = subprocess.Popen(
        [sys.executable, "-c", PREFLIGHT, str(files)], env=environment(TMPDIR=str(temporary)), stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 120
        while not any(path.name == name and path.is_symlink() for path in every_path(temporary)):
            assert process.poll() is None and time.monotonic() < until
        process.send_signal(signal.SIGSTOP)
        assert found_in(temporary, user_ids(files)) == []
    finally:
        process.kill()
        process.wait()
    assert scratch_of(temporary)
    sweep(temporary)
    assert scratch_of(temporary) == []


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(users=4_000)
    world.environment["TMPDIR"] = str(tmp_path)
    try:
        world.start()
        yield world
    finally:
        world.end()


@linux
@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_runs_and_a_killed_deployment(world: World, tmp_path: Path) -> None:
    needles = user_ids(world.files)
    home = world.data_home
    killed = 0
    for moment in range(20):
        lab = world.new_lab()
        process = world.process_of(world.running_run(lab))
        time.sleep(moment * 0.2)
        if process.is_running():
            os.kill(process.pid, signal.SIGKILL)
            assert gone(process)
            killed += 1
        assert found_in(home, needles) == [] and found_in(tmp_path, needles) == []
        world.service.delete_lab(lab.id)
    assert killed >= 10
    lab = world.new_lab()
    world.running_run(lab, "validate_identifiers")
    world.kill_up()
    server = EmbeddedPostgres(home)
    everything = [psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))]
    everything += [process for one in everything for process in one.children(recursive=True)]
    everything += marked(str(home), "DATALAB_HOME")
    for process in everything:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert all(gone(process) for process in everything)
    assert found_in(home, needles) == [] and found_in(tmp_path, needles) == []
    world.start()
    assert eventually(lambda: not scratch_of(tmp_path) and not scratch_of(home / "scratch"), 10)
