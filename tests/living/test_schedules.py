"""When the schedules run: what the settings say, read when the code location is built and not before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from datalab.home.errors import SettingsWrong
from datalab.home.settings import Settings
from datalab_dagster.definitions import build_definitions, defs
from datalab_dagster.graph.schedules import build_schedules
from tests.commands import environment

CRONS = [
    *(
        "0 3 * * *",
        "*/15 * * * *",
        "0 3 l * *",
        "0 3 ? * ?",
        "0 3 * * mon#1",
        "0 3 * * l5",
        "0 3 29 2 *",
        "5-1 * * * *",
    ),
    *("0 3 * jan-mar mon", "0 3 * * 7", "0 3 * * 1-5/2", "0 3 15w * *", "0 3 30 2 1", "0 3 31 4 *", "0 3 30 2 *"),
    *("H H * * *", "0 3 * * *  ", "0 3 1,15,31 2 *", "-1 3 * * *", "0 3 lw * *"),
]


def test_names_and_times() -> None:
    settings = Settings(nightly="15 2 * * *", sweep="45 5 * * sun", timezone="Europe/Berlin")
    found = {one.name: (one.cron_schedule, one.execution_timezone) for one in build_schedules(settings)}
    assert found == {
        "nightly": ("15 2 * * *", "Europe/Berlin"),
        "nightly_sweep": ("45 5 * * sun", "Europe/Berlin"),
        "lab_schedules": ("* * * * *", None),
    }
    assert {one.name: one.cron_schedule for one in build_schedules(Settings())} == {
        "nightly": "0 3 * * *",
        "nightly_sweep": "30 4 * * *",
        "lab_schedules": "* * * * *",
    }


@pytest.mark.parametrize("cron", CRONS)
def test_what_settings_accept_dagster_accepts(cron: str) -> None:
    try:
        settings = Settings(nightly=cron)
    except ValueError:
        return
    assert next(one.cron_schedule for one in build_schedules(settings)) == cron


def test_the_file_decides_when_the_location_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_HOME", str(tmp_path))
    for nightly in ("1 1 * * *", "2 2 * * *"):
        (tmp_path / "datalab.yaml").write_text(f"nightly: '{nightly}'\n")
        repository = defs().get_repository_def()
        assert repository.name == "__repository__"
        assert repository.get_schedule_def("nightly").cron_schedule == nightly
    (tmp_path / "datalab.yaml").write_text("timezone: Mars/Base\n")
    with pytest.raises(SettingsWrong, match="timezone: 'Mars/Base' is not a time zone"):
        build_definitions()


def test_importing_the_location_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "datalab.yaml").write_text("timezone: Mars/Base\n")
    code = "import datalab_dagster.definitions; print('imported')"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(DATALAB_HOME=str(tmp_path))
    )
    assert (ended.stdout, ended.stderr) == ("imported\n", "")
