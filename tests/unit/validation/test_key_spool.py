"""Key spools, in memory and on disk, against the plainest Python that does the same."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalab.validation import key_spool
from datalab.validation.key_spool import KeySpool


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2**key_spool.FLAG_BITS - 1)), max_size=12), max_size=5
    ),
    st.sampled_from([1, 4, 10**6]),
    st.booleans(),
)
@settings(max_examples=25)
def test_a_spool_gives_back_the_rows_whose_hash_repeats(
    batches: list[list[tuple[int, int]]], buffered: int, with_flags: bool
) -> None:
    """Hashes are spread over all partitions; the buffer is so small that some spools spill and some do not."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_spool, "_BUFFERED_ROWS", buffered)
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


@pytest.mark.parametrize("keys", [[7], [7, 7, 7, 8], list(range(100))], ids=["one key", "two keys", "many keys"])
def test_a_partition_that_is_too_large_is_partitioned_again(
    keys: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All hashes begin with the same bytes, as if many more rows were in the file."""
    for name, value in (("_BUFFERED_ROWS", 50), ("_LARGE", 20), ("_AT_ONCE", 30)):
        monkeypatch.setattr(key_spool, name, value)
    spool = KeySpool(tmp_path)
    hashes = np.array([keys[row % len(keys)] for row in range(1000)], np.uint64)
    flags = np.arange(1000).astype(np.uint16)
    for start in range(0, 1000, 40):
        part = slice(start, start + 40)
        spool.add(hashes[part], np.arange(1000)[part], flags[part])
    spool.add(np.array([2**40], np.uint64), np.array([1000]))
    found: dict[int, int] = {}
    for rows, flags_of in spool.repeated():
        found |= dict(zip(rows.tolist(), flags_of.tolist(), strict=True))
    assert found == {row: row for row in range(1000)}
    assert [path.name for path in tmp_path.iterdir()] == ["keys"], "what was partitioned again is removed"


def test_few_partitions_are_sorted_ahead_of_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows may repeat: their numbers must not wait in memory until the reader has come to them."""
    sorted_so_far: list[int] = []
    sort = key_spool._repeated
    monkeypatch.setattr(key_spool, "_repeated", lambda entries: (sorted_so_far.append(1), sort(entries))[1])
    monkeypatch.setattr(key_spool, "_BUFFERED_ROWS", 1)
    spool = KeySpool(tmp_path)
    hashes = np.repeat(np.arange(256, dtype=np.uint64) << np.uint64(56), 2)
    spool.add(hashes, np.arange(512))
    ahead = [len(sorted_so_far) - read for read, _ in enumerate(spool.repeated(), 1)]
    assert len(ahead) == 256 and max(ahead) <= key_spool._SORTERS


def test_an_empty_spool_repeats_nothing(tmp_path: Path) -> None:
    assert list(KeySpool(tmp_path).repeated()) == []
