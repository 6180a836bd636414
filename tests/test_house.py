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
    "datalab/codes.py": "one table of all codes and their words, of which one is read at a time",
    "tests/cases/test_kinds.py": "one table of the errors in files",
    "datalab/lab.py": "the wire keys of a lab and the rules between them: one frozen shape, read as a whole",
    "tests/fakes.py": "one service in memory, with every method of the protocol",
    "tests/conformance/room_model.py": "the slow model of a room, to be read together with the specification",
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
    found: dict[str, object]
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


def test_the_order_of_the_packages_is_the_one_of_the_design() -> None:
    assert contract("Floors: the ways in and the graph, the assets, their resources, the domain") == {
        "name": "Floors: the ways in and the graph, the assets, their resources, the domain",
        "type": "layers",
        "layers": floors("packages"),
    }


def test_no_contract_makes_an_exception() -> None:
    assert [contract["name"] for contract in CONTRACTS if "ignore_imports" in contract] == []


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


def below(package: str, *besides: str) -> set[str]:
    """Return the rooms of a package, spelled as import-linter does, without some of them."""
    return {f"{package}.{room}" for room in rooms(package) - set(besides)}


@pytest.mark.parametrize(
    ("name", "may_not", "what"),
    [
        (
            "Only the graph imports Dagster",
            {"datalab"} | below("datalab_dagster", "graph", "definitions"),
            {"dagster", "dagster_postgres", "dagster_webserver", "dagster_graphql", "dagster_shared"},
        ),
        (
            "Only an engine's folder imports its engine",
            {"datalab_dagster", "assets", "resources", "datalab.engines.protocol"} | below("datalab", "engines"),
            {"duckdb"},
        ),
        ("The domain knows no terminal", {"datalab"}, {"click", "rich"}),
        (
            "One door: the ways in ask the service, never the rooms behind it",
            below("datalab_dagster", "definitions", "graph", "service", "up", "storage"),
            {"datalab.registry", "datalab.storage", "datalab.deployment"},
        ),
    ],
)
def test_what_is_forbidden_is_forbidden_to_every_room(name: str, may_not: set[str], what: set[str]) -> None:
    """A new room is named in these lists too, or may do what the design reserves for others."""
    found = contract(name)
    sources, forbidden = found["source_modules"], found["forbidden_modules"]
    assert found["type"] == "forbidden" and isinstance(sources, list) and isinstance(forbidden, list)
    assert (set(sources), set(forbidden)) == (may_not, what)


def map_lines(package: str) -> list[str]:
    """Return the lines of the tree of rooms below a package; a wrapped line is joined to its room."""
    tree = re.search(r"```\n(.*?)```", section(2), re.DOTALL)
    assert tree
    block = re.search(rf"^{package}/ (.*?)(?=^\S|\Z)", tree[1], re.MULTILINE | re.DOTALL)
    assert block
    return re.sub(r"\n {3,}", " ", block[1]).splitlines()[1:]


def rooms_on_the_map(package: str) -> set[str]:
    """Return the rooms of the first column; one marked ○ in the second comes later."""
    lines = (line.strip() for line in map_lines(package) if not re.match(r"\s+\S+\s+○", line))
    names = (name for line in lines for name in line.partition("  ")[0].split(" "))
    return {name.removesuffix("/").removesuffix(".py") for name in names}


@pytest.mark.parametrize("package", ["datalab", "datalab_dagster"])
def test_the_map_shows_the_rooms_that_exist(package: str) -> None:
    assert rooms_on_the_map(package) == rooms(package)


@pytest.mark.parametrize("package", ["datalab", "datalab_dagster"])
def test_the_files_that_the_map_names_exist(package: str) -> None:
    """What a room's line says of its inside is true; what follows ○ comes later."""
    gone = []
    for line in map_lines(package):
        room = line.split()[0]
        if room.endswith("/"):
            inside = line.partition("○")[0]
            named = re.findall(r"(?<![\w/*])([a-z_0-9]+(?:\.py|/))(?=[\s,;:()]|$)", inside.strip().removeprefix(room))
            places = (ROOT / package, ROOT / package / room)
            gone += [f"{room}{name}" for name in named if not any(list(p.rglob(name.rstrip("/"))) for p in places)]
    assert gone == []


def modules() -> list[Path]:
    folders = (*PACKAGES, "benchmarks", "scripts", "tests")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_modules_can_be_read_in_one_sitting() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in modules()}
    long = {name for name, count in lines.items() if count > MOST_LINES}
    assert sorted(long - LONGER.keys()) == [], f"over {MOST_LINES} lines: split, or give the reason"
    assert sorted(LONGER.keys() - long) == [], "no longer over the limit"


def test_a_module_begins_with_what_belongs_there() -> None:
    """Only the face of a folder of tests may be empty."""
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not path.read_text("utf-8").lstrip().startswith(('"""', 'r"""'))
        and not (path.name == "__init__.py" and path.stat().st_size == 0)
    ]
    assert silent == []
