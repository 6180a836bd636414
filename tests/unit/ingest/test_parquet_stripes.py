"""A row group whose columns do not fit into memory together is read in stripes of columns, with the same result."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.errors import OutputFailed
from datalab.ingest import ParquetMember, open_input
from datalab.ingest.parquet import Stripes
from datalab.ingest.parquet_columns import Columns
from datalab.ingest.parquet_footer import read_footer
from datalab.ingest.parquet_pages import RowGroupPages
from datalab.scratch import scratch_directory
from tests.unit.ingest.parquet_bytes import Column, Page, dictionary, file_of, plain
from tests.unit.ingest.parquet_files import ALL_FIRST, IDS, MIB, pages_of, reason, written

LIMIT = "datalab.ingest.parquet.PARQUET_RESIDENT_BYTES"
WORDS = st.text(st.sampled_from('ab é,"\n'), max_size=5)
INSTANTS = st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2400, 1, 1))
VALUES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.string(), WORDS),
    (pa.large_string(), WORDS),
    (pa.dictionary(pa.int8(), pa.string()), WORDS),
    (pa.float64(), st.floats()),
    (pa.float32(), st.floats(width=32)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint8(), st.integers(0, 255)),
    (pa.bool_(), st.booleans()),
    (pa.decimal128(9, 7), st.integers(-99, 99).map(lambda number: Decimal(number) / 10**7)),
    (pa.date32(), st.dates()),
    (pa.date64(), st.dates()),
    (pa.time64("us"), st.times()),
    (pa.timestamp("us"), INSTANTS),
    (pa.timestamp("ms", "+02:00"), INSTANTS),
    (pa.duration("s"), st.integers(0, 99)),
    (pa.null(), st.none()),
]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(VALUES), min_size=2, max_size=9))
    rows = draw(st.integers(1, 30))
    arrays = [
        pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind) for kind, values in kinds
    ]
    return pa.Table.from_arrays(arrays, names=[draw(st.sampled_from(["x", "y", "x.y"])) for _ in kinds])


def limit(data: bytes, rows: int, spare: int) -> int:
    """The least memory with which every column can be read alone, and `spare` bytes."""
    file = io.BytesIO(data)
    footer, schema = read_footer(file), pq.read_metadata(io.BytesIO(data)).schema
    most = 0
    for group, count in enumerate(footer.rows):
        if count:
            pages = RowGroupPages(file, footer, schema, group, rows, 1_000_000, 1 << 16)
            at_once = pages.rows_at_once_in_stripes()
            most = max(most, *(pages.memory(at_once, range(one, one + 1)) for one in range(len(schema))))
    readers = Columns(pq.ParquetFile(file, coerce_int96_timestamp_unit="s"), file, 1 << 16).readers
    return readers * (footer.memory + most) + spare


def read(path: Path, rows: int, scratch: Path) -> tuple[list[tuple[str | None, ...]], int]:
    """The rows of all members, and how long they are as CSV text."""
    found: list[tuple[str | None, ...]] = []
    size = 0
    with open_input(path) as opened:
        for member in opened.members():
            assert isinstance(member, ParquetMember)
            for batch in member.batches(rows, scratch=scratch):
                assert batch.schema.names == [str(number) for number in range(member.num_columns)]
                found += zip(*(column.to_pylist() for column in batch.columns), strict=True)
            size += member.text_bytes
    return found, size


@given(tables(), st.integers(1, 40), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 200_000), st.data())
def test_stripes_read_as_the_whole(
    table: pa.Table, rows: int, plain_values: bool, old_times: bool, zipped: bool, spare: int, data: st.DataObject
) -> None:
    content = written(
        table,
        row_group_size=data.draw(st.integers(1, table.num_rows)),
        use_dictionary=not plain_values,
        use_deprecated_int96_timestamps=old_times,
        data_page_size=data.draw(st.sampled_from([1, 64, MIB])),
    )
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        path = Path(folder) / "input"
        if zipped:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a.parquet", content)
                archive.writestr("b.parquet", content)
        else:
            path.write_bytes(content)
        with scratch_directory(Path(folder)) as scratch:
            whole = read(path, rows, scratch)
            patched.setattr(LIMIT, limit(content, rows, spare))
            written_stripes: list[None] = []
            add = Stripes.add
            patched.setattr(Stripes, "add", lambda self, batches: written_stripes.append(add(self, batches)))
            assert read(path, rows, scratch) == whole
            assert list(scratch.iterdir()) == [], "the space is free again"
        assert written_stripes or spare, "nothing was read in stripes"


WIDE = written(pa.table({f"c{column}": [f"v{row}-{column}" for row in range(50)] for column in range(12)}))


def test_stripes_are_neighbours_that_fit() -> None:
    pages = pages_of(WIDE)
    alone = max(pages.memory(10, range(column, column + 1)) for column in range(12))
    for most in (1, alone, 2 * alone, 5 * alone, 100 * alone):
        stripes = pages.stripes(10, most)
        assert [column for stripe in stripes for column in stripe] == list(range(12))
        assert all(len(stripe) == 1 or pages.memory(10, stripe) <= most for stripe in stripes)
    assert len(pages.stripes(10, 1)) == 12
    assert len(pages.stripes(10, pages.memory(10))) == 1


def test_the_first_rows_need_only_the_beginning_of_every_stripe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(LIMIT, limit(WIDE, 10, 0))
    member = ParquetMember(io.BytesIO(WIDE))
    first = next(member.batches(10, at_most=20, scratch=tmp_path))
    assert first.column(11).to_pylist() == [f"v{row}-11" for row in range(10)]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 12 * 2_000


def test_a_full_disk_is_no_damage_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(LIMIT, limit(WIDE, 10, 0))
    monkeypatch.setattr("datalab.ingest.parquet_stripes.new_file", lambda _: Path("/dev/full"))
    with pytest.raises(OutputFailed, match="No space left on device"):
        list(ParquetMember(io.BytesIO(WIDE)).batches(10, scratch=tmp_path))


def test_damage_in_a_later_stripe_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = Column([Page(plain("a", "b", "c"), 3)], 3), Column([Page(plain("a", "b", "c")[:-3], 3)], 3)
    data = file_of(*(good.named(f"g{number}") for number in range(4)), bad)
    monkeypatch.setattr(LIMIT, limit(data, 3, 0))
    assert "the data pages are damaged" in reason(data)


def test_one_column_that_does_not_fit_is_named_and_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    large = [dictionary(plain(*IDS), len(IDS)), Page(ALL_FIRST, 3, encoding=8)]
    data = file_of(Column([Page(plain("a", "b", "c"), 3)], 3), Column(large, 3, name="big"))
    monkeypatch.setattr(LIMIT, 2 * MIB)
    assert reason(data) == (
        "Parquet column 'big' cannot be processed: row group 0 of it needs 4 MiB of memory at once, more than 2 MiB "
        "— write smaller row groups or pages"
    )


def test_scratch_is_not_filled_with_what_is_much_longer_than_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = ["v" * 10_000] * 1_000
    data = written(pa.table({f"x{column}": values for column in range(8)}))
    monkeypatch.setattr(LIMIT, limit(data, 100, 0))
    monkeypatch.setattr("datalab.ingest.parquet.PARQUET_TEXT_BYTES", 12 * MIB)
    monkeypatch.setattr("datalab.ingest.parquet.PARQUET_TEXT_RATIO", 1)
    added: list[int] = []
    add = Stripes.add

    def counted(self: Stripes, batches: Any) -> None:
        add(self, batches)
        added.append(sum(path.stat().st_size for path in tmp_path.iterdir()))

    monkeypatch.setattr(Stripes, "add", counted)
    with pytest.raises(Exception, match="PARQUET_READ_ERROR"):
        list(ParquetMember(io.BytesIO(data)).batches(100, scratch=tmp_path))
    assert len(added) == 1 and added[0] < 12 * MIB
