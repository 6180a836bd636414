"""Keeps a hash of the key of every row, in memory or on disk, and finds the rows whose hash repeats.

Equal keys have equal hashes, so only these rows are compared by their keys. Keys are defined elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datalab.engines import Hashes, Rows
from datalab.scratch import new_file

Flags = NDArray[np.uint16]

FLAG_BITS = 16
"""Number of bits that a caller may keep for each row."""
_PARTITIONS = 256
_PARTITION_SHIFT = np.uint64(56)
_ROW_MASK = np.uint64((1 << (64 - FLAG_BITS)) - 1)
_FLAG_SHIFT = np.uint64(64 - FLAG_BITS)
_BUFFERED_ROWS = 2_000_000
_SORTERS = 2


class KeySpool:
    """The key hashes of all rows, with a row number and flags each; in memory if few, on disk if many."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "keys"
        self._segments: list[list[tuple[int, int]]] = [[] for _ in range(_PARTITIONS)]
        """Of each partition: where its entries are in the file, as (bytes before, number of entries)."""
        self._written = 0
        self._buffer: list[NDArray[np.uint64]] = []
        self._buffered = 0
        self._spilled = False

    def add(self, hashes: Hashes, rows: Rows, flags: Flags | None = None) -> None:
        """Add rows; `rows` must ascend from call to call."""
        entries = np.empty((len(hashes), 2), np.uint64)
        entries[:, 0] = hashes
        entries[:, 1] = rows
        if flags is not None:
            entries[:, 1] |= flags.astype(np.uint64) << _FLAG_SHIFT
        self._buffer.append(entries)
        self._buffered += len(entries)
        if self._buffered >= _BUFFERED_ROWS:
            self._spill()

    def repeated(self) -> Iterator[tuple[Rows, Flags]]:
        """Yield (rows, flags) of all rows whose hash occurs more than once; rows ascend within an item only."""
        if not self._spilled:
            yield from _unpacked(_repeated(np.concatenate(self._buffer))) if self._buffer else ()
            return
        self._spill()
        with ThreadPoolExecutor(_SORTERS, thread_name_prefix="sort") as pool:
            for found in pool.map(lambda partition: _repeated(self._load(partition)), range(_PARTITIONS)):
                yield from _unpacked(found)

    def _spill(self) -> None:
        if not self._buffer:
            return
        entries = np.concatenate(self._buffer)
        partitions = (entries[:, 0] >> _PARTITION_SHIFT).astype(np.uint8)
        entries = entries.take(np.argsort(partitions, kind="stable"), axis=0)
        ends = np.cumsum(np.bincount(partitions, minlength=_PARTITIONS))
        for partition, (start, end) in enumerate(zip(ends - np.diff(ends, prepend=0), ends, strict=True)):
            self._segments[partition].append((self._written + int(start) * entries.itemsize * 2, int(end - start)))
        if not self._spilled:
            new_file(self._path)
        with self._path.open("ab") as file:
            file.write(entries.data.cast("B"))  # unlike tofile, it says why it fails
        self._written += entries.nbytes
        self._buffer, self._buffered, self._spilled = [], 0, True

    def _load(self, partition: int) -> NDArray[np.uint64]:
        parts = [
            np.fromfile(self._path, np.uint64, count=2 * count, offset=before)
            for before, count in self._segments[partition]
        ]
        return np.concatenate(parts).reshape(-1, 2)


def _unpacked(found: NDArray[np.uint64]) -> Iterator[tuple[Rows, Flags]]:
    if len(found):
        yield (found & _ROW_MASK).astype(np.int64), (found >> _FLAG_SHIFT).astype(np.uint16)


def _repeated(entries: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The second halves of the entries whose hash is not unique, in ascending order of row."""
    hashes = entries[:, 0]
    ordered = np.sort(hashes)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    found: NDArray[np.uint64] = again
    if again.size:
        again = np.unique(again)
        nearest = np.minimum(np.searchsorted(again, hashes), len(again) - 1)
        found = entries[again[nearest] == hashes, 1]
        found = found[np.argsort(found & _ROW_MASK, kind="stable")]
    return found
