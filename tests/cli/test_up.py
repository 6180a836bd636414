"""`datalab up` that cannot start: wrong settings are reported immediately, and nothing is started."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

import pytest

from tests.commands import COMMAND, environment

CPU_SECONDS = 2.0
WAIT_SECONDS = 30
"""On a machine that does other things, the clock says little; before, it took two minutes."""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "store: {url: 's4://labs/store'}\n",
            "store.url: 's4' is not a scheme of storage; write a scheme of fsspec, such as s3",
        ),
        ('nightly: "99 3 * * *"\n', "nightly: '99' is not a minute; write 0 to 59"),
        ("timezone: Mars/Base\n", "timezone: 'Mars/Base' is not a time zone"),
        ("keepResult: 3\n", "keepResult: unknown key; did you mean 'keepResults'?"),
    ],
)
def test_wrong_settings_end_it_at_once(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "datalab.yaml").write_text(text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [COMMAND, "up"],
        env=environment(DATALAB_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.startswith("Error: The settings have 1 error; nothing was done. Correct ")
    assert f"\n  - {sentence}" in ended.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < CPU_SECONDS
    assert [path.name for path in tmp_path.iterdir()] == ["datalab.yaml"]


def test_a_master_key_that_cannot_be_used_starts_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [COMMAND, "up"],
        env=environment(DATALAB_HOME=str(tmp_path), DATALAB_MASTER_KEY="planted"),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 2 and "The variable DATALAB_MASTER_KEY" in ended.stderr
    assert "planted" not in ended.stderr and list(tmp_path.iterdir()) == []


def test_settings_of_dagster_that_cannot_be_used_start_nothing(tmp_path: Path) -> None:
    home, own = tmp_path / "home", tmp_path / "own"
    own.mkdir()
    ended = subprocess.run(
        [COMMAND, "up"],
        env=environment(DATALAB_HOME=str(home), DAGSTER_HOME=str(own)),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 2 and f"{own / 'dagster.yaml'} cannot be used: there is no such file" in ended.stderr
    assert not home.exists() and list(own.iterdir()) == []
