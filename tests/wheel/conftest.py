"""The wheel, built from the checkout, and environments in which it is installed without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@contextmanager
def directory() -> Iterator[Path]:
    """A directory beside pytest's, which other sessions close to the database's user."""
    path = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def place() -> Iterator[Path]:
    with directory() as path:
        yield path


@dataclass(frozen=True)
class Installed:
    """A virtual environment in which the wheel is, and a directory to work in."""

    bin: Path
    work: Path

    def run(self, environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=self.work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def prints(self, environment: dict[str, str], *command: str) -> str:
        done = self.run(environment, *command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = tmp_path_factory.mktemp("source") / "checkout", tmp_path_factory.mktemp("dist")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if not name.startswith(("tests/", "docs/")) and (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    uv = [Path(sys.executable).with_name("uv"), "build", "--no-build-isolation", "--offline", "--quiet"]
    subprocess.run([*uv, "--python", sys.executable, "--out-dir", built, source], check=True)
    assert len(list(built.glob("*.tar.gz"))) == 1
    (found,) = built.glob("*.whl")
    return found


@contextmanager
def installation(wheel: Path, *more: str) -> Iterator[Installed]:
    """Only what the wheel asks for and `more`, in the versions of the checkout."""
    uv = Path(sys.executable).with_name("uv")
    with directory() as folder:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
        python = folder / "venv" / "bin" / "python"
        constraints = ["--constraint", ROOT / "constraints.txt"]
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *constraints, wheel, *more], check=True)
        (folder / "work").mkdir()
        yield Installed(python.parent, folder / "work")


@pytest.fixture(scope="session")
def installed(wheel: Path) -> Iterator[Installed]:
    with installation(wheel) as found:
        yield found


def environment_of(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user who has nothing but the wheel."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATALAB_", "DAGSTER_", "PYTHON"))
    }
    return {**kept, "DATALAB_HOME": str(home), **more}
