"""Reads the invalid rows that a validation kept: a page of them, or all of them as CSV for spreadsheets.

How they are kept: docs/spec/validation.md#15-invalid-rows. Nothing in plain text is written to the disk.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datalab.errors import UsageError, as_sentence, suggestion
from datalab.formats import harmless

HEAD = ("row", "reasons")
"""The first columns of a CSV; then follow those of the dataset, and `further`: what a row has more than these."""
FURTHER = "further"

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """An invalid row; `row` counts from 1, as an editor does."""

    row: int
    reasons: list[str]
    """Codes."""
    values: list[str]
    """The fields of the row; of identifiers, user_id, id_name and id, except if its width is wrong."""


class InvalidRowsFile:
    """The invalid rows of one validation, in file order."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file

    @property
    def count(self) -> int:
        """The number of rows."""
        found: int = self._file.metadata.num_rows
        return found

    def page(self, reason: str | None, first: int, count: int) -> tuple[list[InvalidRow], int]:
        """Return at most `count` rows that have `reason`, after `first` of them, and the number of all that have it."""
        rows: list[InvalidRow] = []
        before = 0
        for group in range(self._file.num_row_groups):
            size = self._file.metadata.row_group(group).num_rows
            which = None if reason is None else self._having(group, reason)
            here = size if which is None else len(which)
            begin, end = max(0, first - before), min(here, first + count - before)
            if begin < end:
                wanted = np.arange(begin, end) if which is None else which[begin:end]
                rows += _rows(self._file.read_row_group(group).take(pa.array(wanted)))
            before += here
        return rows, before

    def csv(self, columns: Sequence[str], reason: str | None) -> Iterator[bytes]:
        """Yield a CSV file with a header, in UTF-8; no cell of it is run as a formula by a spreadsheet."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([*HEAD, *columns, FURTHER])
        for group in range(self._file.num_row_groups):
            table = self._file.read_row_group(group)
            if reason is not None:
                table = table.take(pa.array(self._having(group, reason)))
            for start in range(0, len(table), _AT_ONCE):
                for row in _rows(table.slice(start, _AT_ONCE)):
                    writer.writerow(_cells(row, len(columns)))
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode()

    def _having(self, group: int, reason: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the positions in a row group of the rows that have `reason`."""
        reasons = self._file.read_row_group(group, columns=["reasons"])["reasons"].combine_chunks().dictionary_encode()
        wanted = [number for number, text in enumerate(reasons.dictionary.to_pylist()) if reason in text.split()]
        return np.flatnonzero(pc.is_in(reasons.indices, pa.array(wanted, pa.int32())).to_numpy(zero_copy_only=False))


def checked_reason(reason: str | None, known: Sequence[str]) -> str | None:
    """Return the code by which rows are filtered.

    Raises:
        UsageError: no row has it; suggests a similar one.
    """
    if reason is None or reason in known:
        return reason
    wrong = as_sentence(f"No row is invalid for the reason '{reason}'{suggestion(reason, list(known))}")
    raise UsageError(f"{wrong} Reasons here: {', '.join(known)}." if known else "No row is invalid.")


def _cells(row: InvalidRow, width: int) -> list[str | int]:
    values, further = row.values[:width], row.values[width:]
    more = io.StringIO()
    if further:
        csv.writer(more, lineterminator="").writerow(further)
    filled = [*values, *[""] * (width - len(values)), more.getvalue()]
    return [row.row, " ".join(row.reasons), *map(harmless, filled)]


def _rows(table: pa.Table) -> list[InvalidRow]:
    return [
        InvalidRow(row["row"] + 1, row["reasons"].split(), _fields(row["values"], row["record"]))
        for row in table.to_pylist()
    ]


def _fields(values: list[str | None] | None, record: str | None) -> list[str]:
    if values is not None:
        return [value or "" for value in values]
    return next(csv.reader(io.StringIO(record or "", newline="")), [""])
