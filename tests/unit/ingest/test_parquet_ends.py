"""Every type of a Parquet column at both ends of its range: the text is exact, or the file is refused."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.ingest.failures import FileLevelError
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.parquet_text import text_of

DAY = 86_400
LEAST, MOST = -(2**63), 2**63 - 1
FIRST_INT96 = -210_866_803_200 * 10**6
"""Microseconds of the first day of INT96 in 4713 BC."""


def texts(table: pa.Table, **options: Any) -> list[list[str | None]]:
    """Return the text of every column of a table that has been through a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    buffer.seek(0)
    batches = list(ParquetMember(buffer).batches(rows=3))
    return [
        [value for batch in batches for value in batch.column(index).to_pylist()] for index in range(table.num_columns)
    ]


def stamps(values: list[int | None], unit: str, zone: str | None = None) -> pa.Array:
    return pa.array(values, pa.int64()).cast(pa.timestamp(unit, zone))


def nines(precision: int, scale: int) -> list[Decimal]:
    """Return the ends of a decimal type, and its smallest step."""
    return [
        Decimal((sign, digits, -scale)) for sign, digits in ((1, (9,) * precision), (0, (9,) * precision), (0, (1,)))
    ]


ENDS = [
    *(
        (pa.array([-(2**bits), 2**bits - 1], f"int{bits + 1}"), [str(-(2**bits)), str(2**bits - 1)])
        for bits in (7, 15, 31, 63)
    ),
    *((pa.array([0, 2**bits - 1], f"uint{bits}"), ["0", str(2**bits - 1)]) for bits in (8, 16, 32, 64)),
    (pa.array(np.array([-65504, 65504, 6e-8], np.float16)), ["-65504", "65504", "0.000000059604645"]),
    (pa.array([-3.4028235e38, 3.4028235e38, 1e-45], "float32"), ["-3.4028235e38", "3.4028235e38", "1e-45"]),
    (
        pa.array([-1.7976931348623157e308, 1.7976931348623157e308, 5e-324, -5e-324]),
        ["-1.7976931348623157e308", "1.7976931348623157e308", "5e-324", "-5e-324"],
    ),
    *(
        (pa.array(nines(digits, scale), kind(digits, scale)), [format(value, "f") for value in nines(digits, scale)])
        for kind, digits in ((pa.decimal32, 9), (pa.decimal64, 18), (pa.decimal128, 38), (pa.decimal256, 76))
        for scale in (0, 6, 7, digits)
    ),
    (
        pa.array([-719_529, -719_162, 2_932_896, 2_932_897, -94_952_093, 94_243_522], "int32").cast("date32"),
        # In this calendar there is a year 0; 400 years have 146,097 days.
        ["-0001-12-31", "0001-01-01", "9999-12-31", "+10000-01-01", "-258000-01-01", "+260000-01-01"],
    ),
    (pa.array([0, DAY - 1], "int32").cast("time32[s]"), ["00:00:00", "23:59:59"]),
    (pa.array([0, 1000 * DAY - 1], "int32").cast("time32[ms]"), ["00:00:00", "23:59:59.999"]),
    (pa.array([0, 10**6 * DAY - 1]).cast("time64[us]"), ["00:00:00", "23:59:59.999999"]),
    (pa.array([0, 10**9 * DAY - 1]).cast("time64[ns]"), ["00:00:00", "23:59:59.999999999"]),
    *(
        (pa.array([LEAST, MOST]).cast(pa.duration(unit)), [f"-PT9223372036{least}S", f"PT9223372036{most}S"])
        for unit, least, most in (
            ("s", "854775808", "854775807"), ("ms", "854775.808", "854775.807"),
            ("us", "854.775808", "854.775807"), ("ns", ".854775808", ".854775807"),
        )
    ),
    (stamps([LEAST, MOST], "ns"), ["1677-09-21T00:12:43.145224192", "2262-04-11T23:47:16.854775807"]),
    (
        stamps([LEAST, None, MOST], "ns", "+02:00"),
        ["1677-09-21T02:12:43.145224192+02:00", None, "2262-04-12T01:47:16.854775807+02:00"],
    ),
    (
        stamps([LEAST, MOST], "ns", "-05:00"),
        ["1677-09-20T19:12:43.145224192-05:00", "2262-04-11T18:47:16.854775807-05:00"],
    ),
    (stamps([-62_135_596_800_000, 253_402_300_799_999], "ms"), ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "expected"), ENDS, ids=lambda value: str(value.type) if isinstance(value, pa.Array) else ""
)
def test_both_ends_of_each_type(column: pa.Array, expected: list[str | None]) -> None:
    assert texts(pa.table({"x": column})) == [expected]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([-(2**31), 0], "int32").cast("date32"),
        pa.array([2**31 - 1], "int32").cast("date32"),
        pa.array([DAY * 1000 * (2**31 - 1)]).cast("date64"),
        *(stamps([end], unit, zone) for end in (LEAST, MOST) for unit in ("ms", "us") for zone in (None, "+02:00")),
        pa.array([DAY], "int32").cast("time32[s]"),
        pa.array([-1]).cast("time64[us]"),
    ],
    ids=lambda column: str(column.type),
)
def test_what_has_no_text_is_refused(column: pa.Array) -> None:
    with pytest.raises(FileLevelError):
        texts(pa.table({"x": column}))


@given(st.lists(st.dates() | st.none(), max_size=8), st.integers(-260_000, 260_000))
def test_dates_of_every_year(dates: list[dt.date | None], year: int) -> None:
    assert text_of(pa.array(dates, pa.date32())).to_pylist() == [date and date.isoformat() for date in dates]
    day = (np.datetime64(str(year % 400 + 2000), "D") - np.datetime64("1970-01-01")).astype(int)
    far = int(day) + (year - year % 400 - 2000) // 400 * 146_097  # the calendar repeats after 400 years
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    assert text_of(pa.array([far], pa.int32()).cast(pa.date32())).to_pylist() == [f"{sign}{abs(year):04}-01-01"]


class TestInt96:
    """The timestamps that cluster jobs write without saying so."""

    def test_years_that_do_not_fit_into_nanoseconds(self) -> None:
        column = stamps([253_402_214_400_000, 1_577_934_245_000, 253_402_300_799_999, None, 9_223_372_800_000], "ms")
        assert texts(pa.table({"x": column}), use_deprecated_int96_timestamps=True) == [
            ["9999-12-31T00:00:00", "2020-01-02T03:04:05", "9999-12-31T23:59:59.999", None, "2262-04-12T00:00:00"]
        ]

    @given(
        st.lists(st.integers(FIRST_INT96, 8 * 10**18) | st.none(), min_size=1, max_size=9),
        st.lists(st.integers(LEAST, MOST) | st.none(), min_size=9, max_size=9),
    )
    def test_the_text_is_that_of_the_usual_timestamps(self, micros: list[int | None], nanos: list[int | None]) -> None:
        near, far = stamps(nanos[: len(micros)], "ns"), stamps(micros, "us")
        # Columns whose names a path of Parquet cannot tell from each other.
        table = pa.table([near, pa.array(range(len(micros))), far, near], ["t", "n", "t", "t.x"])
        as_text = [text_of(column.combine_chunks()).to_pylist() for column in table.columns]
        assert texts(table, use_deprecated_int96_timestamps=True, row_group_size=4) == as_text

    def test_a_year_without_a_text_is_refused(self) -> None:
        with pytest.raises(FileLevelError):
            texts(pa.table({"x": stamps([2**31 * DAY], "s")}), use_deprecated_int96_timestamps=True)
