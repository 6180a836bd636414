"""Each fact has one place: the modules, templates and scripts of the program are searched for its text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from datalab.results.files import RESULT_FILES
from datalab.statistics import PANELS, Panel
from datalab_dagster.graph.home import CODE_LOCATION

ROOT = Path(__file__).parents[2]
PACKAGES = ("datalab", "datalab_dagster", "assets", "resources")
TEXTS = {".j2", ".js", ".sql"}


class Fact(NamedTuple):
    """A fact and the one file that may hold it.

    Attributes:
        text: the fact, as it would be typed.
        place: the path of the file; None: it is derived, and no file holds it.
    """

    text: str
    place: str | None


def _place(panel: Panel[Any]) -> str:
    return f"datalab/statistics/panels/{panel.name}.py"


FACTS = [
    *(Fact(file.name, "datalab/results/files.py") for file in RESULT_FILES),
    *(Fact(file.zip_name, None) for file in RESULT_FILES),
    Fact(CODE_LOCATION, "datalab_dagster/graph/home.py"),
    *(Fact(words, _place(panel)) for panel in PANELS for words in (panel.title, panel.question)),
    *(Fact(words, None) for panel in PANELS for view in panel.views for words in (view.title, view.question)),
]


@cache
def strings() -> dict[str, list[str]]:
    """Every string of every module, docstrings too, and the whole text of templates, scripts and queries; by path."""
    found = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()):
        if path.suffix == ".py":
            found[path.relative_to(ROOT).as_posix()] = list(literals(path.read_text(encoding="utf-8")))
        elif path.suffix in TEXTS:
            found[path.relative_to(ROOT).as_posix()] = [path.read_text(encoding="utf-8")]
    return found


def literals(source: str) -> Iterator[str]:
    """Yield the string literals of a module, and the literal parts of its f-strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.text)
def test_a_fact_is_in_one_place(fact: Fact) -> None:
    found = [path for path, texts in strings().items() if any(fact.text in text for text in texts)]
    assert found == ([fact.place] if fact.place else [])


def test_what_is_searched() -> None:
    searched = strings()
    assert {Path(path).suffix for path in searched} >= {".py", ".j2", ".js"}
    assert {path.partition("/")[0] for path in searched} == set(PACKAGES)
    source = '"""Doc."""\nname = "a"\ntext = f"b {name} c"  # "d"\n'
    assert sorted(literals(source)) == [" c", "Doc.", "a", "b "]
