"""The public schemas against the report of a file with the same rows."""

import csv
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from datalab.errors import ConfigurationError
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import lab_from_dict
from datalab.schemas import demographics_schema, embeddings_schema, identifiers_schema, segments_schema
from datalab.validation import validate_file

LAB = lab_from_dict(
    {
        "identifiersConfig": [
            {"idName": "userId", "idType": "MAID"},
            {"idName": "email", "idType": "EMAIL", "isMatchingId": True},
            {"idName": "hash", "idType": "HASHED_EMAIL"},
            {"idName": "phone", "idType": "HASHED_PHONE_NUMBER"},
        ],
        "requireSegments": True,
        "requireDemographics": True,
        "requireEmbeddings": True,
        "numEmbeddings": 2,
    }
)
SCHEMAS = {
    DatasetKind.IDENTIFIERS: identifiers_schema(LAB),
    DatasetKind.SEGMENTS: segments_schema(),
    DatasetKind.DEMOGRAPHICS: demographics_schema(),
    DatasetKind.EMBEDDINGS: embeddings_schema(2),
}
USERS = st.sampled_from(["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-00000000000a", "u", "", None])
WORDS = st.sampled_from(["sport", "Sport", "a, b", 'a "b"', "", None])
NUMBERS = st.sampled_from(["0.5", "1e3", "nan", "-inf", "1,5", "x", "0x1", "", None])
CELLS = {
    DatasetKind.IDENTIFIERS: (
        USERS,
        st.sampled_from(["userId", "email", "hash", "phone", "other", "", None]),
        st.one_of(USERS, st.sampled_from(["a@b", "A@b", "0" * 64, "f" * 63, "x"])),
    ),
    DatasetKind.SEGMENTS: (USERS, WORDS),
    DatasetKind.DEMOGRAPHICS: (USERS, WORDS, WORDS),
    DatasetKind.EMBEDDINGS: (USERS, WORDS, NUMBERS, NUMBERS),
}


def failing(schema: pa_schema.DataFrameSchema, frame: pd.DataFrame) -> dict[str, set[Any]]:
    """Return the labels of the rows that fail, by code."""
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        return {str(code): set(rows) for code, rows in cases.groupby("check")["index"]}
    return {}


@contextmanager
def report_of(kind: DatasetKind, rows: list[tuple[str | None, ...]]) -> Iterator[tuple[dict[str, int], list[Any]]]:
    """Yield the invalid rows by code, and the valid ones, of a file with these rows."""
    with tempfile.TemporaryDirectory() as folder:
        path, valid = Path(folder, "rows.csv"), Path(folder, "valid.parquet")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        report = validate_file(path, kind, LAB, valid_rows=valid).report
        by_code = report.num_invalid_rows_by_error_code or {}
        yield dict(by_code), [tuple(row.values()) for row in pq.read_table(valid).to_pylist()]


@pytest.mark.parametrize("kind", DatasetKind)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_rows_that_fail_are_those_that_the_report_of_a_file_counts(kind: DatasetKind, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*CELLS[kind]), min_size=1, max_size=12))
    schema = SCHEMAS[kind]
    frame = pd.DataFrame(rows, columns=list(schema.columns), dtype=object)
    failed = failing(schema, frame)
    with report_of(kind, rows) as (by_code, valid):
        assert {code: len(labels) for code, labels in failed.items()} == by_code
        assert len(frame) - len(set().union(*failed.values())) == len(valid)


@pytest.mark.parametrize(
    "as_dtype",
    [
        pytest.param(lambda values: pd.Series(values, dtype=object), id="objects"),
        pytest.param(lambda values: pd.Series(values, dtype="str"), id="text of pandas"),
        pytest.param(lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.string())), id="text of Arrow"),
        pytest.param(lambda values: pd.Series(values, dtype="category"), id="categories"),
    ],
)
def test_any_dtype_and_index_of_a_frame(as_dtype: Callable[[list[Any]], "pd.Series[Any]"]) -> None:
    frame = pd.DataFrame({"user_id": as_dtype(["u", None, "", "u"]), "segment": as_dtype(["a", "a", "a", "a"])})
    frame.index = pd.Index(["first", "second", "third", "fourth"])
    before = frame.copy()
    assert failing(segments_schema(), frame) == {"EMPTY_CELL": {"second", "third"}, "DUPLICATE_VALUES": {"fourth"}}
    pd.testing.assert_frame_equal(frame, before)


def test_numbers_may_be_numbers_and_ids_too() -> None:
    frame = pd.DataFrame({"user_id": [1, 2, 2], "scope": ["news"] * 3, "e0": [0.5, None, 1.0], "e1": [1, 2, 3]})
    assert failing(embeddings_schema(2), frame) == {"DUPLICATE_VALUES": {2}}
    mixed = pd.DataFrame({"user_id": [1, "1", None], "segment": ["a", "a", "a"]}, dtype=object)
    assert failing(segments_schema(), mixed) == {"DUPLICATE_VALUES": {1}, "EMPTY_CELL": {2}}


@pytest.mark.parametrize("columns", [["segment", "user_id"], ["user_id"], ["user_id", "segment", "more"]])
def test_other_columns_are_refused(columns: list[str]) -> None:
    frame = pd.DataFrame({name: ["a"] for name in columns})
    with pytest.raises(SchemaErrors):
        segments_schema().validate(frame, lazy=True)


def test_an_empty_frame_passes() -> None:
    for schema in SCHEMAS.values():
        assert failing(schema, pd.DataFrame({name: [] for name in schema.columns})) == {}


def test_more_dimensions_than_a_lab_can_have() -> None:
    with pytest.raises(ConfigurationError):
        embeddings_schema(10**9)


def test_every_kind_has_a_public_schema() -> None:
    assert set(SCHEMAS) == set(KINDS)
    assert [schema.name for schema in SCHEMAS.values()] == [kind.value for kind in SCHEMAS]


def test_every_failure_is_reported() -> None:
    frame = pd.DataFrame({"user_id": [None] * 500, "segment": ["a"] * 500})
    counts = Counter({code: len(rows) for code, rows in failing(segments_schema(), frame).items()})
    assert counts == {"EMPTY_CELL": 500}
