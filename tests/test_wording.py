"""No text of the product is one of those that docs/wording.md says were replaced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("datalab", "datalab_dagster", "assets", "resources")
SHORTEST = 18
"""Characters; a shorter fragment of a replaced text can be right elsewhere."""


def replaced() -> list[tuple[str, str]]:
    """Return the fragments of replaced texts, without figures and names, with the number of their row."""
    rows = re.findall(
        r"^\| (\d+) \(done\) \| [^|]* \| ([^|]*) \|", (ROOT / "docs/wording.md").read_text(), re.MULTILINE
    )
    found = []
    for number, today in rows:
        for quote in re.findall(r'"([^"]+)"', today):
            for fragment in re.split(r"…|\{[^}]*\}|'[^']*'|`[^`]*`|\S*\d\S*", quote):
                words = fragment.strip(" .,;:?()–")
                if len(words) >= SHORTEST:
                    found.append((number, words))
    return found


@cache
def texts() -> str:
    """Return the texts of the product: strings of Python, templates and scripts, with single blanks."""
    found: list[str] = []
    for source in SOURCES:
        for path in (ROOT / source).rglob("*"):
            if path.suffix == ".py":
                found += _strings(path)
            elif path.suffix in (".j2", ".js") and "vega" not in path.name:
                found.append(path.read_text("utf-8"))
    return re.sub(r"\s+", " ", "\n".join(found))


def _strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_rows_that_are_done_have_texts_to_look_for() -> None:
    assert len(replaced()) >= 10


@pytest.mark.parametrize(("row", "text"), replaced())
def test_a_replaced_text_is_gone(row: str, text: str) -> None:
    assert text not in texts(), f"row {row} of docs/wording.md says that it is replaced"
