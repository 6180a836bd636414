"""Keeps a hash of the key of every row, in memory or on disk, and finds the rows whose hash repeats.

Equal keys have equal hashes, so only these rows are compared by their keys. Keys are defined elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datalab.engines import Hashes, Rows
from datalab.scratch import forget, new_file

Flags = NDArray[np.uint16]

FLAG_BITS = 16
"""Number of bits that a caller may keep for each row."""
_PARTITIONS = 256
_PARTITION_SHIFT = np.uint64(56)
_ROW_MASK = np.uint64((1 << (64 - FLAG_BITS)) - 1)
_FLAG_SHIFT = np.uint64(64 - FLAG_BITS)
_BUFFERED_ROWS = 2_000_000
_SORTERS = 2
_ENTRY_BYTES = 16
_AT_ONCE = 1_000_000
_LARGE = 2_500_000
"""A partition of more entries is partitioned again."""


class KeySpool:
    """The key hashes of all rows, with a row number and flags each; in memory if few, on disk if many."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
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
        files = [self._file(partition) for partition in range(_PARTITIONS)]
        large = [file for file in files if _entries_in(file) > _LARGE]
        with ThreadPoolExecutor(_SORTERS, thread_name_prefix="sort") as pool:
            for found in pool.map(lambda file: _repeated(_load(file)), (file for file in files if file not in large)):
                yield from _unpacked(found)
        for file in large:
            yield from _repeated_in_large(file, _PARTITION_SHIFT)

    def _spill(self) -> None:
        if not self._buffer:
            return
        entries = np.concatenate(self._buffer)
        for partition, part in _partitioned(entries, _PARTITION_SHIFT):
            _append(self._file(partition), part)
        self._buffer, self._buffered, self._spilled = [], 0, True

    def _file(self, partition: int) -> Path:
        return self._directory / f"keys-{partition:03}"


class MarkedRows:
    """Row numbers with flags, in a file, as there may be as many as rows; read back in the same order."""

    _TYPE = np.dtype([("row", np.int64), ("flags", np.uint16)])

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, rows: Rows, flags: Flags) -> None:
        """Append rows."""
        if not len(rows):
            return
        entries = np.empty(len(rows), self._TYPE)
        entries["row"], entries["flags"] = rows, flags
        _append(self._path, entries)

    def read(self) -> Iterator[tuple[Rows, Flags]]:
        """Yield (rows, flags) of all rows, some at a time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            while len(entries := np.fromfile(file, self._TYPE, _AT_ONCE)):
                yield entries["row"].copy(), entries["flags"].copy()


def _partitioned(entries: NDArray[np.uint64], shift: np.uint64) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """Yield the entries by the eight bits of their hash above `shift`, each part in the order of the entries."""
    partitions = (entries[:, 0] >> shift).astype(np.uint8)
    entries = entries.take(np.argsort(partitions, kind="stable"), axis=0)
    ends = np.cumsum(np.bincount(partitions, minlength=_PARTITIONS))
    for partition, (start, end) in enumerate(zip(ends - np.diff(ends, prepend=0), ends, strict=True)):
        yield partition, entries[start:end]


def _append(path: Path, entries: NDArray[Any]) -> None:
    if not path.exists():
        new_file(path)
    with path.open("ab") as file:
        file.write(entries.view(np.uint8).data)  # unlike tofile, it says why it fails


def _entries_in(file: Path) -> int:
    return file.stat().st_size // _ENTRY_BYTES if file.exists() else 0


def _load(file: Path) -> NDArray[np.uint64]:
    if not file.exists():
        return np.empty((0, 2), np.uint64)
    return np.fromfile(file, np.uint64).reshape(-1, 2)


def _slices(file: Path) -> Iterator[NDArray[np.uint64]]:
    with file.open("rb") as stream:
        while len(entries := np.fromfile(stream, np.uint64, 2 * _AT_ONCE)):
            yield entries.reshape(-1, 2)


def _repeated_in_large(file: Path, shift: np.uint64) -> Iterator[tuple[Rows, Flags]]:
    """Do the same as `_repeated` for a partition that is not loaded as a whole, then remove it.

    Hashes spread evenly over partitions unless they are equal: a partition is large only if many rows have the same
    key, or many more rows are in the file than memory holds.
    """
    lowest = min(int(entries[:, 0].min()) for entries in _slices(file))
    highest = max(int(entries[:, 0].max()) for entries in _slices(file))
    if lowest == highest:
        for entries in _slices(file):
            yield from _unpacked(entries[:, 1])
    else:
        shift -= np.uint64(8)
        parts = [file.with_name(f"{file.name}-{partition:03}") for partition in range(_PARTITIONS)]
        for entries in _slices(file):
            for partition, part in _partitioned(entries, shift):
                if len(part):
                    _append(parts[partition], part)
        for part_file in parts:
            if _entries_in(part_file) > _LARGE:
                yield from _repeated_in_large(part_file, shift)
            else:
                yield from _unpacked(_repeated(_load(part_file)))
                forget(part_file)
    forget(file)


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
