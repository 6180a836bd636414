"""Every invalid row is kept, in file order, with all its reasons and as it was written."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.kinds import DatasetKind
from datalab.validation import invalid_rows
from datalab.validation.stream import validate
from tests.labs import EMAIL, USER_ID, Checked, InvalidRow, check_text, make_lab

Check = Callable[..., Checked]
NOT_ENOUGH, TOO_MANY = "NOT_ENOUGH_COLUMNS_PROVIDED", "TOO_MANY_COLUMNS_PROVIDED"


class TestWhatIsKept:
    def test_of_segments_every_kind_of_fault(self, check: Check) -> None:
        text = 'u1,s1\nu2\nu1,s1\n,s\n"u,3","s,x",more\nu4,s4\n,\n'
        assert check("segments", text).invalid == [
            InvalidRow(1, NOT_ENOUGH, None, "u2"),
            InvalidRow(2, "DUPLICATE_VALUES", ["u1", "s1"], None),
            InvalidRow(3, "EMPTY_CELL", [None, "s"], None),
            InvalidRow(4, TOO_MANY, None, '"u,3","s,x",more'),
            InvalidRow(6, "EMPTY_CELL", [None, None], None),
        ]

    def test_both_reasons_of_one_row_of_embeddings(self, check: Check) -> None:
        checked = check("embeddings", "u,s,1,2\n,s,x,1\nu,s,3,4\n")
        assert checked.invalid == [
            InvalidRow(1, "EMPTY_CELL INVALID_FLOAT_FORMAT", [None, "s", "x", "1"], None),
            InvalidRow(2, "DUPLICATE_VALUES", ["u", "s", "3", "4"], None),
        ]

    def test_identifiers_are_normalised_and_a_duplicate_has_no_other_reason(self, check: Check) -> None:
        lab = make_lab(USER_ID, EMAIL, numIdentifiersColumns=2)
        text = "u1,a@b.c\nu2,A@b.c\nu3,\nu2,A@b.c\nu4\nu1,a@b.c\n"
        assert check("identifiers", text, lab=lab).invalid == [
            InvalidRow(1, "INVALID_EMAIL_FORMAT", ["u2", "email", "A@b.c"], None),
            InvalidRow(2, "EMPTY_CELL", ["u3", "email", None], None),
            InvalidRow(3, "DUPLICATE_VALUES", ["u2", "email", "A@b.c"], None),
            InvalidRow(4, NOT_ENOUGH, None, "u4"),
            InvalidRow(5, "DUPLICATE_VALUES", ["u1", "email", "a@b.c"], None),
        ]

    def test_of_a_file_that_keeps_invalid_rows(self, check: Check) -> None:
        lab = make_lab(dropInvalidRows=False)
        assert [row.row for row in check("segments", "u,s\n,s\nu,s\n", lab=lab).invalid] == [1]
        assert [row.row for row in check("segments", "u,s\nv,s\nu,s\n", lab=lab).invalid] == [2]

    def test_a_file_that_cannot_be_read_has_none(self, check: Check) -> None:
        assert check("segments", b"\x89PNG\r\n\x1a\n\0\0\0").invalid == []

    @pytest.mark.parametrize("end", ["", '"x"y,z,1\n"open'])
    def test_a_broken_quote_and_line_breaks_stay_what_they_were(self, end: str, check: Check) -> None:
        checked = check("segments", 'u1,"a\nb",c\r\n' + end)
        records = [next(csv.reader([row.record or ""])) for row in checked.invalid]
        assert records == [["u1", "a\nb", "c"], *([["xy", "z", "1"], ["open"]] if end else [])]

    def test_a_compressed_file(self, check: Check) -> None:
        assert [row.record for row in check("segments", gzip.compress(b"u\nv,s\n")).invalid] == ["u"]

    def test_of_parquet_of_a_wrong_width_the_fields(self, tmp_path: Path) -> None:
        path = tmp_path / "file.parquet"
        pq.write_table(pa.table({"a": ["u1", None], "b": ["s1", "s2"], "c": [1, 2]}), path)
        checked = check_text(tmp_path, "segments", path.read_bytes())
        assert checked.invalid == [
            InvalidRow(0, TOO_MANY, ["u1", "s1", "1"], None),
            InvalidRow(1, TOO_MANY, [None, "s2", "2"], None),
        ]


@pytest.mark.parametrize("rows", [20, 30_000])
def test_many_rows_of_a_wrong_width_are_kept_as_they_are(rows: int, check: Check) -> None:
    """More of them than the fast reader reports one by one are separated all at once."""
    text = "".join(f"u{number};s{number}\r\n" if number % 3 else f"u{number},s\n" for number in range(rows))
    found = check("segments", text).invalid
    assert [(row.row, row.record) for row in found] == [
        (number, f"u{number};s{number}") for number in range(rows) if number % 3
    ]


def test_rows_of_many_blocks_are_in_file_order(check: Check, tiny_chunks: Callable[[int], None]) -> None:
    tiny_chunks(16)
    text = "".join(f"u{number % 7},s\n" if number % 3 else f"x{number}\n" for number in range(60))
    found = check("segments", text).invalid
    assert [row.row for row in found] == sorted(row.row for row in found)
    assert [row.row for row in found if row.record] == list(range(0, 60, 3))
    assert sum(row.reasons == "DUPLICATE_VALUES" for row in found) == 40 - 7


class TestLimits:
    def test_only_the_first_rows_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(invalid_rows, "MAX_INVALID_ROWS", 3)
        path, kept = tmp_path / "file", tmp_path / "invalid.parquet"
        path.write_text("u,s\nu,s\n,a\nx\n,b\ny\nu,s\n")
        lab = make_lab()
        validate(path, DatasetKind.SEGMENTS, lab, valid_rows=tmp_path / "valid.parquet", invalid_rows=kept)
        assert pq.read_table(kept)["row"].to_pylist() == [1, 2, 3]
        assert pq.read_table(tmp_path / "valid.parquet").num_rows == 1

    def test_long_values_and_records_are_cut_off(self, check: Check) -> None:
        long = "é" * 40_000
        value, record = check("segments", f",{long}\n{long}\n").invalid
        assert value.values == [None, "é" * 32_768 + "…"]
        assert record.record == "é" * 32_768 + "…"

    def test_without_invalid_rows_nothing_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("u,s\nu,s\n,a\n")
        validate(path, DatasetKind.SEGMENTS, make_lab(), valid_rows=tmp_path / "valid.parquet")
        assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "valid.parquet"]
