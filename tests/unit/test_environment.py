"""The variables of the environment are named in one module; others ask it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = "datalab/home/settings.py"
PACKAGES = ("datalab", "datalab_dagster", "assets", "resources")
NAME = re.compile(r"DATALAB_[A-Z_]+")


def names(tree: ast.Module) -> Iterator[ast.Constant]:
    """Texts that are nothing but the name of a variable; sentences may name one, as messages do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            yield node


def test_only_the_settings_name_a_variable() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in names(ast.parse(path.read_text()))
    }
    assert {place for place in found if not place.startswith(f"{PLACE}:")} == set()
    assert len(found) == 8


def test_no_prefix_is_put_together() -> None:
    """A name such as f"DATALAB_{…}" would pass the test above."""
    found = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("DATALAB_")
    ]
    assert found == []
