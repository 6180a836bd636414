"""The database while `up` runs: messages, excused ends of other processes, and the end after repeated failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datalab.registry import EmbeddedPostgres
from datalab.registry.errors import EmbeddedPostgresFailed
from datalab_dagster.up import database as room
from datalab_dagster.up.database import WatchedDatabase
from datalab_dagster.up.errors import DatabaseKeepsEnding
from tests.up.processes import PATIENCE, within


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(room, "_POLL_SECONDS", 0.01)
    yield


class Server(EmbeddedPostgres):
    """A server that starts, or does not."""

    def __init__(self, home: Path, *, starts: bool) -> None:
        super().__init__(home)
        self.starts = starts
        self.up = True
        self.attempts = 0

    def start(self) -> bool:
        self.attempts += 1
        if not self.starts:
            raise EmbeddedPostgresFailed("started", self.home, "the disk is full")
        self.up = True
        return True


def test_the_one_under_the_home_is_started_again_and_both_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    server = Server(tmp_path, starts=True)
    with WatchedDatabase(server, lambda: server.up, said.append) as watched:
        server.up = False
        assert within(PATIENCE, lambda: len(said) == 2)
        watched.check()
        assert not watched.is_down
    assert said[0].startswith("The database ended unexpectedly") and str(server.log) in said[0]
    assert said[1] == "The database is back." and server.attempts == 1


def test_one_that_does_not_start_any_more_is_given_up_with_the_reason(tmp_path: Path) -> None:
    server = Server(tmp_path, starts=False)
    with WatchedDatabase(server, lambda: False, lambda text: None) as watched:
        assert within(PATIENCE, lambda: not watched._thread.is_alive())
        with pytest.raises(DatabaseKeepsEnding, match="the disk is full"):
            watched.check()
        assert server.attempts == 5 and watched.is_down


def test_the_database_of_others_is_waited_for(tmp_path: Path) -> None:
    said: list[str] = []
    answers = [True]
    with WatchedDatabase(None, lambda: answers[0], said.append) as watched:
        answers[0] = False
        assert within(PATIENCE, lambda: watched.is_down)
        watched.check()
        answers[0] = True
        assert within(PATIENCE, lambda: not watched.is_down)
    assert said == ["The database does not answer. Waiting for it.", "The database is back."]
