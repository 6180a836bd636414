"""The documents say what is true: the references made from the program, the README's commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from datalab_dagster.cli import reference

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_a_reference_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == reference.DOCUMENTS[name](), "run `make docs`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", document.read_text())) <= targets
