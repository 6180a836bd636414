"""Duplicates are found exactly: across blocks, across the spill to disk, and when hashes collide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from datalab.engines.duckdb import DuckDBEngine
from datalab.validation import key_spool
from tests.labs import Checked, make_lab

Check = Callable[..., Checked]


@pytest.fixture(params=["as it is", "tiny blocks", "spilled", "spilled in tiny blocks", "all hashes equal"])
def pressed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tiny_chunks: Callable[[int], None]
) -> None:
    """The same checks under every circumstance that must not matter."""
    if "tiny" in request.param:
        tiny_chunks(16)
    if "spilled" in request.param:
        monkeypatch.setattr(key_spool, "_BUFFERED_ROWS", 3)
    if "equal" in request.param:
        monkeypatch.setattr(DuckDBEngine, "key_hashes", lambda _, columns: np.full(len(columns[0]), 7, np.uint64))


def duplicates(checked: Checked) -> list[int]:
    return [error["location"]["row"] for error in checked.report["uniqueness"]["recordedErrors"]]


@pytest.mark.usefixtures("pressed")
class TestWhateverTheCircumstances:
    def test_the_first_of_equal_rows_survives(self, check: Check) -> None:
        checked = check("segments", "a,s\nb,s\na,s\nc,s\na,t\nb,s\na,s\n")
        assert duplicates(checked) == [2, 5, 6]
        assert checked.rows[1:] == [["a", "s"], ["b", "s"], ["c", "s"], ["a", "t"]]

    def test_an_invalid_row_is_no_duplicate_and_has_none(self, check: Check) -> None:
        checked = check("embeddings", "a,s,x,1\na,s,1,1\na,s,2,y\na,s,3,3\n")
        assert duplicates(checked) == [3]
        assert checked.rows[1:] == [["a", "s", "1.0", "1.0"]]

    def test_of_demographics_the_user_alone_is_the_key(self, check: Check) -> None:
        checked = check("demographics", "a,1,f\na,2,m\nb,,\nb,1,\n")
        assert duplicates(checked) == [1, 3]
        assert checked.rows[1:] == [["a", "1", "f"], ["b", "", ""]]

    def test_text_is_compared_exactly(self, check: Check) -> None:
        different = ["a,s", "A,s", "a ,s", " a,s", "a,S", "é,s", "e\u0301,s", '"a,s",', '"a","s\n"']
        checked = check("segments", "\n".join([*different[:7], *different[8:], '"a","s"']))
        assert duplicates(checked) == [8]

    def test_values_do_not_run_into_each_other(self, check: Check) -> None:
        assert duplicates(check("segments", 'ab,c\na,bc\n"a,b",c\na,"b,c"\n')) == []

    def test_of_equal_identifiers_the_later_ones_are_duplicates_even_when_invalid(self, check: Check) -> None:
        text = "u,email,A@b\nv,email,a@b\nu,email,A@b\n,email,\nv,email,a@b\n,email,\nu,email,A@b\n,,\n,,\n"
        checked = check("identifiers", text)
        invalid = checked.report["invalidRows"]
        assert [s["rowNumber"] for s in invalid["duplicates"]["sampleDuplicateRows"]] == [2, 4, 5, 6, 8]
        assert [s["rowNumber"] for s in invalid["missingValues"]["sampleMissingValues"]] == [3, 7]
        assert [s["rowNumber"] for s in invalid["invalidIdFormat"]["sampleInvalidIdFormat"]] == [0]
        assert invalid["totalInvalidRows"] == 8
        assert checked.report["numInvalidRowsByErrorCode"] == {
            "DUPLICATE_VALUES": 5,
            "EMPTY_CELL": 2,
            "INVALID_EMAIL_FORMAT": 1,
        }
        assert checked.rows[1:] == [["v", "email", "a@b"]]

    def test_many_rows_with_few_keys(self, check: Check) -> None:
        checked = check("segments", "".join(f"u{row % 50},s{row % 3}\n" for row in range(300)))
        assert checked.report["uniqueness"]["numErrorsTotal"] == 300 - 150
        assert checked.rows[1:] == [[f"u{row % 50}", f"s{row % 3}"] for row in range(150)]


def test_two_keys_of_one_hash_are_told_apart(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_length(_: object, columns: list[pa.Array]) -> np.ndarray:
        return np.array([len(value or "") for value in columns[0].to_pylist()], np.uint64)

    monkeypatch.setattr(DuckDBEngine, "key_hashes", by_length)
    checked = check("demographics", "aa,1,f\nbb,1,f\nccc,1,f\nbb,2,f\nd,1,f\n")
    assert duplicates(checked) == [3]


def test_a_valid_row_and_an_invalid_row_can_both_be_repeated(check: Check) -> None:
    """The samples of duplicates come from both kinds of rows."""
    report = check("identifiers", "u,email,a@b\nu,email,a@b\nu,email,A@b\nu,email,A@b\n", lab=make_lab()).report
    samples = report["invalidRows"]["duplicates"]["sampleDuplicateRows"]
    assert samples == [
        {"rowNumber": 1, "values": "u, email, a@b"},
        {"rowNumber": 3, "values": "u, email, A@b"},
    ]
