"""Row sets against Python's own sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.validation.row_set import RowSet

ROWS = st.sets(st.one_of(st.integers(0, 40), st.integers(0, 5000)), max_size=40)


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
