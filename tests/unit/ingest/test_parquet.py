"""Parquet tables become text.

The rules: docs/spec/validation.md#63-parquet, docs/spec/validation.md#75-originalfilesizebytes and
docs/spec/validation.md#b2-text-of-parquet-values.
"""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datalab.ingest.failures import FileLevelError
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.parquet_text import text_of


def stored(table: pa.Table, **options: Any) -> ParquetMember:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    buffer.seek(0)
    return ParquetMember(buffer)


def texts(column: pa.Array) -> list[str | None]:
    """Return the text of a column that has been through a Parquet file."""
    return [value for batch in stored(pa.table({"x": column})).batches() for value in batch.column(0).to_pylist()]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["a", "", None, " "]), ["a", None, None, " "]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([1, 2, None]).dictionary_encode(), ["1", "2", None]),
        (pa.array([2**64 - 1, 0], pa.uint64()), ["18446744073709551615", "0"]),
        (pa.array([-128, 127], pa.int8()), ["-128", "127"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([0, 18262, 2932897, -719529], pa.int32()).cast(pa.date32()),
         ["1970-01-01", "2020-01-01", "+10000-01-01", "-0001-12-31"]),
        (pa.array([dt.date(2020, 1, 2)], pa.date64()), ["2020-01-02T00:00:00"]),
        (pa.array([0, 1, 1500, -1], pa.timestamp("ms")),
         ["1970-01-01T00:00:00", "1970-01-01T00:00:00.001", "1970-01-01T00:00:01.500", "1969-12-31T23:59:59.999"]),
        (pa.array([1, 1500, 10**6], pa.timestamp("ns")),
         ["1970-01-01T00:00:00.000000001", "1970-01-01T00:00:00.000001500", "1970-01-01T00:00:00.001"]),
        (pa.array([253402300800, 8 * 10**12, None], pa.timestamp("s")),
         ["+10000-01-01T00:00:00", "+255479-11-28T14:13:20", None]),
        (pa.array([0], pa.timestamp("us", "+02:00")), ["1970-01-01T02:00:00+02:00"]),
        (pa.array([1500000], pa.timestamp("us", "-0530")), ["1969-12-31T18:30:01.500-05:30"]),
        (pa.array([0], pa.timestamp("us", "+00:00")), ["1970-01-01T00:00:00Z"]),
        (pa.array([0], pa.timestamp("us", "UTC")), ["1970-01-01T00:00:00Z"]),
        (pa.array([1577836800, 1593561600, None], pa.timestamp("s", "Europe/Zurich")),
         ["2020-01-01T01:00:00+01:00", "2020-07-01T02:00:00+02:00", None]),
        (pa.array([3723006, 0], pa.time32("ms")), ["01:02:03.006", "00:00:00"]),
        (pa.array([3723006], pa.time64("ns")), ["00:00:00.003723006"]),
        (pa.array([Decimal("1.50"), Decimal("-0.05")], pa.decimal128(10, 2)), ["1.50", "-0.05"]),
        (pa.array([Decimal("0.000000001"), Decimal(-5)], pa.decimal256(60, 9)), ["0.000000001", "-5.000000000"]),
        (pa.array([5, -5, 0, 86405], pa.duration("s")), ["PT5S", "-PT5S", "P0D", "PT86405S"]),
        (pa.array([1500, -5], pa.duration("ms")), ["PT1.5S", "-PT0.005S"]),
        (pa.array([None, None], pa.null()), [None, None]),
        (pa.array([0.1, 100.0, -0.0, 2.0**-12], pa.float16()), ["0.099975586", "100", "-0", "0.00024414063"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)  # fmt: skip
def test_the_text_of_each_type(column: pa.Array, expected: list[str | None]) -> None:
    assert texts(column) == expected


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (100.0, "100.0"), (1e-5, "0.00001"), (9.999e-6, "9.999e-6"), (1e15, "1000000000000000.0"),
        (9.9e15, "9900000000000000.0"), (1e16, "1e16"), (123456789012345680.0, "1.2345678901234568e17"),
        (5e-324, "5e-324"), (1.5e300, "1.5e300"), (-0.0, "-0.0"), (float("nan"), "NaN"), (float("-inf"), "-inf"),
    ],
)  # fmt: skip
def test_the_text_of_doubles(number: float, text: str) -> None:
    assert texts(pa.array([number])) == [text]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"), (1e-6, "0.000001"), (9.99e-7, "9.99e-7"), (9.9e12, "9900000000000.0"), (1e13, "1e13"),
        (16777216.0, "16777216.0"), (1e-45, "1e-45"), (3.4e38, "3.4e38"),
    ],
)  # fmt: skip
def test_the_text_of_singles(number: float, text: str) -> None:
    assert texts(pa.array([number], pa.float32())) == [text]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_doubles_keep_their_value_and_form(numbers: list[float]) -> None:
    for number, text in zip(numbers, text_of(pa.array(numbers, pa.float64())).to_pylist(), strict=True):
        assert float(text) == number
        plain = number == 0 or 1e-5 <= abs(number) < 1e16
        assert ("e" not in text and "." in text) if plain else ("e" in text and "+" not in text)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20))
def test_singles_keep_their_value(numbers: list[float]) -> None:
    for number, text in zip(numbers, text_of(pa.array(numbers, pa.float32())).to_pylist(), strict=True):
        assert np.float32(text) == np.float32(number)


def csv_field(value: str, *, alone: bool) -> str:
    if set(value) & set(',"\r\n') or (alone and not value):
        return '"' + value.replace('"', '""') + '"'
    return value


CELLS = st.none() | st.text(st.sampled_from('ab é,"\r\n\ufeff\u3000'), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8), st.booleans())
@example([['"', "a"]] * 3 + [[None, None]] * 3, True)
@example([['"', "a"]] * 3 + [[None, None]] * 3, False)
def test_text_bytes_are_those_of_the_csv(rows: list[list[str | None]], both: bool) -> None:
    columns = 2 if both else 1
    table = pa.table({str(index): pa.array([row[index] for row in rows], pa.string()) for index in range(columns)})
    member = stored(table)
    assert sum(batch.num_rows for batch in member.batches(rows=3)) == len(rows)
    lines = [",".join(csv_field(value or "", alone=not both) for value in row[:columns]) for row in rows]
    expected = sum(len(line.encode()) + 1 for line in lines if line.strip())
    assert member.text_bytes == expected


def test_batches_are_of_strings_named_by_position() -> None:
    member = stored(pa.table({"id": [1, 2, 3], "x": ["a", "", "c"]}))
    batches = list(member.batches(rows=2))
    assert (member.num_columns, member.num_rows, member.rows_read) == (2, 3, 3)
    assert [batch.schema for batch in batches] == [pa.schema({"0": pa.string(), "1": pa.string()})] * 2
    assert [batch.to_pydict() for batch in batches] == [{"0": ["1", "2"], "1": ["a", None]}, {"0": ["3"], "1": ["c"]}]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"a": [1], "b": [b"x"], "c": [[1]]}),
         "Parquet column 'b' cannot be processed: un-annotated binary column (Binary) "
         "— re-export with UTF-8 string annotations"),
        (pa.table({"b": pa.array([b"abc"], pa.binary(3))}),
         "Parquet column 'b' cannot be processed: un-annotated binary column (FixedSizeBinary(3)) "
         "— re-export with UTF-8 string annotations"),
        (pa.table({"b": pa.array([b"abc"], pa.large_binary())}),
         "Parquet column 'b' cannot be processed: un-annotated binary column (LargeBinary) "
         "— re-export with UTF-8 string annotations"),
        (pa.table({"c": [[1]], "b": [b"x"]}),
         "Parquet column 'c' cannot be processed: nested column type (list<element: int64>) "
         "— flatten to primitive columns before uploading"),
    ],
)  # fmt: skip
def test_the_first_column_without_text_is_named(table: pa.Table, message: str) -> None:
    with pytest.raises(FileLevelError) as failure:
        stored(table)
    assert failure.value.message == message
    assert str(failure.value) == failure.value.code == "PARQUET_READ_ERROR"


@pytest.mark.parametrize("table", [pa.table({"b": pa.array([], pa.binary())}), pa.table({"a": [1]}).select([])])
def test_a_table_without_rows_or_columns_is_never_refused(table: pa.Table) -> None:
    member = stored(table)
    assert (member.num_rows, list(member.batches()), member.text_bytes) == (0, [], 0)


def test_strings_that_are_no_utf8_are_damage() -> None:
    bytes_as_text = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    with pytest.raises(FileLevelError, match=r"^PARQUET_READ_ERROR$"):
        list(stored(pa.table({"x": bytes_as_text})).batches())


def test_damaged_pages_are_found(tmp_path: Path) -> None:
    path = tmp_path / "input"
    pq.write_table(pa.table({"x": [f"value {number}" for number in range(2000)]}), path, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(FileLevelError) as failure:
        list(ParquetMember(str(path), member="a.parquet").batches())
    assert failure.value.message.startswith("Could not read Parquet file: zip member 'a.parquet': ")
    assert failure.value.detected_file_type == "application/zip"


def test_a_broken_footer_is_found() -> None:
    with pytest.raises(FileLevelError, match=r"^PARQUET_READ_ERROR$"):
        ParquetMember(io.BytesIO(b"PAR1\0\0\0PAR1"))
