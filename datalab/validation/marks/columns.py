"""Finds certain values in a column by their lengths and first bytes, so that a clean column costs little."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datalab.ingest.records import Indexes

_FIRST_BYTES = 3
_FEW = 16
_QUARTER = 4


class TextColumn:
    """A column of text and the bytes of its values."""

    def __init__(self, values: pa.StringArray) -> None:
        self.values = values
        _, offsets, data = values.buffers()
        self._offsets: NDArray[np.int32] = np.frombuffer(offsets, np.int32)[values.offset :][: len(values) + 1]
        self._data = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)

    @cached_property
    def _lengths(self) -> NDArray[np.int32]:
        return np.diff(self._offsets)

    @cached_property
    def is_ascii(self) -> bool:
        """Whether no value has another character."""
        content = self._data[self._offsets[0] : self._offsets[-1]]
        return content.size == 0 or int(content.max()) < 0x80

    def rows_of(self, words: Sequence[str]) -> Indexes:
        """Return the rows whose value is one of `words`, which are ASCII."""
        found = [self._rows_of([word.encode() for word in words if len(word) == length]) for length in _lengths(words)]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    @cached_property
    def _first(self) -> NDArray[np.uint8]:
        """The first byte of each value; of an empty one any."""
        return self._data.take(self._offsets[:-1], mode="clip")

    @cached_property
    def _first_quarters(self) -> NDArray[np.uint32] | None:
        """The first four bytes of each value if all begin at a multiple of four, as hashes and UUIDs do."""
        if np.bitwise_or.reduce(self._offsets) % _QUARTER or len(self._data) < _QUARTER:
            return None
        quarters = self._data[: len(self._data) // _QUARTER * _QUARTER].view(np.uint32)
        return quarters.take(self._offsets[:-1] >> 2, mode="clip")

    def _rows_of(self, words: list[bytes]) -> Indexes:
        """Return the rows whose value is one of `words`, which have one length."""
        of_length = self._lengths == len(words[0])
        if not of_length.any():
            return np.empty(0, np.int64)
        if np.count_nonzero(of_length) * _FEW < len(of_length):
            rows = np.flatnonzero(of_length)
            rows = rows[np.isin(self._data.take(self._offsets.take(rows)), [word[0] for word in words])]
        elif len(words[0]) >= _QUARTER and self._first_quarters is not None:
            begins = [np.frombuffer(word[:_QUARTER], np.uint32)[0] for word in words]
            rows = np.flatnonzero(np.logical_or.reduce([self._first_quarters == begin for begin in begins]) & of_length)
        else:
            begin = np.logical_or.reduce([self._first == byte for byte in {word[0] for word in words}])
            rows = np.flatnonzero(begin & of_length)
        for place in range(1, min(_FIRST_BYTES, len(words[0]))):
            possible = np.zeros(256, bool)
            possible[[word[place] for word in words]] = True
            rows = rows[possible[self._data.take(self._offsets.take(rows) + np.int32(place))]]
        if not rows.size:
            return rows
        same = pc.is_in(self.values.take(pa.array(rows)), pa.array([word.decode() for word in words], pa.string()))
        found: Indexes = rows[same.to_numpy(zero_copy_only=False)]
        return found

    def count(self, pattern: str) -> int:
        """Return how many values have a part that matches `pattern`."""
        return int(pc.match_substring_regex(self.values, pattern).true_count)


def _lengths(words: Sequence[str]) -> list[int]:
    return sorted(set(map(len, words)))
