"""Every identifier type has one entry, which its words, its example and the documents agree with."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from datalab.id_types import IdType
from datalab.ingest.formats import has_format
from datalab_dagster import types

RUNNING = Path(__file__).parents[2] / "docs" / "running.md"


def test_the_vendors_enumeration_has_the_same_types() -> None:
    assert [kind.value for kind in IdType] == [kind.value for kind in types.IdType]


@pytest.mark.parametrize("id_type", IdType)
def test_a_type_is_found_by_its_wire_name(id_type: IdType) -> None:
    assert IdType(id_type.name) is id_type and f"{id_type}" == id_type.value == id_type.name


@pytest.mark.parametrize("id_type", [kind for kind in IdType if kind.value_format])
def test_the_example_is_valid(id_type: IdType) -> None:
    form = id_type.value_format
    assert form and has_format(pa.array([id_type.example]), form.pattern).to_pylist() == [True]


@pytest.mark.parametrize("id_type", [kind for kind in IdType if kind.value_format and kind.value_format.is_lower_case])
def test_a_lower_case_type_refuses_the_example_in_upper_case(id_type: IdType) -> None:
    form = id_type.value_format
    assert form and has_format(pa.array([id_type.example.upper()]), form.pattern).to_pylist() == [False]


def test_types_that_share_a_code_share_its_words() -> None:
    forms = [kind.value_format for kind in IdType if kind.value_format]
    assert len({form.code for form in forms}) == len({(form.code, form.name, form.pattern) for form in forms})


@pytest.mark.parametrize("id_type", IdType)
def test_the_words_of_a_type_begin_with_its_label(id_type: IdType) -> None:
    assert id_type.looks_like.startswith(id_type.label) and id_type.detail in id_type.looks_like


def test_the_types_are_documented() -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (.+) \| `(.+)` \|$", RUNNING.read_text("utf-8"), re.MULTILINE)
    assert rows == [(kind.value, kind.looks_like, kind.example) for kind in IdType]
