"""Each fact has one place: the modules, templates and scripts of the program are searched for its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from datalab.codes import CODES
from datalab.collaboration import CollaborationType, Part
from datalab.formats import SIZE_UNITS
from datalab.id_types import IdType
from datalab.kinds import KINDS
from datalab.results.files import RESULT_FILES
from datalab.statistics import PANELS, Panel, Thresholds
from datalab_dagster.graph.home import CODE_LOCATION

ROOT = Path(__file__).parents[2]
PACKAGES = ("datalab", "datalab_dagster", "assets", "resources")
TEXTS = {".j2", ".js", ".sql"}
NOT_OURS = {"datalab/dashboard/static/vega-bundle.js"}
"""Made from other projects' code."""
FORMATS = {form.code: form for kind in IdType if (form := kind.value_format)}

CODES_PLACE, ID_TYPES, COLLABORATION = "datalab/codes.py", "datalab/id_types.py", "datalab/collaboration.py"
FINDINGS = "datalab/statistics/findings.py"
VENDORS_CODES = "datalab_dagster/data_lab/api/validation.py"
"""The vendor's enumeration of codes, which the SDK repeats as it is."""

NUMBERS_ELSEWHERE = {
    "datalab/formats.py": "the one place",
    "datalab/statistics/compare.py": "messages of comparison.json, which the specification binds",
    "resources/process.py": "distinguishes processes by their start times; not shown to people",
    "benchmarks/tables.py": "columns of a table, each in one unit, so that two runs can be compared",
    "benchmarks/portal.py": "milliseconds and factors, so that two runs can be compared",
}
"""Modules that format a number themselves, and why they may."""

ROLE = "the word for an identifier that users are matched by"
CALLED_BY_THE_SDK = "signatures, attributes and keys of the SDK, which scripts use"
OF_THE_DEFINITION = "the identifiers of a definition, not the dataset"
THE_CHART = "the name of the chart of segments"

KINDS_ELSEWHERE = {
    "datalab/kinds/": "the one place",
    "datalab/lab.py": "wire keys of a definition",
    "datalab/collaboration.py": "what a collaboration type needs",
    "datalab/schemas.py": "one function per dataset, which pipelines call",
    "datalab/ingest/recognise/decide.py": "the rules by which a file is one kind and not another",
    "datalab/statistics/panels/": "a panel says which datasets it is computed from and shown with",
    "datalab/statistics/findings.py": "limits of the values of one dataset each",
    "datalab/statistics/legacy.py": "the vendor's first result, whose keys and sentences name the datasets",
    "datalab/media/": "what a room asks of each dataset",
    "datalab/dashboard/charts.py": THE_CHART,
    "datalab/dashboard/static/dashboard.js": THE_CHART,
    "datalab/dashboard/templates/panel.html.j2": THE_CHART,
    "datalab_dagster/cli/lab_view.py": ROLE,
    "datalab_dagster/graph/component.py": "wire keys of the definition in a new defs.yaml",
    "datalab_dagster/portal/templates/lab.html.j2": ROLE,
    "datalab_dagster/portal/templates/wizard.html.j2": ROLE,
    "datalab_dagster/portal/pages/draft.py": OF_THE_DEFINITION,
    "datalab_dagster/portal/pages/draft_form.py": OF_THE_DEFINITION,
    "datalab_dagster/data_lab/compute_job.py": CALLED_BY_THE_SDK,
    "datalab_dagster/data_lab/config.py": CALLED_BY_THE_SDK,
    "datalab_dagster/data_lab/data_lab.py": CALLED_BY_THE_SDK,
    "datalab_dagster/data_lab/local.py": CALLED_BY_THE_SDK,
    "datalab_dagster/data_lab/validation_reports.py": CALLED_BY_THE_SDK,
    "datalab_dagster/media/provisioning.py": CALLED_BY_THE_SDK,
    "datalab_dagster/media/report_jobs.py": CALLED_BY_THE_SDK,
    "datalab_dagster/media/validation_reports.py": CALLED_BY_THE_SDK,
}
"""Files and folders that name a dataset kind, and why they may."""


class Fact(NamedTuple):
    """A fact and the files that may hold it.

    Attributes:
        text: the fact, as it would be typed.
        places: the paths of the files; none: it is derived, and no file holds it.
    """

    text: str
    places: tuple[str, ...]


def sentences() -> Iterator[Fact]:
    """Yield the words of codes, identifier types and collaboration types; words of everyday use are left out."""
    for code, words in CODES.items():
        if code not in FORMATS:
            yield from (Fact(text, (CODES_PLACE,)) for text in (words.meaning, words.advice, words.short) if text)
    for form in FORMATS.values():
        yield Fact(form.name, (ID_TYPES,))
        yield Fact(form.code, (ID_TYPES, VENDORS_CODES))
    yield from (Fact(kind.label, (ID_TYPES,)) for kind in IdType if kind.label.count(" ") > 1)
    for kind in CollaborationType:
        yield Fact(kind.purpose, (COLLABORATION,))
        if " " in kind.label:
            yield Fact(kind.label, (COLLABORATION,))
    yield from (Fact(part.filled, (COLLABORATION,)) for part in Part if part.filled != part.words)
    yield Fact(Part.SEGMENTS_OR_EMBEDDINGS, (COLLABORATION,))


def _place(panel: Panel[Any]) -> str:
    return f"datalab/statistics/panels/{panel.name}.py"


FACTS = [
    *(Fact(file.name, ("datalab/results/files.py",)) for file in RESULT_FILES),
    *(Fact(file.zip_name, ()) for file in RESULT_FILES),
    Fact(CODE_LOCATION, ("datalab_dagster/graph/home.py",)),
    *(Fact(words, (_place(panel),)) for panel in PANELS for words in (panel.title, panel.question)),
    *(Fact(words, ()) for panel in PANELS for view in panel.views for words in (view.title, view.question)),
    *dict.fromkeys(sentences()),
]


@cache
def sources() -> dict[str, str]:
    """The text of every module, template, script and query, by path."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    found = {path.relative_to(ROOT).as_posix(): path for path in files if path.suffix in TEXTS | {".py"}}
    return {name: path.read_text(encoding="utf-8") for name, path in found.items() if name not in NOT_OURS}


@cache
def strings() -> dict[str, list[str]]:
    """Every string of every module, docstrings too, and the whole text of templates, scripts and queries; by path."""
    return {
        name: list(literals(source)) if name.endswith(".py") else [" ".join(source.split())]
        for name, source in sources().items()
    }


def literals(source: str) -> Iterator[str]:
    """Yield the string literals of a module, and the literal parts of its f-strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def holds_number(number: int, source: str) -> bool:
    """Return whether a file, comments and texts too, holds a whole number as people write it."""
    return re.search(rf"(?<![\w.]){number}(?![\w.])", source) is not None


def formatted(source: str) -> Iterator[str]:
    """Yield the format specifications of a module's f-strings that write a number for people."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            spec = "".join(part.value for part in node.format_spec.values if isinstance(part, ast.Constant))
            if re.fullmatch(r"[<>^]?\+?\d*(,|,?\.\d+[f%])", spec):
                yield spec


@cache
def names_of_kinds() -> frozenset[str]:
    """The names of a kind: alone, in a definition, and of the vendor."""
    found = {name for kind in KINDS.values() for name in (kind.name, kind.flag, kind.flag_key) if name}
    vendors = [kind.vendor for kind in KINDS.values() if kind.vendor]
    return frozenset(found.union(*((names.leaf, names.slot, names.policy, names.report_action) for names in vendors)))


def names_a_kind(path: str, source: str) -> bool:
    """Return whether a file names a dataset kind in what it does; sentences for people may."""
    if path.endswith(".py"):
        return any(map(_is_name_of_a_kind, ast.walk(ast.parse(source))))
    either = "|".join(names_of_kinds())
    if path.endswith(".sql"):
        return re.search(rf"(?m)^(?!--).*\b({either})\b", source) is not None
    return re.search(rf"""(["'])({either})\1""", source) is not None


def _is_name_of_a_kind(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="DatasetKind"), attr=name) if name.isupper():
            return True
        case ast.Attribute(attr=name) if name in names_of_kinds():
            return name.startswith("require_")
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name in names_of_kinds() and name.startswith("require_")
        case ast.Constant(value=str(text)):
            return text in names_of_kinds()
    return False


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.text)
def test_a_fact_is_in_one_place(fact: Fact) -> None:
    found = {path for path, texts in strings().items() if any(fact.text in text for text in texts)}
    assert found == set(fact.places)


def test_the_limit_of_segment_names_is_in_one_place() -> None:
    limit = Thresholds().max_segment_name_length
    assert limit == 128
    assert [name for name, source in sources().items() if holds_number(limit, source)] == [FINDINGS]


def test_numbers_are_written_by_one_module() -> None:
    benchmarks = {f"benchmarks/{path.name}": path.read_text("utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    modules = {name: text for name, text in (sources() | benchmarks).items() if name.endswith(".py")}
    assert {name for name, source in modules.items() if any(formatted(source))} == set(NUMBERS_ELSEWHERE)


def test_units_of_sizes_are_in_one_place() -> None:
    scripts = [text for name, text in sources().items() if not name.endswith(".py")]
    assert not [unit for unit in SIZE_UNITS for text in scripts if re.search(rf'["\' ]{unit}\b', text)]


def test_a_kind_is_named_in_its_own_file_only() -> None:
    found = {path for path, source in sources().items() if names_a_kind(path, source)}
    assert {_allowed(path) for path in found} == set(KINDS_ELSEWHERE)


def _allowed(path: str) -> str:
    """Return the entry of `KINDS_ELSEWHERE` that a file belongs to; the path itself where there is none."""
    return next(
        (place for place in KINDS_ELSEWHERE if path == place or (place[-1] == "/" and path.startswith(place))), path
    )


@pytest.mark.parametrize(
    ("path", "source", "names"),
    [
        ("a.py", "x = DatasetKind.SEGMENTS", True),
        ("a.py", "x = {'usersDataset': 1}", True),
        ("a.py", "x = lab.require_segments", True),
        ("a.py", 'x = f"--{kind.value}"', False),
        ("a.py", "x = DatasetKind(name)", False),
        ("a.py", '"""Of segments."""', False),
        ("a.js", 'if (kind === "segments") {}', True),
        ("a.js", "x.value = kind;", False),
        ("a.html.j2", "{% if 'embeddings' in draft.datasets %}", True),
        ("a.html.j2", "<p>Upload segments, then embeddings.</p>", False),
        ("a.sql", "SELECT * FROM segments s", True),
        ("a.sql", "-- of segments\nSELECT * FROM users", False),
    ],
)
def test_what_counts_as_a_name_of_a_kind(path: str, source: str, names: bool) -> None:
    assert names_a_kind(path, source) is names


def test_what_is_searched() -> None:
    searched = strings()
    assert {Path(path).suffix for path in searched} >= {".py", ".j2", ".js"}
    assert {path.partition("/")[0] for path in searched} == set(PACKAGES)
    source = '"""Doc."""\nname = "a"\ntext = f"b {name} c {7:,} {8:>9.2f}"  # "d"\n'
    assert sorted(literals(source)) == [" ", " c ", ",", ">9.2f", "Doc.", "a", "b "]
    assert holds_number(7, source) and not holds_number(9, source) and not holds_number(1, "x1 = 12 * 1.5")
    assert list(formatted(source)) == [",", ">9.2f"]
