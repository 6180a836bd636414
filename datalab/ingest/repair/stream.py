"""Repairs a file in one streaming pass: blocks are read and changed in parallel and written in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datalab.errors import InputChanged
from datalab.ingest.failures import FileLevelError, record_too_long
from datalab.ingest.in_order import in_order
from datalab.ingest.limits import RecordTooLongError
from datalab.ingest.repair.errors import NotRepairable
from datalab.ingest.repair.plan import Plan
from datalab.ingest.repair.read import Read, reads
from datalab.ingest.repair.step import StepName
from datalab.ingest.source import open_input

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
    """
    touched: Counter[StepName] = Counter(dict.fromkeys(plan.names, 0))
    records = written = 0
    with open_input(plan.path) as source:
        try:
            changes = ((partial(_change, read, plan), size) for read, size in reads(source, plan.reading, scratch))
            for changed in in_order(changes, "repair"):
                write(changed.text)
                records += changed.records
                written += changed.written
                touched.update(dict(zip(plan.names, changed.touched, strict=True)))
                if progress:
                    progress(records, source.bytes_read, source.size)
        except RecordTooLongError as error:
            found = record_too_long(records + error.offset, source.detected_file_type)
            raise NotRepairable.by_code(plan.path, found.code) from None
        except FileLevelError as error:
            if not source.unchanged():
                raise InputChanged(plan.path) from None
            raise NotRepairable.by_code(plan.path, error.code) from None
        if not source.unchanged():
            raise InputChanged(plan.path)
    return Repaired(records, written, dict(touched))


def _change(read: Read, plan: Plan) -> _Changed:
    chunk = read()
    records = chunk.records
    touched = []
    for step in plan.steps:
        chunk, count = step.change(chunk)
        touched.append(count)
    return _Changed(chunk.text(), records, chunk.records, tuple(touched))
