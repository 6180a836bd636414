"""Repeated keys on every engine, against the plainest Python that does the same."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.engines import Engine
from tests.engines import EngineUnderTest

TEXT = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", " ", "é", "a\0b", ",", "NULL"]))


def repeated(engine: Engine, candidates: Iterable[pa.Table]) -> list[int]:
    return sorted(row for rows in engine.repeated_rows(candidates) for row in rows.tolist())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(TEXT, TEXT), max_size=8), max_size=4))
def test_repeated_rows_are_all_but_the_first_of_equal_keys(
    engine: Engine, tables: list[list[tuple[str | None, str | None]]]
) -> None:
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
    assert repeated(engine, arrow) == expected


def test_the_hashes_of_a_large_block_have_the_order_of_its_rows(under_test: EngineUnderTest, tmp_path: Path) -> None:
    """Threads hash parts of a table, and finish in any order."""
    keys = pa.array([f"u{number}" for number in range(1_000_000)])
    with under_test.open("500MB", tmp_path, 2) as engine:
        few = np.concatenate([engine.key_hashes([keys.slice(start, 50_000)]) for start in range(0, len(keys), 50_000)])
        for _ in range(3):
            assert np.array_equal(engine.key_hashes([keys]), few)


def test_no_candidates_no_repeated_rows(engine: Engine) -> None:
    assert repeated(engine, []) == []


def test_comparisons_do_not_see_each_other(engine: Engine) -> None:
    """Not even while one of them is still read."""
    other = pa.table({"row": [7, 8], "k": ["a", "a"]})
    for rows in engine.repeated_rows([pa.table({"row": [1, 2], "k": ["a", "a"]})]):
        assert rows.tolist() == [2]
        assert repeated(engine, [other]) == [8]
    assert repeated(engine, [other]) == [8]


def test_more_keys_than_memory_holds_are_spilled(under_test: EngineUnderTest, tmp_path: Path) -> None:
    count = 1_500_000
    part = pa.table({"row": range(count), "k": [f"{n:064}" for n in range(count)]})
    again = pa.table({"row": [count], "k": [f"{5:064}"]})
    with under_test.open("100MB", tmp_path, 1) as engine:
        assert repeated(engine, [part, again]) == [count]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_equal_rows_have_equal_hashes_and_different_rows_different_ones(
    engine: Engine,
    rows: list[tuple[str | None, str | None]],
) -> None:
    columns = [pa.array([row[index] for row in rows], pa.string()) for index in range(2)]
    hashes = engine.key_hashes(columns).tolist()
    assert len(hashes) == len(rows)
    assert len(set(hashes)) == len(set(rows))


def test_hashes_are_the_same_on_every_thread(engine: Engine) -> None:
    column = pa.array([str(n) for n in range(5000)])
    expected = engine.key_hashes([column]).tolist()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: engine.key_hashes([column]).tolist(), range(20)))
    assert found == [expected] * 20


def test_an_engine_closes_while_a_thread_hashes(under_test: EngineUnderTest, tmp_path: Path) -> None:
    """Ctrl-C may come while the thread of a check is being started: nothing waits for such a thread."""
    column = pa.array([f"user-{number}" for number in range(1_000)])
    for number in range(30):
        hashed = threading.Event()
        scratch = tmp_path / str(number)
        scratch.mkdir()
        with under_test.open("500MB", scratch, 1) as engine:
            thread = threading.Thread(target=hash_until_closed, args=(engine, column, hashed))
            thread.start()
            assert hashed.wait(30)
        thread.join(30)
        assert not thread.is_alive() and list(scratch.iterdir()) == []


def hash_until_closed(engine: Engine, column: pa.Array, hashed: threading.Event) -> None:
    with suppress(Exception):  # the engine is closed
        while True:
            engine.key_hashes([column])
            hashed.set()
