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


def test_an_empty_spool_repeats_nothing(tmp_path: Path) -> None:
    assert list(KeySpool(tmp_path).repeated()) == []
