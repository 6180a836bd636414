"""Rows keep their record numbers, however batches share row groups."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.validation import rows_file
from datalab.validation.row_set import RowSet
from datalab.validation.rows_file import RowsFile

SCHEMA = pa.schema([("user_id", pa.string())])
BLOCKS = st.lists(st.lists(st.booleans(), max_size=12), max_size=12)
"""Which records of each block are kept."""


def write(file: RowsFile, blocks: list[list[bool]]) -> list[int]:
    """Append the kept records, each with its number as text; return the numbers."""
    first, numbers = 0, []
    for block in blocks:
        kept = first + np.flatnonzero(block)
        rows = pa.record_batch([pa.array(map(str, kept), pa.string())], schema=SCHEMA)
        file.append(rows, first, len(block), None if all(block) else np.flatnonzero(block))
        numbers += kept.tolist()
        first += len(block)
    file.finish()
    return numbers


def some(numbers: set[int]) -> RowSet:
    rows = RowSet()
    rows.add(np.array(sorted(numbers), np.int64))
    return rows


@given(BLOCKS, st.sets(st.integers(0, 150)), st.integers(1, 30), st.integers(1, 400))
def test_rows_are_found_by_their_numbers(
    blocks: list[list[bool]], chosen: set[int], group_rows: int, group_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(rows_file, "_GROUP_ROWS", group_rows)
        patched.setattr(rows_file, "_GROUP_BYTES", group_bytes)
        with RowsFile(Path(folder) / "rows", SCHEMA) as file:
            numbers = write(file, blocks)
        assert pq.read_table(file.path)["user_id"].to_pylist() == list(map(str, numbers))
        found = [row for table in file.select(some(chosen)) for row in table.to_pylist()]
        assert found == [{"row": row, "user_id": str(row)} for row in numbers if row in chosen]
        dropped = file.without(some(chosen), Path(folder) / "left")
        assert [row for table in dropped for row in table.to_pylist()] == found
        left = pq.read_table(Path(folder) / "left")
        assert left["user_id"].to_pylist() == [str(row) for row in numbers if row not in chosen]


def groups(path: Path, columns: int, batches: list[int]) -> list[int]:
    """The rows of each row group when batches with these numbers of rows are written."""
    schema = pa.schema([(f"e{column}", pa.float64()) for column in range(columns)])
    with RowsFile(path, schema) as file:
        for count in batches:
            array = pa.array(np.zeros(count))
            file.append(pa.RecordBatch.from_arrays([array] * columns, schema=schema), 0, count, None)
        file.finish()
    metadata = pq.read_metadata(path)
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


def test_batches_share_a_row_group_up_to_a_number_of_rows(tmp_path: Path) -> None:
    assert groups(tmp_path / "rows", 2, [60_000] * 4) == [180_000, 60_000]
    assert groups(tmp_path / "rows", 2, [1, 2, 180_000, 3, 4]) == [180_003, 7]
    assert groups(tmp_path / "rows", 2, [250_000, 7]) == [250_000, 7]


def test_batches_of_wide_rows_share_a_row_group_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_file, "_GROUP_BYTES", 1 << 20)
    columns, rows = 1_000, 42
    shared = groups(tmp_path / "rows", columns, [rows] * 10)
    most = (1 << 20) // (columns * 8)
    assert sum(shared) == 10 * rows
    assert all(most - rows < count <= most for count in shared[:-1])


def test_a_single_large_batch_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_file, "_GROUP_BYTES", 100)
    assert groups(tmp_path / "rows", 3, [50, 1, 50]) == [50, 1, 50]
