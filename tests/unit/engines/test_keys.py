"""Row sets, key spools and repeated rows, each against the plainest Python that does the same."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalab.engines import keys
from datalab.engines.keys import KeySpool, RowSet, key_hashes, repeated_rows
from datalab.errors import OutputFailed

ROWS = st.sets(st.one_of(st.integers(0, 40), st.integers(0, 5000)), max_size=40)
TEXT = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", " ", "é", "a\0b", ",", "NULL"]))


def numbers(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


@given(st.lists(ROWS, max_size=4), ROWS, st.integers(0, 12))
def test_a_row_set_is_a_set(parts: list[set[int]], asked: set[int], count: int) -> None:
    rows, model = RowSet(), set[int]()
    for part in parts:
        rows.add(numbers(sorted(part - model)))
        model |= part
    assert rows.count == len(model)
    assert rows.first(count).tolist() == sorted(model)[:count]
    assert rows.contains(numbers(list(asked))).tolist() == [row in model for row in asked]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_all_rows_up_to_a_count(count: int) -> None:
    rows = RowSet.up_to(count)
    assert rows.count == count
    assert rows.contains(numbers(list(range(count + 20)))).tolist() == [True] * count + [False] * 20
    assert rows.first(5).tolist() == list(range(min(5, count)))


def test_rows_beyond_the_largest_are_not_in_a_set() -> None:
    rows = RowSet()
    assert rows.contains(numbers([0, 10**9])).tolist() == [False, False]
    assert rows.first(3).tolist() == []


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2**keys.FLAG_BITS - 1)), max_size=12), max_size=5),
    st.sampled_from([1, 4, 10**6]),
    st.booleans(),
)
@settings(max_examples=25)
def test_a_spool_gives_back_the_rows_whose_hash_repeats(
    batches: list[list[tuple[int, int]]], buffered: int, with_flags: bool
) -> None:
    """Hashes are spread over all partitions; the buffer is so small that some spools spill and some do not."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_BUFFERED_ROWS", buffered)
        spool = KeySpool(Path(folder))
        row, by_hash, flag_of = 0, Counter[int](), dict[int, tuple[int, int]]()
        for batch in batches:
            hashes = np.array([(key * 0x9E3779B97F4A7C15) % 2**64 for key, _ in batch], np.uint64)
            rows = np.arange(row, row + len(batch))
            flags = np.array([flag for _, flag in batch], np.uint16)
            spool.add(hashes, rows, flags if with_flags else None)
            for key, flag in batch:
                flag_of[row] = (key, flag if with_flags else 0)
                by_hash[key] += 1
                row += 1
        expected = {row: flag for row, (key, flag) in flag_of.items() if by_hash[key] > 1}
        for _ in range(2):  # a spool can be read again
            found: dict[int, int] = {}
            for rows, flags in spool.repeated():
                assert rows.tolist() == sorted(rows.tolist())
                found |= dict(zip(rows.tolist(), flags.tolist(), strict=True))
            assert found == expected


def test_an_empty_spool_repeats_nothing(tmp_path: Path) -> None:
    assert list(KeySpool(tmp_path).repeated()) == []


@given(st.lists(st.lists(st.tuples(TEXT, TEXT), max_size=8), max_size=4))
def test_repeated_rows_are_all_but_the_first_of_equal_keys(tables: list[list[tuple[str | None, str | None]]]) -> None:
    rows = [(10 * index, key) for index, key in enumerate(key for table in tables for key in table)]
    first: dict[tuple[str | None, str | None], int] = {}
    for row, key in rows:
        first.setdefault(key, row)
    expected = sorted(row for row, key in rows if first[key] != row)
    remaining = iter(rows)
    arrow = []
    for table in tables:
        numbered = [next(remaining) for _ in table][::-1]  # candidates need not be sorted
        columns = {
            "row": pa.array([row for row, _ in numbered], pa.int64()),
            "k0": pa.array([key[0] for _, key in numbered], pa.string()),
            "k 1": pa.array([key[1] for _, key in numbered], pa.string()),
        }
        arrow.append(pa.table(columns))
    with tempfile.TemporaryDirectory() as folder:
        found = repeated_rows(arrow, Path(folder))
    assert found.first(1000).tolist() == expected
    assert found.count == len(expected)


def test_no_candidates_no_repeated_rows(tmp_path: Path) -> None:
    assert repeated_rows([], tmp_path).count == 0


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_equal_rows_have_equal_hashes_and_different_rows_different_ones(
    rows: list[tuple[str | None, str | None]],
) -> None:
    columns = [pa.array([row[index] for row in rows], pa.string()) for index in range(2)]
    hashes = key_hashes(columns).tolist()
    assert len(hashes) == len(rows)
    assert len(set(hashes)) == len(set(rows))


def test_no_room_to_compare_is_said_without_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise keys.duckdb.OutOfMemoryException("planted@example.com does not fit")

    monkeypatch.setattr(keys, "_later_of_equals", full)
    with pytest.raises(OutputFailed) as raised:
        repeated_rows([pa.table({"row": [1], "k": ["planted@example.com"]})], tmp_path)
    assert "planted" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__suppress_context__
