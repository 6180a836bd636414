"""Embeddings are read as numbers where that is the same as reading their text: nothing of a result differs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandera.pandas as pa_schema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalab.ingest.records import Records, read_block
from datalab.ingest.text import TextMember
from datalab.validation import pipeline
from datalab.validation.marks import Look
from tests.labs import Checked, check_text, make_lab
from tests.strategies import BAD_FLOATS, GOOD_FLOATS

Check = Callable[..., Checked]

PLAIN = st.sampled_from(["0", "-1.5", "2e-3", "inf", "", '""', '"0.25"', "0.1234567890123456789", "1e400", "-0.0"])
NUMBER = st.one_of(
    PLAIN, PLAIN, PLAIN, st.sampled_from(GOOD_FLOATS + BAD_FLOATS), st.sampled_from(['" 1"', '"1 "', "x"])
)
TEXT = st.sampled_from(["a", "a", "b", "c d", " e", "f ", '"g, h"', '" i"', "user_id", ""])
ROW = st.tuples(TEXT, TEXT, NUMBER, NUMBER).map(",".join)
CLEAN = st.tuples(st.integers(0, 99).map(str), st.just("s"), PLAIN, PLAIN).map(",".join)
ODD = st.sampled_from(["a", "a,b,1", "a,b,1,2,3", "user_id,scope,e0,e1", "", " "])
INCOMPLETE = st.tuples(st.sampled_from(["", "u"]), st.sampled_from(["", "s"]), PLAIN, PLAIN).map(",".join)
FILES = st.lists(st.one_of(CLEAN, CLEAN, CLEAN, CLEAN, ROW, ODD, INCOMPLETE), max_size=60).map("\n".join)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Records]:
    """What was read from blocks, in order of their reading."""
    found: list[Records] = []

    def read(*args: Any, **options: Any) -> Records:
        found.append(read_block(*args, **options))
        return found[-1]

    monkeypatch.setattr(pipeline, "read_block", read)
    return found


@settings(max_examples=80)
@given(text=FILES, size=st.sampled_from([16, 64, 200, 1 << 20]), pause=st.integers(0, 2), drop=st.booleans())
def test_reading_numbers_changes_nothing(text: str, size: int, pause: int, drop: bool) -> None:
    lab = make_lab(numEmbeddings=2, dropInvalidRows=drop)
    results = []
    for numbers in (Look.numbers, lambda _: ()):
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
            patched.setattr(TextMember.chunks, "__defaults__", (size,))
            patched.setattr(pipeline, "_BLOCKS_AS_TEXT", pause)
            patched.setattr(Look, "numbers", numbers)
            results.append(check_text(Path(folder), "embeddings", text, lab))
    assert results[0] == results[1]


def rows(count: int, last: str = "1.5") -> str:
    return "".join(f"u{number},s,{number}.25,{last if number == count - 1 else 1}\n" for number in range(count))


def test_clean_blocks_are_read_once_and_as_numbers(check: Check, readings: list[Records], tiny_chunks: Any) -> None:
    tiny_chunks(256)
    assert check("embeddings", rows(100)).report["numInvalidRowsTotal"] == 0
    assert [records.has_numbers for records in readings].count(False) == 1, "the first block"
    assert sum(records.count for records in readings) == 100


@pytest.mark.parametrize(("last", "invalid"), [("nan", 0), ("NaN", 0), ("nan(1)", 1), ("1,5", 1), (" 1", 1), ("x", 1)])
def test_the_last_value_of_a_block_can_make_it_text(
    last: str, invalid: int, check: Check, readings: list[Records]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TextMember.chunks, "__defaults__", (1 << 12,))
        found = check("embeddings", rows(1_000, last))
    assert found.report["numInvalidRowsTotal"] == invalid
    assert [records.has_numbers for records in readings].count(True) > 1
    if last.lower() == "nan":
        assert found.rows[-1][-1] in (None, "")


def test_an_invalid_row_is_kept_as_it_was_written(check: Check, readings: list[Records], tiny_chunks: Any) -> None:
    tiny_chunks(64)
    found = check("embeddings", rows(20) + "u99,,0.10,1E2\n")
    assert [(row.row, row.values) for row in found.invalid] == [(20, ["u99", None, "0.10", "1E2"])]
    of_its_block = [records for records in readings if "u99" in records.rows.column(0).to_pylist()]
    assert of_its_block[-1].has_numbers is False


def test_blocks_after_one_that_is_no_number_are_not_tried(
    check: Check, readings: list[Records], tiny_chunks: Any
) -> None:
    """An attempt costs as much as the reading itself."""
    tiny_chunks(1 << 12)
    check("embeddings", "".join(f"u{number},s,{number}.25,x\n" for number in range(20_000)))
    assert not any(records.has_numbers for records in readings)
    blocks = sum(records.count for records in readings) / 20_000
    assert blocks == 1


def test_the_pandera_schema_judges_cells_of_every_file(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[list[str]] = []
    validate = pa_schema.DataFrameSchema.validate

    def spy(self: pa_schema.DataFrameSchema, frame: Any, *args: Any, **options: Any) -> Any:
        judged.append(list(self.columns))
        return validate(self, frame, *args, **options)

    monkeypatch.setattr(pa_schema.DataFrameSchema, "validate", spy)
    check("embeddings", rows(10))
    assert judged == [["user_id", "scope"], ["number"]]


def test_two_thousand_columns_are_read_as_numbers(check: Check, readings: list[Records], tiny_chunks: Any) -> None:
    tiny_chunks(1 << 15)
    line = ",".join(["0.25"] * 2_000)
    text = "".join(f"u{number},s,{line}\n" for number in range(40))
    found = check("embeddings", text, lab=make_lab(numEmbeddings=2_000))
    assert found.report["numInvalidRowsTotal"] == 0
    assert any(records.has_numbers for records in readings)
