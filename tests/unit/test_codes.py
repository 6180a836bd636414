"""Every code that a report, a statistics file or a hint can hold is explained, in one place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from datalab.codes import CODES, DATA_ERRORS, HINTS, QUALITY_WARNINGS, ROW_ERRORS, explain
from datalab.id_types import IdType

ROOT = Path(__file__).parents[2]
ROOMS = ("ingest", "kinds", "results", "statistics", "validation")
"""The rooms that give codes."""

NO_CODES = {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY", "CODE_VERSION"}
"""Words that are written like codes: types of Parquet, the name of a constant."""


def given() -> set[str]:
    """Every string of the rooms that is written like a code, and the codes of the identifier types."""
    modules = [path for room in ROOMS for path in (ROOT / "datalab" / room).rglob("*.py")]
    texts = {
        node.value
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    codes = {text for text in texts if re.fullmatch(r"[A-Z]+(_[A-Z0-9]+)+", text)}
    return (codes - NO_CODES) | {form.code for kind in IdType if (form := kind.value_format)}


def specified(heading: str) -> set[str]:
    """The codes in the first column of a table of the specification."""
    text = (ROOT / "docs" / "spec" / "statistics.md").read_text(encoding="utf-8")
    table = text.partition(f"\n| {heading} | ")[2].partition("\n\n")[0]
    return {code for line in table.splitlines()[2:] for code in re.findall(r"[A-Z_]{5,}", line.split("|")[1])}


def test_every_code_that_is_given_is_explained_and_no_other() -> None:
    assert given() == set(CODES)


def test_findings_are_those_of_the_specification() -> None:
    assert specified("data error") == set(DATA_ERRORS)
    assert specified("quality warning") == set(QUALITY_WARNINGS)


@pytest.mark.parametrize("code", CODES)
def test_an_explanation_is_written_for_people(code: str) -> None:
    words = explain(code)
    assert words.meaning[0].isupper() or words.meaning.startswith("userId")
    assert not words.meaning.endswith(".") and words.advice.endswith(".")
    assert not words.reason.endswith(".") and words.label.lower() == words.reason.lower()
    assert bool(words.short) == (code in ROW_ERRORS)


def test_the_words_of_a_format_are_those_of_its_identifier_type() -> None:
    for form in filter(None, (kind.value_format for kind in IdType)):
        assert explain(form.code).reason == f"not {form.name}"
        assert form.is_lower_case == ("Upper case" in explain(form.code).advice)


def test_no_advice_asks_for_a_change_of_the_definition() -> None:
    advice = " ".join(words.advice for words in CODES.values())
    assert not re.search(r"add (it|them|the identifier)|out of the lab|change the lab", advice)
    assert explain("UNKNOWN_ID_NAME") == explain("UNKNOWN_ID_NAMES")


def test_a_code_of_a_later_version_explains_itself() -> None:
    assert explain("NEW_KIND_OF_ERROR").label == "New kind of error" and explain("NEW_KIND_OF_ERROR").advice
    assert "NEW_KIND_OF_ERROR" not in CODES and not set(HINTS) & set(QUALITY_WARNINGS)


def test_importing_the_codes_imports_no_library() -> None:
    code = (
        "import sys, datalab.codes; "
        "print(sorted({'pandas', 'pyarrow', 'pandera', 'numpy', 'pydantic', 'duckdb'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
