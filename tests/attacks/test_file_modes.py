"""Under an open umask no account but the owner may open files of a home (docs/security.md, "Passwords and files")."""

from __future__ import annotations

import ast
import os
import stat
import subprocess
from pathlib import Path

import pytest

from datalab.home.private import close_to_others
from datalab.registry import LabState
from tests.attacks.files import OTHERS, open_to_others, open_umask
from tests.commands import COMMAND, environment
from tests.living.world import World

pytestmark = pytest.mark.attack

CHECKOUT = Path(__file__).parents[2]
WRITES_DOCS = CHECKOUT / "datalab_dagster" / "cli" / "reference.py"


@pytest.mark.long
def test_a_deployment_under_an_open_umask_leaves_no_file_open() -> None:
    """Of `up`, its processes and its runs, and of a program that has the service in its own process."""
    world = World(users=300)
    try:
        with open_umask():
            world.start(portal=True)
            lab = world.new_lab()
            assert world.becomes(lab, LabState.READY), world.told(lab)
        found = open_to_others(world.data_home)
        passable = stat.S_IMODE(world.data_home.stat().st_mode)
    finally:
        world.end()
    assert not found
    assert passable & OTHERS in (0, stat.S_IXOTH), "root lets the user of PostgreSQL pass, and no account list it"


def test_a_command_under_an_open_umask_leaves_no_file_open(tmp_path: Path) -> None:
    out = tmp_path / "sample"
    with open_umask():
        subprocess.run(
            [COMMAND, "sample", str(out), "--users", "10"], env=environment(), check=True, capture_output=True
        )
    assert not open_to_others(out) and stat.S_IMODE(out.stat().st_mode) == 0o700


def test_every_program_sets_its_umask_first() -> None:
    programs = [
        path
        for room in ("datalab", "datalab_dagster", "assets", "resources")
        for path in (CHECKOUT / room).rglob("*.py")
        if '__name__ == "__main__"' in path.read_text() and path != WRITES_DOCS
    ]
    programs = [path for path in programs if path.parent.name != "dashboard"]  # writes a file of the checkout
    assert len(programs) >= 4
    for path in [*programs, CHECKOUT / "datalab_dagster" / "cli" / "__init__.py"]:
        tree = ast.parse(path.read_text())
        first = [ast.unparse(body[0]) for body in _begins(tree)]
        assert "keep_private()" in first, f"{path} does not begin with keep_private()"


def _begins(tree: ast.Module) -> list[list[ast.stmt]]:
    """The statements of `main` after its docstring, and those of the block that runs the module."""
    found = [node.body[1:] for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    return [*found, *(node.body for node in tree.body if isinstance(node, ast.If))]


def test_a_home_of_an_earlier_version_is_closed_and_nothing_else(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    (home / "scratch").mkdir(parents=True)
    for path in (home / "workspace.yaml", home / "scratch" / "rows", outside):
        path.touch()
        path.chmod(0o666)
    (home / "program").touch(0o700)
    (home / "link").symlink_to(outside)
    (home / "scratch").chmod(0o777)
    home.chmod(0o711)
    assert close_to_others(home) == 4
    assert not open_to_others(home) and stat.S_IMODE(home.stat().st_mode) == 0o701
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666
    assert stat.S_IMODE((home / "program").stat().st_mode) == 0o700
    assert close_to_others(home) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_the_database_are_closed_too(tmp_path: Path) -> None:
    file = tmp_path / "postgres"
    file.touch()
    file.chmod(0o644)
    os.chown(file, 12345, 12345)
    tmp_path.chmod(0o700)
    assert close_to_others(tmp_path) == 1 and stat.S_IMODE(file.stat().st_mode) == 0o600
