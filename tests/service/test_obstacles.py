"""Why no validation starts automatically: with `datalab up`, with Dagster's daemon alone, with neither."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datalab.home.up import Child, UpRecord
from datalab_dagster.service import obstacles
from datalab_dagster.service.obstacles import Obstacles

SENSOR = "provisioning"
LONG_AGO = datetime(2026, 11, 27, 13, 5, tzinfo=UTC)


class Dagster:
    """Dagster's instance as far as it is asked; `seen` may be an error."""

    def __init__(
        self, seen: datetime | Exception | None, *, off: str = "", is_open: bool = True, has_home: bool = True
    ) -> None:
        self.seen, self.off, self.is_open, self.has_home = seen, off, is_open, has_home
        self.asked = 0

    def daemon_seen(self) -> datetime | None:
        self.asked += 1
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen

    def is_switched_off(self, name: str) -> bool:
        return name == self.off


def up(started: float) -> UpRecord:
    return UpRecord(1, "http://127.0.0.1:3000", None, (Child("code-server", 2, started - 9), Child("x", 3, started)))


def found(
    dagster: Dagster, record: UpRecord | None, monkeypatch: pytest.MonkeyPatch, *, loads_dagster: bool = True
) -> str | None:
    monkeypatch.setattr(obstacles, "running", lambda home: record)
    one: Any = dagster
    return Obstacles(Path("home"), one).of("sensor", SENSOR, loads_dagster=loads_dagster)


def now(seconds: float = 0) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


@pytest.mark.parametrize("record", [up(0), None], ids=["up", "a daemon alone"])
class TestWhatTheDaemonReports:
    def test_a_daemon_that_reports(self, record: UpRecord | None, monkeypatch: pytest.MonkeyPatch) -> None:
        assert found(Dagster(now(60)), record, monkeypatch) is None

    def test_one_that_has_stopped(self, record: UpRecord | None, monkeypatch: pytest.MonkeyPatch) -> None:
        said = found(Dagster(LONG_AGO), record, monkeypatch)
        assert said == (
            "No validation starts automatically: Dagster's daemon is not running (last seen 2026-11-27 13:05 UTC)."
        )
        assert found(Dagster(now(91)), record, monkeypatch)

    def test_a_sensor_that_is_switched_off(self, record: UpRecord | None, monkeypatch: pytest.MonkeyPatch) -> None:
        said = found(Dagster(now(), off=SENSOR), record, monkeypatch)
        assert said == "No validation starts automatically: the sensor “provisioning” is switched off in Dagster."

    def test_a_database_that_does_not_answer(self, record: UpRecord | None, monkeypatch: pytest.MonkeyPatch) -> None:
        said = found(Dagster(OSError("secret")), record, monkeypatch)
        assert said == "No validation starts automatically: Dagster's database does not answer."


def test_just_after_the_start_of_up_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for seen in (None, LONG_AGO):
        assert found(Dagster(seen), up(time.time() - 60), monkeypatch) is None
        assert found(Dagster(seen), up(time.time() - 91), monkeypatch)
        assert found(Dagster(seen), UpRecord(1, "", None), monkeypatch) is None, "it has started nothing yet"


def test_where_no_daemon_ever_ran_none_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(Dagster(None), None, monkeypatch) == ""


def test_dagster_is_not_loaded_for_a_list_nor_where_it_never_was(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Dagster(LONG_AGO, is_open=False)
    assert found(closed, up(0), monkeypatch, loads_dagster=False) is None
    assert found(closed, None, monkeypatch, loads_dagster=False) == ""
    assert found(Dagster(LONG_AGO, is_open=False, has_home=False), None, monkeypatch) == ""
    assert closed.asked == 0
    assert found(closed, None, monkeypatch) and closed.asked == 1
