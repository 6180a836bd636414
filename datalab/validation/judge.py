"""The verdict of pandera, compared with the checks of blocks: some rows of every block, judged a few times per file.

A block is checked by the functions of its `RowCheck`s alone, because a call of pandera has a fixed price. The schema
still judges every file, a clean one too, and a difference is a bug in the program, never an error of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
from pandera.errors import SchemaErrors

from datalab.errors import DatalabError
from datalab.validation.schemas import CELL, Cells, DatasetSchema, Failure, Mask, RowCheck, number_columns, text_cells

_FIRST_ROWS = 16
"""How many rows of a block are judged whatever they are, and how many of those that fail a check."""
_BYTES = 4 << 20
"""Rows are judged when so many bytes wait, and at the end."""


class VerdictDiffersError(DatalabError):
    """pandera's verdict on some rows is not that of the checks of blocks."""

    def __init__(self, kind: str, about: str) -> None:
        super().__init__(
            f"The pandera schema of {kind} and the checks of its blocks disagree about {about}. The input is unchanged "
            "and no result was kept; this is a bug in the program: please report it with this line."
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows for one pandera schema, and for each of its checks which of them do not pass."""

    cells: Cells
    failed: list[Mask]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows of a block, copied: for the schema of the rows, and for that of all cells that are numbers as text."""

    rows: Part
    cells: Part | None
    bytes: int


def sample_of(schema: DatasetSchema, rows: pa.RecordBatch, found: Sequence[Failure]) -> Sample:
    """Return the first rows of a block, and the first of those that fail each check."""
    chosen = [np.arange(min(_FIRST_ROWS, rows.num_rows))]
    chosen += [np.flatnonzero(_failed(check, found, rows.num_rows))[:_FIRST_ROWS] for check in schema.checks if found]
    places = np.unique(np.concatenate(chosen))
    taken, found = pa.array(places), [replace(one, rows=one.rows[places]) for one in found]
    texts = {name: column.take(taken) for name, column in text_cells(schema, rows).items()}
    numbers = [column.take(taken) for column in number_columns(schema, rows)]
    return Sample(
        Part(texts, [_failed(check, found, len(places)) for check in schema.row_checks]),
        Part(
            {CELL: pa.concat_arrays(numbers)},
            [_failed_cells(check, found, len(places)) for check in schema.cell_checks],
        )
        if numbers
        else None,
        sum(column.nbytes for column in (*texts.values(), *numbers)),
    )


def _failed(check: RowCheck, found: Sequence[Failure], rows: int) -> Mask:
    """Return which rows fail a check, whatever the column."""
    masks = [one.rows for one in found if one.check is check]
    return np.logical_or.reduce(masks) if masks else np.zeros(rows, bool)


def _failed_cells(check: RowCheck, found: Sequence[Failure], rows: int) -> Mask:
    """Return which cells fail a check, column by column."""
    masks = {one.column: one.rows for one in found if one.check is check}
    return np.concatenate([masks.get(column, np.zeros(rows, bool)) for column in check.columns])


class Judge:
    """Lets the pandera schema of a dataset judge samples of its blocks; used by one thread."""

    def __init__(self, schema: DatasetSchema) -> None:
        self._schema = schema
        self._samples: list[Sample] = []
        self._bytes = 0
        self._has_judged = False

    def add(self, sample: Sample) -> None:
        """Add the sample of the next block; raises as `finish`."""
        self._samples.append(sample)
        self._bytes += sample.bytes
        if self._bytes >= _BYTES:
            self._judge()

    def finish(self) -> None:
        """Let the schema judge what waits; it judges an empty file too.

        Raises:
            VerdictDiffersError: pandera says something else than the checks of the blocks.
        """
        if self._samples or not self._has_judged:
            self._judge()

    def _judge(self) -> None:
        schema = self._schema
        self._compare(schema.frame, schema.row_checks, [sample.rows for sample in self._samples])
        if schema.cell_checks:
            self._compare(schema.cells, schema.cell_checks, [one.cells for one in self._samples if one.cells])
        self._samples, self._bytes, self._has_judged = [], 0, True

    def _compare(self, judge: pa_schema.DataFrameSchema, checks: Sequence[RowCheck], parts: Sequence[Part]) -> None:
        columns = {name: pa.chunked_array([part.cells[name] for part in parts], pa.string()) for name in judge.columns}
        frame = pa.table(columns).combine_chunks().to_pandas(types_mapper=pd.ArrowDtype)
        for number, (check, verdict) in enumerate(zip(checks, self._verdicts(judge, checks, frame), strict=True)):
            ours = np.concatenate([np.zeros(0, bool), *(part.failed[number] for part in parts)])
            if verdict is None or not np.array_equal(verdict, ours):
                raise VerdictDiffersError(self._schema.declared.name, check.code)

    def _verdicts(
        self, judge: pa_schema.DataFrameSchema, checks: Sequence[RowCheck], frame: pd.DataFrame
    ) -> list[Mask | None]:
        """Return which rows do not pass each check; None if pandera has not called it, once and for all rows."""
        failed: dict[int, Mask] = {}
        for check in checks:
            check.judged.clear()
        try:
            judge.validate(frame, lazy=True)
        except SchemaErrors as errors:  # its text repeats values, and is ignored
            for error in errors.schema_errors:
                if id(error.check) not in map(id, judge.checks):
                    raise VerdictDiffersError(self._schema.declared.name, "the types of columns") from None
                failed[id(error.check)] = ~error.check_output.to_numpy(bool)
        none = np.zeros(len(frame), bool)
        return [
            failed.get(id(declared), none) if check.judged == [len(frame)] else None
            for check, declared in zip(checks, judge.checks, strict=True)
        ]
