"""A module put into the folder of the panels is a panel everywhere: an asset, a table in the terminal, on the page."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import Ended, environment

ROOT = Path(__file__).parents[1]
FILES = Path(__file__).parent / "new_panel"
PACKAGES = ("datalab", "datalab_dagster", "assets", "resources")
CASE = ROOT / "tests/conformance/statistics/p03-three-columns-everything"
NAME, TITLE = "two_segment_users", "Users with two segments"
QUESTION = "How many users are in exactly two segments?"
DATASETS = ("identifiers", "segments", "demographics", "embeddings")

ASSETS = """
import json
from assets import ALL_ASSETS
specs = [spec for asset in ALL_ASSETS for spec in asset.specs]
found = {spec.key.to_user_string(): [spec.description, *(dep.asset_key.to_user_string() for dep in spec.deps)]
    for spec in specs}
print(json.dumps(found))
"""
COMMAND = "from datalab_dagster.cli import main; main()"

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs Python code, with arguments, in a copy of the program that has one more module and its SQL."""
    program = tmp_path_factory.mktemp("program")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, program / package)
    for suffix in (".py", ".sql"):
        shutil.copy(FILES / f"{NAME}{suffix}", program / "datalab/statistics/panels")

    def ran(code: str, *arguments: str | Path) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=program,
            env=environment(PYTHONPATH=str(program)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return ran


def test_a_new_panel_is_an_asset(run: Run) -> None:
    ended = run(ASSETS)
    assert ended.code == 0, ended.err
    assert ended.json[NAME] == [QUESTION, "users"]
    assert NAME in ended.json["statistics_report"]


def test_a_new_panel_is_in_the_report_the_terminal_and_the_page(run: Run, tmp_path: Path) -> None:
    files = [part for kind in DATASETS for part in (f"--{kind}", CASE / f"{kind}.csv")]
    checked = run(COMMAND, "preflight", CASE / "lab.json", *files, "--out", tmp_path)
    assert checked.code == 0, checked.err
    report = json.loads((tmp_path / "statistics.json").read_text())
    expected = json.loads((CASE / "expected/statistics.json").read_text())
    assert report.pop("panels") == {NAME: two_segment_users(CASE)}
    assert report.keys() == expected.keys()
    page = (tmp_path / "dashboard.html").read_text()
    assert f'data-panel="{NAME}"' in page and TITLE in page and QUESTION in page
    printed = run(COMMAND, "report", tmp_path)
    assert printed.code == 0, printed.err
    lines = printed.out.splitlines()
    below = [line.split() for line in lines[lines.index(next(line for line in lines if line.startswith(TITLE))) :]]
    assert ["all", "users", str(two_segment_users(CASE)["all users"])] in below


def two_segment_users(case: Path) -> dict[str, int]:
    """The numbers of the panel, counted line by line."""
    segments = [line.split(",")[0] for line in (case / "segments.csv").read_text().splitlines()]
    ids = [line.split(",") for line in (case / "identifiers.csv").read_text().splitlines()]
    pairs = {user for user in segments if segments.count(user) == 2}
    matchable = {user for user, name, _ in ids if name == "hashed_email"}
    return {"all users": len(pairs), "hashed_email": len(pairs & matchable)}
