"""Frames and tables as CSV files: the bytes that pandas writes, and one report for the same rows in any library."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.errors import UsageError
from datalab.ingest import frames
from datalab.ingest.frames import ColumnsMissing, ColumnUnusable, NotAFrame, cells_as_text, is_frame, write_csv
from datalab.kinds import DatasetKind
from datalab.validation import validate_file
from tests.labs import make_lab

PLANTED = "planted-4711"
CELLS = st.one_of(st.none(), st.text(st.sampled_from('abé ,"\n;\t😀'), max_size=4))
WITH_CR = 'a\rb,"\r\n'


def written(frame: Any, folder: Path, columns: list[str] | None = None) -> str:
    path = folder / "frame.csv"
    write_csv(frame, path, columns)
    return path.read_bytes().decode()


def by_pandas(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False, header=False))


def in_every_library(table: pa.Table) -> dict[str, Any]:
    return {
        "pandas": table.to_pandas(),
        "pandas on Arrow": table.to_pandas(types_mapper=pd.ArrowDtype),
        "polars": pl.from_arrow(table),
        "arrow": table,
        "batch": table.combine_chunks().to_batches()[0],
        "reader": table.to_reader(),
        "duckdb": duckdb.from_arrow(table),
    }


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1))
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_texts_are_written_as_pandas_writes_them(tmp_path: Path, rows: list[tuple[str | None, str | None]]) -> None:
    frame = pd.DataFrame(rows, columns=["user_id", "segment"], dtype=object)
    assert written(frame, tmp_path) == by_pandas(frame)
    table = pa.table(
        {"a": pa.array([row[0] for row in rows], pa.string()), "b": pa.array([row[1] for row in rows], pa.string())}
    )
    assert {name: written(found, tmp_path) for name, found in in_every_library(table).items()} == dict.fromkeys(
        in_every_library(table), by_pandas(frame)
    )


@given(st.lists(st.floats()), st.lists(st.floats(width=32)))
@settings(deadline=None)
def test_floats_are_written_as_python_and_numpy_write_them(doubles: list[float], singles: list[float]) -> None:
    assert cells_as_text(pa.array(doubles, pa.float64())).to_pylist() == [
        None if number != number else repr(number) for number in doubles
    ]
    texts = cells_as_text(pa.array(singles, pa.float32())).to_pylist()
    assert texts == [None if number != number else str(np.float32(number)) for number in singles]


def test_values_of_other_types_are_written_as_pandas_writes_them(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "whole with a gap": [1, None, 3],
            "nullable": pd.array([1, None, 3], "Int64"),
            "number": [0.1, np.nan, 1e-7],
            "boolean": [True, False, True],
            "category": pd.Categorical(["a", None, "b"]),
            "objects": [1, "x", None],
            "ids": [uuid.UUID(int=1), None, uuid.UUID(int=2)],
            "day": [datetime.date(2026, 11, 1), None, datetime.date(2026, 11, 2)],
            "moment": pd.to_datetime(["2026-11-01 12:00:00", None, "2026-11-02 12:30:00"]),
            "zone": pd.to_datetime(["2026-11-01 12:00:00", None, "2026-11-02 12:30:00"], utc=True),
            "amount": [decimal.Decimal("1.50"), None, decimal.Decimal("2")],
        },
        index=["x", "y", "z"],
    )
    assert written(frame.drop(columns="amount"), tmp_path) == by_pandas(frame.drop(columns="amount"))
    assert written(frame[["amount"]], tmp_path) == '1.50\n""\n2.00\n'


def test_a_carriage_return_is_quoted_although_pandas_does_not(tmp_path: Path) -> None:
    assert written(pd.DataFrame({"a": ["x\ry"]}), tmp_path) == '"x\ry"\n'


def test_a_date_and_time_always_has_its_time(tmp_path: Path) -> None:
    assert written(pd.DataFrame({"t": pd.to_datetime(["2026-11-01"])}), tmp_path) == "2026-11-01 00:00:00\n"


def test_a_frame_longer_than_a_block_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_ROWS", 3)
    frame = pd.DataFrame({"a": [f"u{n}" for n in range(10)], "b": range(10)})
    assert written(frame, tmp_path) == written(pa.Table.from_pandas(frame), tmp_path) == by_pandas(frame)


def test_columns_are_taken_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    table = pa.table({"day": ["d"], "segment": ["s"], "user_id": ["u"]})
    for frame in (table, table.to_pandas()):
        assert written(frame, tmp_path, ["user_id", "segment"]) == "u,s\n"
    with pytest.raises(ColumnsMissing, match=r"no column 'user'; did you mean 'user_id'\? Nothing"):
        written(table, tmp_path, ["user", "segment"])


def test_an_empty_frame_is_an_empty_file(tmp_path: Path) -> None:
    assert written(pd.DataFrame({"a": [], "b": []}), tmp_path) == written(pa.table({"a": []}), tmp_path) == ""


@pytest.mark.parametrize(
    "values", [[[PLANTED]], [PLANTED.encode()], [{"a": PLANTED}], [1, [PLANTED]], [b"x", PLANTED]], ids=str
)
def test_values_that_have_no_text_are_refused_without_showing_one(values: list[Any], tmp_path: Path) -> None:
    with pytest.raises(ColumnUnusable, match=r"Column 1 \(counted from 0\)") as refused:
        written(pd.DataFrame({"user_id": ["u"] * len(values), "segment": values}), tmp_path)
    assert PLANTED not in str(refused.value)


def _lazy() -> Any:
    return pl.DataFrame({"a": [PLANTED]}).lazy()


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (_lazy, r"LazyFrame.*Call its method collect\(\)"),
        (lambda: {"2026-11-01": PLANTED}, "dict.*give the lab the partitions"),
        (lambda: [PLANTED], "list.*Change the asset"),
        (lambda: None, "NoneType"),
        (lambda: pd.Series([PLANTED]), "Series"),
        (lambda: pa.array([PLANTED]), "StringArray"),
        (lambda: pl.Series([PLANTED]), "Series"),
    ],
)
def test_what_is_no_table_is_refused_without_showing_a_value(
    make: Callable[[], Any], advice: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=advice) as refused:
        write_csv(make(), tmp_path / "x.csv", what="The value of asset segments")
    assert isinstance(refused.value, NotAFrame) and PLANTED not in str(refused.value)
    assert str(refused.value).startswith("The value of asset segments is a ")


def test_a_frame_has_the_report_of_the_file_that_pandas_writes(tmp_path: Path) -> None:
    rows = [("u1", "sport"), ("u1", "sport"), (None, "news"), ("u2", ""), ("u,3", 'x "y"\n'), ("u4", WITH_CR)]
    frame = pd.DataFrame(rows, columns=["user_id", "segment"])
    assert is_frame(frame)
    reference, path = tmp_path / "reference.csv", tmp_path / "written.csv"
    frame.replace(WITH_CR, "a\nb").to_csv(reference, index=False, header=False)
    write_csv(frame.replace(WITH_CR, "a\nb"), path)
    lab = make_lab(requireSegments=True)
    found = [validate_file(one, DatasetKind.SEGMENTS, lab).model_dump_json() for one in (reference, path)]
    assert found[0] == found[1]
    assert validate_file(path, DatasetKind.SEGMENTS, lab).report.num_invalid_rows_total == 3
