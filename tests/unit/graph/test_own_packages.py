"""The import says so, in one sentence, where a project has top-level modules with the names of our packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import datalab_dagster
print("data_lab_assets" in dir(datalab_dagster))
datalab_dagster.DataLabComponent
try:
    from datalab_dagster import data_lab_assets
except ImportError as error:
    print(error)
else:
    print("found")
"""


def imported_in(project: Path) -> list[str]:
    """Return what a program in the directory of a project prints."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=project, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("path", "package"),
    [("assets/__init__.py", "assets"), ("assets.py", "assets"), ("resources/__init__.py", "resources")],
)
def test_a_module_that_hides_one_of_ours_is_named(path: str, package: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).touch()
    listed, sentence = imported_in(tmp_path)
    assert listed == "False"
    assert sentence.startswith(
        f"data_lab_assets needs the package `{package}` of datalab, but `import {package}` finds "
    )
    assert str(tmp_path / path) in sentence and f"such as my_project.{package}" in sentence
    assert sentence.count(". ") == 0 and sentence.endswith(".")


def test_without_one_the_import_works(tmp_path: Path) -> None:
    (tmp_path / "my_project").mkdir()
    (tmp_path / "my_project/assets.py").touch()
    assert imported_in(tmp_path) == ["True", "found"]
