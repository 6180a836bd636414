"""Keeps a hash of the key of every row, in memory or on disk, and finds the rows whose hash repeats.

Equal keys have equal hashes, so only these rows are compared by their keys. Keys are defined elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
_PARTITION_BITS = np.uint64(8)
_PARTITION_SHIFT = np.uint64(56)
_ROW_MASK = np.uint64((1 << (64 - FLAG_BITS)) - 1)
_FLAG_SHIFT = np.uint64(64 - FLAG_BITS)
_BUFFERED_ROWS = 2_000_000
_ENTRY_BYTES = 16
_SORTERS = 2
_AT_ONCE = 1_000_000
_LARGE = 2_500_000
"""A partition of more entries is partitioned again."""


class KeySpool:
    """The key hashes of all rows, with a row number and flags each; in memory if few, on disk if many."""

    def __init__(self, directory: Path) -> None:
        self._spilled = _Partitioned(directory / "keys", _PARTITION_SHIFT)
        self._buffer: list[NDArray[np.uint64]] = []
        self._buffered = 0

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
        if self._spilled.is_empty:
            yield from _unpacked(_repeated(np.concatenate(self._buffer))) if self._buffer else ()
            return
        self._spill()
        yield from self._spilled.repeated()

    def _spill(self) -> None:
        if self._buffer:
            self._spilled.add(np.concatenate(self._buffer))
            self._buffer, self._buffered = [], 0


class _Partitioned:
    """Entries in a file, by the eight bits of their hash above `shift`."""

    def __init__(self, path: Path, shift: np.uint64) -> None:
        self._path = path
        self._shift = shift
        self._bounds: list[NDArray[np.int64]] = []
        """Of every addition: where each partition begins in the file, and where the last one ends, in entries."""

    @property
    def is_empty(self) -> bool:
        return not self._bounds

    def add(self, entries: NDArray[np.uint64]) -> None:
        """Append entries."""
        partitions = (entries[:, 0] >> self._shift).astype(np.uint8)
        entries = entries.take(np.argsort(partitions, kind="stable"), axis=0)
        ends = np.cumsum(np.bincount(partitions, minlength=_PARTITIONS))
        if self.is_empty:
            new_file(self._path)
        before = 0 if self.is_empty else int(self._bounds[-1][-1])
        self._bounds.append(before + np.concatenate([[0], ends]))
        _append(self._path, entries)

    def repeated(self) -> Iterator[tuple[Rows, Flags]]:
        """Do as `KeySpool.repeated`; a partition that is too large to be loaded is partitioned again.

        Hashes spread evenly over partitions unless they are equal: a partition is large only if many rows have the
        same key, or many more rows are in the file than memory holds.
        """
        sizes = np.sum([np.diff(bounds) for bounds in self._bounds], axis=0)
        with ThreadPoolExecutor(_SORTERS, thread_name_prefix="sort") as pool:
            under_way: deque[Future[NDArray[np.uint64]]] = deque()
            for partition in np.flatnonzero((sizes > 1) & (sizes <= _LARGE)):
                under_way.append(pool.submit(self._repeated_in, int(partition)))
                if len(under_way) > _SORTERS:  # no further ahead of the reader: what is found may be every row
                    yield from _unpacked(under_way.popleft().result())
            for found in under_way:
                yield from _unpacked(found.result())
        for partition in np.flatnonzero(sizes > _LARGE):
            yield from self._repeated_in_large(int(partition))

    def _repeated_in(self, partition: int) -> NDArray[np.uint64]:
        return _repeated(np.concatenate(list(self._parts(partition))))

    def _repeated_in_large(self, partition: int) -> Iterator[tuple[Rows, Flags]]:
        if _all_same(part[:, 0] for part in self._parts(partition)):
            for part in self._parts(partition):
                yield from _unpacked(part[:, 1])
            return
        again = _Partitioned(self._path.with_name(f"{self._path.name}-{partition:03}"), self._shift - _PARTITION_BITS)
        for entries in _gathered(self._parts(partition)):
            again.add(entries)
        yield from again.repeated()
        forget(again._path)

    def _parts(self, partition: int) -> Iterator[NDArray[np.uint64]]:
        """Yield the entries of a partition as they were added."""
        for bounds in self._bounds:
            begin, end = map(int, bounds[partition : partition + 2])
            if begin < end:
                part = np.fromfile(self._path, np.uint64, count=2 * (end - begin), offset=begin * _ENTRY_BYTES)
                yield part.reshape(-1, 2)


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
        if not self._path.exists():
            new_file(self._path)
        _append(self._path, entries)

    def read(self) -> Iterator[tuple[Rows, Flags]]:
        """Yield (rows, flags) of all rows, some at a time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            while len(entries := np.fromfile(file, self._TYPE, _AT_ONCE)):
                yield entries["row"].copy(), entries["flags"].copy()


def _append(path: Path, entries: NDArray[Any]) -> None:
    with path.open("ab") as file:
        file.write(entries.view(np.uint8).data)  # unlike tofile, it says why it fails


def _gathered(parts: Iterable[NDArray[np.uint64]]) -> Iterator[NDArray[np.uint64]]:
    """Yield the entries of `parts` in fewer, larger parts."""
    waiting: list[NDArray[np.uint64]] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _AT_ONCE:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _all_same(parts: Iterable[NDArray[np.uint64]]) -> bool:
    """Return whether all numbers of all parts are equal; of the parts, one at a time is in memory."""
    first: np.uint64 | None = None
    for part in parts:
        first = part[0] if first is None else first
        if (part != first).any():
            return False
    return True


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
