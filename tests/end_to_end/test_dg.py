"""Dagster's own commands for developers, in the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from datalab.registry import EmbeddedPostgres
from datalab_dagster.graph.home import CODE_LOCATION
from tests.commands import environment
from tests.dev_servers import ASSETS, CHECKS, dev_server, listed

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture
def developer() -> Iterator[dict[str, str]]:
    """The environment of a developer who has activated the environment, with a home of its own."""
    folder = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    yield environment(DATALAB_HOME=str(folder / "home"), VIRTUAL_ENV=str(BIN.parent))
    EmbeddedPostgres(folder / "home").stop()
    shutil.rmtree(folder)


@pytest.mark.slow
def test_definitions_are_checked_and_listed(developer: dict[str, str]) -> None:
    def dg(*words: str) -> str:
        done = subprocess.run(
            [BIN / "dg", *words], cwd=ROOT, env=developer, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "All definitions loaded successfully." in dg("check", "defs")
    assert listed(dg("list", "defs", "--json")) == (ASSETS, CHECKS)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", ["dg", "dagster"])
def test_a_server_shows_the_graph_under_the_name_of_a_deployment(command: str, developer: dict[str, str]) -> None:
    log = Path(developer["DATALAB_HOME"]).with_name("server.log")
    with dev_server([BIN / command, "dev"], ROOT, developer, log) as shown:
        assert shown == {f"{CODE_LOCATION}/{key}" for key in ASSETS}
