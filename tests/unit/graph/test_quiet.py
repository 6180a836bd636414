"""Loops of Dagster's daemon pause longer while nothing changes, and look at once when something has changed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datalab_dagster.graph import quiet
from datalab_dagster.graph.quiet import Changes, Patience
from datalab_dagster.up import plan

LONG = 60.0
"""A pause that no test waits for."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "_SLICE_SECONDS", 0.01)
    monkeypatch.setattr(quiet, "LONGEST_SECONDS", LONG)


def rare(newest: Callable[[], object] = lambda: 1) -> Changes:
    """Return changes of which the last was long ago."""
    changes = Changes(newest)
    changes.look()
    changes._changed_at -= 2 * quiet.QUIET_AFTER_SECONDS
    assert changes.are_rare
    return changes


def test_while_things_change_a_pause_is_as_long_as_the_loop_wants_it() -> None:
    changes = Changes(lambda: 1)
    assert not changes.are_rare
    assert not Patience(threading.Event(), changes).wait(0.01)


def test_while_nothing_changes_a_pause_has_the_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = rare()
    monkeypatch.setattr(quiet, "LONGEST_SECONDS", 0.2)
    began = time.monotonic()
    assert not Patience(threading.Event(), changes).wait(0.01)
    assert time.monotonic() - began >= 0.2


def test_a_longer_pause_stays_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = rare()
    monkeypatch.setattr(quiet, "LONGEST_SECONDS", 0.01)
    began = time.monotonic()
    assert not Patience(threading.Event(), changes).wait(0.2)
    assert time.monotonic() - began >= 0.2


def ends(wait: Callable[[], bool], then: Callable[[], None]) -> bool:
    """Let something happen during a pause, and return what the pause returns; it must end long before its time."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(wait()), daemon=True)
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    then()
    thread.join(LONG / 2)
    return found[0]


def test_a_change_ends_the_pause() -> None:
    numbers = iter((1, 2))
    changes = rare(lambda: next(numbers))
    assert not ends(lambda: Patience(threading.Event(), changes).wait(0.01), changes.look)


def test_no_change_does_not() -> None:
    changes = rare()
    end = threading.Event()

    def look_and_end() -> None:
        changes.look()
        assert changes.are_rare
        end.set()

    assert ends(lambda: Patience(end, changes).wait(0.01), look_and_end)


def test_the_end_of_the_daemon_does() -> None:
    changes, end = rare(), threading.Event()
    patience = Patience(end, changes)
    assert not patience.is_set()
    assert ends(lambda: patience.wait(0.01), end.set)
    assert patience.is_set()


def test_a_database_that_is_away_counts_as_a_change() -> None:
    def newest() -> int:
        if away:
            raise OSError
        return 1

    away = False
    changes = rare(newest)
    away = True
    changes.look()
    assert not changes.are_rare


def test_the_module_of_the_daemon_can_be_run_with_the_options_that_up_gives(tmp_path: Path) -> None:
    services = plan.services(tmp_path, plan.Addresses("127.0.0.1", 3000, None))
    daemon = next(service for service in services if service.name == "dagster-daemon")
    shown = subprocess.run([sys.executable, "-m", daemon.module, "--help"], capture_output=True, text=True)
    assert shown.returncode == 0
    assert all(option in shown.stdout for option in daemon.arguments if option.startswith("--"))
