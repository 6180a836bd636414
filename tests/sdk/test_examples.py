"""The examples in the SDK's docstrings are true, and its types fit the script of the migration page."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import datalab_dagster

ROOT = Path(__file__).parents[2]
PACKAGES = ("archv2", "data_lab", "legacy", "media")
SINGLE = ("analytics", "api", "authentication", "client", "data_connectors", "elsewhere", "storage", "types")


def modules() -> list[str]:
    found = [f"datalab_dagster.{name}" for name in SINGLE]
    for package in PACKAGES:
        home = Path(datalab_dagster.__file__).parent / package
        found.append(f"datalab_dagster.{package}")
        found += [module.name for module in pkgutil.walk_packages([str(home)], f"datalab_dagster.{package}.")]
    return found


@pytest.mark.parametrize("name", modules())
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, "a module says what belongs there"
    assert doctest.testmod(module).failed == 0


def scripts_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


@pytest.mark.parametrize(("page", "ours"), [("sdk.md", 0), ("migration.md", 1)])
def test_the_first_example_says_which_verdict_looks_across_datasets(page: str, ours: int) -> None:
    first = scripts_of(page)[ours]
    assert re.search(r"is_validation_passed\(\w+\).*# .*each dataset alone", first)
    assert re.search(r'\["status"\].*# .*across datasets', first)


@pytest.mark.slow
def test_the_first_examples_type_check(tmp_path: Path) -> None:
    _, ours = scripts_of("migration.md")
    (tmp_path / "first.py").write_text(scripts_of("sdk.md")[0])
    (tmp_path / "script.py").write_text(ours + "reveal_type(lab)\nreveal_type(statistics)\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(tmp_path / "script.py"), str(tmp_path / "first.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert 'Revealed type is "datalab_dagster.data_lab.data_lab.DataLab"' in checked.stdout
