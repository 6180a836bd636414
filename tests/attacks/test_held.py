"""Every attack that docs/security.md lists with a test has that test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.attack

TESTS = Path(__file__).parents[1]
LISTED = re.findall(r"`([\w/]+\.py)::(\w+)`", (TESTS.parent / "docs" / "security.md").read_text("utf-8"))


def test_the_list_is_found() -> None:
    assert len(LISTED) > 10


@pytest.mark.parametrize(("path", "name"), LISTED)
def test_a_listed_test_exists(path: str, name: str) -> None:
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
