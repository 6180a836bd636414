"""A package that is not the pinned one, byte for byte, is not installed."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.attack

ROOT = Path(__file__).parents[2]
PINNED = (ROOT / "constraints.txt").read_text("utf-8")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins() -> dict[str, str]:
    """The pinned packages by normal name, each with what follows it."""
    lines = [line for line in PINNED.splitlines() if not line.startswith("#")]
    wanted = re.split(r"(?<!\\)\n", "\n".join(lines).strip())
    return {_normal(one.partition("==")[0]): one for one in wanted}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_has_one_version_and_its_hashes() -> None:
    for name, pin in pins().items():
        first, *hashes = [part.strip() for part in pin.replace("\\\n", "\n").splitlines()]
        assert re.fullmatch(r"[\w.-]+==[\w.!+]+( ; .+)?", first), name
        assert hashes and all(HASH.fullmatch(one) for one in hashes), name


def test_every_package_of_the_project_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]
    wanted += itertools.chain.from_iterable(project["project"]["optional-dependencies"].values())
    names = {_normal(re.split(r"[^\w.-]", one)[0]) for one in wanted} - {project["project"]["name"]}
    assert names <= pins().keys()


@pytest.mark.long
def test_a_changed_wheel_stops_make_venv(tmp_path: Path) -> None:
    wheels, project = tmp_path / "wheels", tmp_path / "project"
    wheels.mkdir()
    project.mkdir()
    shutil.copy(ROOT / "Makefile", project)
    (project / "pyproject.toml").write_text("")
    good = _wheel(wheels, "value = 1\n")
    (project / "constraints.txt").write_text(f"harmless==1.0 --hash=sha256:{good}\n")
    _wheel(wheels, "value = 2\n")
    changed = _make_venv(project, wheels)
    assert changed.returncode and "DO NOT MATCH THE HASHES" in changed.stderr
    assert not _installed(project)
    _wheel(wheels, "value = 1\n")
    _make_venv(project, wheels)
    assert _installed(project), "the pinned one is installed"


def _wheel(folder: Path, code: str) -> str:
    """Write a package, and return its hash."""
    path = folder / "harmless-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {
            "harmless.py": code,
            "harmless-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: harmless\nVersion: 1.0\n",
            "harmless-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "harmless-1.0.dist-info/RECORD": "",
        }.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _make_venv(project: Path, wheels: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    words = ["make", "venv"]
    return subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False)


def _installed(project: Path) -> bool:
    return bool(list((project / ".venv").glob("lib*/*/site-packages/harmless.py")))
