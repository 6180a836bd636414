"""`datalab down` stops the database under a home, unless others need it; PostgreSQL itself is not started here."""

from __future__ import annotations

from pathlib import Path

import pytest

from datalab.home.up import UpIsRunning, UpRecord
from datalab.registry import EmbeddedPostgres
from datalab_dagster.up import database, down
from datalab_dagster.up.errors import DatabaseInUse, DatabaseOfOthers


class Server(EmbeddedPostgres):
    """A server that runs, and perhaps has a client."""

    def __init__(self, home: Path, *, runs: bool = True, has_client: bool = False) -> None:
        super().__init__(home)
        self.runs = runs
        self.has_client = has_client

    def running(self) -> bool:
        return self.runs

    def stop(self, *, only_if_unused: bool = False) -> bool:
        if not self.runs or (only_if_unused and self.has_client):
            return False
        self.runs = False
        return True


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(database, "_LAST_CLIENTS_SECONDS", 0.0)
    monkeypatch.setenv("DATALAB_HOME", str(tmp_path))
    monkeypatch.delenv("DATALAB_POSTGRES_URL", raising=False)
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, server: Server) -> Server:
    monkeypatch.setattr(down, "embedded_server", lambda environment: server)
    return server


def test_it_is_stopped_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = use(monkeypatch, Server(home))
    assert down.down() is True and not server.runs
    assert down.down() is False


def test_it_stays_while_others_are_connected(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = use(monkeypatch, Server(home, has_client=True))
    with pytest.raises(DatabaseInUse, match="--force"):
        down.down()
    assert server.runs
    assert down.down(force=True) is True and not server.runs


def test_it_stays_while_up_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = use(monkeypatch, Server(home))
    monkeypatch.setattr(down, "running", lambda home: UpRecord(1, "http://127.0.0.1:3000", None))
    with pytest.raises(UpIsRunning):
        down.down(force=True)
    assert server.runs


def test_a_database_of_others_is_not_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_POSTGRES_URL", "postgresql://others.example/labs")
    with pytest.raises(DatabaseOfOthers):
        down.down()


def test_a_home_without_database_stays_untouched(home: Path) -> None:
    assert down.down() is False
    assert list(home.iterdir()) == []
