"""Dagster's own commands for developers, where only the wheel and `dg` are installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datalab_dagster.graph.home import CODE_LOCATION
from tests.dev_servers import ASSETS, CHECKS, dev_server, listed
from tests.up.processes import within
from tests.wheel.conftest import ROOT, Installed, directory, environment_of, installation

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

PROJECT = {
    "dg.toml": f"""directory_type = "project"

[project]
root_module = "lab"
code_location_name = "{CODE_LOCATION}"
""",
    "lab/definitions.py": f"from {CODE_LOCATION} import defs\n",
}
"""What `dg` wants of a directory: dg.toml, and a module of the project's own."""
SHOWN = {f"{CODE_LOCATION}/{key}" for key in ASSETS}


@pytest.fixture(scope="module")
def with_dg(wheel: Path) -> Iterator[Installed]:
    with installation(wheel, "dagster-dg-cli") as found:
        yield found


@pytest.fixture
def empty() -> Iterator[Path]:
    with directory() as path:
        (path / "work").mkdir()
        yield path / "work"


@pytest.fixture
def developer(empty: Path) -> dict[str, str]:
    """The environment of a developer, with the home where `datalab` has it by default."""
    return environment_of(empty / ".datalab", DAGSTER_DISABLE_TELEMETRY="1")


def write_project(folder: Path) -> None:
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("name", PROJECT)
def test_the_docs_show_the_files_of_a_project(name: str) -> None:
    page = (ROOT / "docs/dagster.md").read_text("utf-8")
    assert name in page and PROJECT[name] in page


def test_definitions_are_checked_and_listed(with_dg: Installed, empty: Path, developer: dict[str, str]) -> None:
    write_project(empty)
    at = Installed(with_dg.bin, empty)
    assert "All definitions loaded successfully." in at.prints(developer, "dg", "check", "defs")
    assert listed(at.prints(developer, "dg", "list", "defs", "--json")) == (ASSETS, CHECKS)
    assert not (empty / ".datalab").exists()


def test_a_server_in_a_project(with_dg: Installed, empty: Path, developer: dict[str, str]) -> None:
    write_project(empty)
    with dev_server([with_dg.bin / "dg", "dev"], empty, developer, empty.with_name("server.log")) as shown:
        assert shown == SHOWN
    Installed(with_dg.bin, empty).prints(developer, "datalab", "down")


@pytest.mark.parametrize("command", ["dg", "dagster"])
def test_a_server_in_an_empty_directory_validates_a_lab(
    command: str, with_dg: Installed, empty: Path, developer: dict[str, str]
) -> None:
    at = Installed(with_dg.bin, empty)
    words = [with_dg.bin / command, "dev", "-m", CODE_LOCATION]
    with dev_server(words, empty, developer, empty.with_name("server.log")) as shown:
        assert shown == SHOWN
        at.prints(developer, "datalab", "sample", "sample", "--users", "300")
        at.prints(developer, "datalab", "lab", "create", "sample/LAB.json", "--name", "Dev")
        kinds = ("identifiers", "segments", "demographics", "embeddings")
        files = [part for kind in kinds for part in (f"--{kind}", f"sample/{kind}.csv")]
        at.prints(developer, "datalab", "provision", "Dev", *files)
        assert within(240, lambda: "Ready" in at.prints(developer, "datalab", "status"))
        assert "automatic, after" in at.prints(developer, "datalab", "runs", "Dev")
    at.prints(developer, "datalab", "down")
