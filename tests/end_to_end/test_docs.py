"""The documents say what is true: the references made from the program, the README's commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from datalab_dagster.cli import reference
from datalab_dagster.definitions import build_definitions

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_a_reference_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == reference.DOCUMENTS[name](), "run `make docs`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", document.read_text())) <= targets


def test_whoever_knows_dagster_finds_every_name_of_the_graph() -> None:
    definitions = build_definitions()
    graph = definitions.resolve_asset_graph()
    names = {key.name for key in graph.asset_check_keys} | {*(definitions.resources or {})}
    names |= {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    for named in (definitions.jobs, definitions.sensors, definitions.schedules):
        names |= {one.name for one in named or []}
    page = (ROOT / "docs/dagster.md").read_text()
    assert {name for name in names if f"`{name}`" not in page} == set()
