"""The house is as docs/design.md says: rooms, floors, sixteen questions, modules that can be read in one sitting."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DESIGN = (ROOT / "docs/design.md").read_text("utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
PACKAGES = ("datalab", "datalab_dagster", "assets", "resources")

MOST_LINES = 300
LONGER = {
    "datalab/lab.py": "the wire keys of a lab and the rules between them: one frozen shape, read as a whole",
    "tests/fakes.py": "one service in memory, with every method of the protocol",
    "tests/reference.py": "the slow model of the whole validation, to be read together with the specification",
    "tests/unit/registry/test_database.py": "the schema, from nothing to the newest revision, on one server",
    "tests/unit/storage/test_store.py": "the life of one dataset in the store, told in order",
    "tests/cli/test_validations.py": "every outcome of a validation, as the commands show it",
    "tests/service/test_services.py": "the one suite of the protocol, for every service",
    "tests/attacks/test_ownership.py": "one table of people, routes and commands",
    "tests/end_to_end/test_bad_input.py": "one table of bad inputs and what people read",
}
"""Modules that are longer, each with its reason; one that became shorter leaves the list."""


def section(number: int) -> str:
    """Return the text of a numbered section of the design."""
    found = re.search(rf"^## {number} .*?(?=^## |\Z)", DESIGN, re.MULTILINE | re.DOTALL)
    assert found, f"docs/design.md lacks section {number}"
    return found[0]


def questions() -> list[tuple[str, str]]:
    """Return each question of the last section and the place that answers it."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section(8).splitlines() if "|" in line]
    return [(row[0], row[-1].strip("`")) for row in rows[2:]]


def contract(name: str) -> dict[str, object]:
    (found,) = [contract for contract in CONTRACTS if contract["name"] == name]
    return found


def floors(package: str) -> list[str]:
    """Return the floors that the design gives to a package, top to bottom, spelled as import-linter does."""
    block = re.search(r"```\n(.*?)```", section(3), re.DOTALL)
    assert block
    lines: list[str] = []
    for line in block[1].splitlines():
        if line[:1] != " ":
            name, _, line = line.partition(" ")
        if name == package:
            lines.append(line.strip())
    return [floor.strip() for floor in " ".join(lines).split(" / ")]


def test_there_are_sixteen_questions() -> None:
    assert len(questions()) == 16


@pytest.mark.parametrize(("question", "place"), questions())
def test_the_place_that_answers_a_question_exists(question: str, place: str) -> None:
    path = ROOT / place
    assert path.is_dir() if place.endswith("/") else path.is_file(), f"where would I change {question}? {place}"


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("datalab", "Floors of the domain"),
        ("datalab_dagster", "Floors of the graph, the service and the ways in"),
    ],
)
def test_the_floors_of_the_design_are_the_ones_that_are_enforced(package: str, name: str) -> None:
    found = contract(name)
    assert found["containers"] == [package] and found["exhaustive"] is True
    layers = found["layers"]
    assert isinstance(layers, list)
    assert [re.sub(r"[()]", "", layer) for layer in layers] == floors(package)
    later = re.findall(r"\((\w+)\)", " ".join(layers))
    exists = [room for room in later if list((ROOT / package).glob(f"{room}*"))]
    assert not exists, f"rooms that are built and still optional: {exists}"


def test_no_circle_is_allowed_in_any_package() -> None:
    assert contract("No circle at any depth") == {
        "name": "No circle at any depth",
        "type": "acyclic_siblings",
        "ancestors": list(PACKAGES),
    }


def rooms(package: str) -> set[str]:
    """Return the modules and packages directly below a package."""
    found = (path for path in (ROOT / package).iterdir() if path.name[0] not in "_.")
    return {path.stem for path in found if path.suffix == ".py" or (path / "__init__.py").exists()}


@pytest.mark.parametrize("package", ["datalab", "datalab_dagster"])
def test_every_room_is_on_the_map(package: str) -> None:
    """The tree of rooms names every one; a room that comes later is marked."""
    tree = re.search(r"```\n(.*?)```", section(2), re.DOTALL)
    assert tree
    block = re.search(rf"^{package}/ .*?(?=^\S|\Z)", tree[1], re.MULTILINE | re.DOTALL)
    assert block
    missing = [room for room in rooms(package) if not re.search(rf"\b{room}(?:/|\.py|\b)", block[0])]
    assert not missing


def modules() -> list[Path]:
    folders = (*PACKAGES, "benchmarks", "scripts", "tests")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_modules_can_be_read_in_one_sitting() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in modules()}
    long = {name for name, count in lines.items() if count > MOST_LINES}
    assert sorted(long - LONGER.keys()) == [], f"over {MOST_LINES} lines: split, or give the reason"
    assert sorted(LONGER.keys() - long) == [], "no longer over the limit"


def test_a_module_begins_with_what_belongs_there() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.stat().st_size and not path.read_text("utf-8").lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []
