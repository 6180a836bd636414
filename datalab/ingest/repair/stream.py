"""Repairs a file in one streaming pass: blocks are read and changed in parallel and written in order."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from datalab.errors import InputChanged
from datalab.ingest.failures import FileLevelError, record_too_long
from datalab.ingest.in_order import in_order
from datalab.ingest.limits import RecordTooLongError
from datalab.ingest.repair.errors import NotRepairable
from datalab.ingest.repair.plan import Plan
from datalab.ingest.repair.read import Read, reads
from datalab.ingest.repair.step import StepName
from datalab.ingest.source import open_input

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_READ_AHEAD = 1 << 20

Progress = Callable[[int, int, int], None]
"""Called with (records read, bytes read, bytes of the file) as a file is repaired."""


@dataclass(frozen=True)
class Repaired:
    """What a repair did, in counts of the whole file."""

    records: int
    """How many records the file has."""
    written: int
    """How many records the result has."""
    touched: dict[StepName, int]
    """How many records, or rows, each step touched."""


@dataclass(frozen=True)
class _Changed:
    text: bytes
    records: int
    written: int
    touched: tuple[int, ...]


class Repairing:
    """A repair while it runs, for what reads its text piece by piece."""

    def __init__(self, plan: Plan, *, scratch: Path | None = None, progress: Progress | None = None) -> None:
        """Keep what `repair` is given."""
        self._plan = plan
        self._scratch = scratch
        self._progress = progress
        self._touched: Counter[StepName] = Counter(dict.fromkeys(plan.names, 0))
        self._records = self._written = 0

    @property
    def done(self) -> Repaired:
        """What was done until now; of the whole file when `pieces` has ended."""
        return Repaired(self._records, self._written, dict(self._touched))

    def pieces(self) -> Generator[bytes]:
        """Yield the repaired text; raises as `repair`."""
        plan = self._plan
        with open_input(plan.file) as source:
            try:
                blocks = reads(source, plan.reading, self._scratch)
                changes = ((partial(_change, read, plan), size) for read, size in blocks)
                for changed in in_order(changes, "repair"):
                    yield changed.text
                    self._records += changed.records
                    self._written += changed.written
                    self._touched.update(dict(zip(plan.names, changed.touched, strict=True)))
                    if self._progress:
                        self._progress(self._records, source.bytes_read, source.size)
            except RecordTooLongError as error:
                found = record_too_long(self._records + error.offset, source.detected_file_type)
                raise NotRepairable.by_code(plan.file, found.code) from None
            except FileLevelError as error:
                if not source.unchanged():
                    raise InputChanged(str(plan.file)) from None
                raise NotRepairable.by_code(plan.file, error.code) from None
            if not source.unchanged():
                raise InputChanged(str(plan.file))

    def as_file(self) -> BinaryIO:
        """Return the repaired text as a file that can be read once and cannot seek; raises as `repair`, when read."""
        return cast("BinaryIO", io.BufferedReader(_Pieces(self.pieces()), _READ_AHEAD))


class _Pieces(io.RawIOBase):
    """Pieces of text as a file."""

    def __init__(self, pieces: Generator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._left and (piece := next(self._pieces, None)) is not None:
            self._left = memoryview(piece)
        with memoryview(buffer) as raw, raw.cast("B") as room:
            count = min(len(room), len(self._left))
            room[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        self._pieces.close()
        super().close()


def repair(
    plan: Plan,
    write: Callable[[bytes], object],
    *,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> Repaired:
    """Write the file of a plan with its steps done: CSV in UTF-8, separated by commas.

    Args:
        plan: the steps.
        write: takes the text, piece by piece.
        scratch: a private directory for blank lines.
        progress: called for every block.

    Raises:
        NotRepairable: the file is damaged; what was written must not be used.
        InputChanged: it was modified during the pass.
        StorageError: a stored file cannot be read.
    """
    repairing = Repairing(plan, scratch=scratch, progress=progress)
    for piece in repairing.pieces():
        write(piece)
    return repairing.done


def _change(read: Read, plan: Plan) -> _Changed:
    chunk = read()
    records = chunk.records
    touched = []
    for step in plan.steps:
        chunk, count = step.change(chunk)
        touched.append(count)
    return _Changed(chunk.text(), records, chunk.records, tuple(touched))
