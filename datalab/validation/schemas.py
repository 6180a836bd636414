"""The pandera schema of each dataset in one lab, made of the columns that its kind declares.

Every check carries its error code and is declared once: the function that checks a block is the one that pandera calls.
The counts of a report come only from these checks; `judge` compares them with pandera's verdict. Reading rows and
building reports do not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datalab.id_types import ValueFormat
from datalab.ingest.formats import has_format, is_float
from datalab.kinds import (
    EMPTY_CELL,
    INVALID_FLOAT_FORMAT,
    KINDS,
    Column,
    ColumnType,
    DatasetKind,
    IdFormat,
    Kind,
    ReportForm,
)
from datalab.kinds.arrow import arrow_schema
from datalab.lab import USER_ID, LabDefinition

Mask = NDArray[np.bool_]
Cells = Mapping[str, pa.Array]
"""The cells of some rows, by the name of their column."""

CELL = "number"
"""The column of all cells of all columns of numbers, one column after the other."""
_TEXT = pd.ArrowDtype(pa.string())


@dataclass(frozen=True)
class RowCheck:
    """One check of rows: every cell of `columns` passes."""

    name: str
    code: str
    """The error code of a cell that does not pass."""
    columns: tuple[int, ...]
    passes: Callable[[Cells], list[Mask]]
    """Returns for each of `columns` which cells pass."""
    judged: list[int] = field(default_factory=list, compare=False)
    """How many rows each call of pandera was about, so that a verdict without a call is not believed."""

    def pandera(self) -> pa_schema.Check:
        """Return the check as pandera runs it: which rows pass."""

        def check(frame: pd.DataFrame) -> pd.Series:
            self.judged.append(len(frame))
            return pd.Series(np.logical_and.reduce(self.passes(cells_of(frame))), index=frame.index)

        # One failure case is enough for pandera: rows are read from the check's output, and cases take time.
        return pa_schema.Check(check, name=self.name, error=self.code, ignore_na=False, n_failure_cases=1)


@dataclass(frozen=True)
class DatasetSchema:
    """The rules for the rows of one dataset.

    `rows` has a column per field of a record (identifiers: of a normalised row). All are validated as text.
    """

    declared: Kind
    rows: tuple[Column, ...]
    key: tuple[int, ...]
    row_checks: tuple[RowCheck, ...]
    frame: pa_schema.DataFrameSchema
    """The pandera schema of the columns of text and their checks."""
    cell_checks: tuple[RowCheck, ...]
    cells: pa_schema.DataFrameSchema
    """The pandera schema of all cells of the columns of numbers, of which there may be thousands, all with one rule."""
    file_width: int
    """How many columns the file has."""

    @property
    def checks(self) -> tuple[RowCheck, ...]:
        """All checks."""
        return (*self.row_checks, *self.cell_checks)

    @property
    def report_form(self) -> ReportForm:
        """The form of the dataset's report."""
        return self.declared.report_form

    @property
    def kind(self) -> DatasetKind | None:
        """The kind of the dataset; None: it is not a dataset of a lab."""
        return next((kind for kind, declared in KINDS.items() if declared is self.declared), None)

    @cached_property
    def arrow(self) -> pa.Schema:
        """The schema of the valid rows."""
        return arrow_schema(self.rows)

    @cached_property
    def texts(self) -> tuple[int, ...]:
        """The columns of text; like those of numbers, of which there may be thousands, found once and not per block."""
        return tuple(index for index, column in enumerate(self.rows) if not _is_number(column))

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The columns of numbers."""
        return tuple(index for index, column in enumerate(self.rows) if _is_number(column))


@dataclass(frozen=True)
class Failure:
    """The rows whose cell in one column did not pass one check."""

    check: RowCheck
    column: int
    rows: Mask
    """True where a row failed."""


def dataset_schema(kind: DatasetKind | Kind, lab: LabDefinition) -> DatasetSchema:
    """Return the schema of the dataset `kind` in `lab`, or of one that is declared but in no lab."""
    declared = kind if isinstance(kind, Kind) else KINDS[kind]
    rows = declared.row_columns(lab)
    texts = {column.name: column.meaning for column in rows if not _is_number(column)}
    row_checks = (*_not_empty(rows), *_id_checks(rows, lab))
    cell_checks = tuple(_float(rows))
    names = [column.name for column in rows]
    key = tuple(names.index(name) for name in declared.key)
    return DatasetSchema(
        declared,
        rows,
        key,
        row_checks,
        _frame(texts, row_checks),
        cell_checks,
        _frame({CELL: "a number"}, cell_checks),
        len(declared.file_columns(lab)),
    )


def _frame(columns: dict[str, str], checks: Sequence[RowCheck]) -> pa_schema.DataFrameSchema:
    """Return the pandera schema of columns of text, name to meaning."""
    declared = {name: pa_schema.Column(_TEXT, nullable=True, description=meaning) for name, meaning in columns.items()}
    return pa_schema.DataFrameSchema(declared, checks=[check.pandera() for check in checks], strict=True)


def failures(schema: DatasetSchema, rows: pa.RecordBatch) -> list[Failure]:
    """Check `rows` (one column per column of the schema) and return what did not pass.

    All columns are text, or those of numbers were read as numbers, which their cells then are.
    """
    texts = text_cells(schema, rows)
    found = [
        Failure(check, column, ~passed)
        for check in schema.row_checks
        for column, passed in zip(check.columns, check.passes(texts), strict=True)
        if not passed.all()
    ]
    numbers = number_columns(schema, rows)
    cells = {CELL: pa.concat_arrays(numbers)} if numbers else {}
    for check in schema.cell_checks if cells else ():
        [passed] = check.passes(cells)
        by_column = zip(check.columns, passed.reshape(-1, rows.num_rows), strict=True)
        found += [Failure(check, column, ~passing) for column, passing in by_column if not passing.all()]
    return found


def text_cells(schema: DatasetSchema, rows: pa.RecordBatch) -> Cells:
    """Return the cells of the columns of text."""
    return {schema.rows[index].name: rows.column(index) for index in schema.texts}


def number_columns(schema: DatasetSchema, rows: pa.RecordBatch) -> list[pa.Array]:
    """Return the columns of numbers; none if they were read as numbers."""
    if not schema.numbers or not pa.types.is_string(rows.schema.field(schema.numbers[0]).type):
        return []
    return [rows.column(index) for index in schema.numbers]


def cells_of(frame: pd.DataFrame) -> Cells:
    """Return the cells of a frame of text, without a copy."""
    return {str(name): _arrow(frame[name]) for name in frame.columns}


def _is_number(column: Column) -> bool:
    return column.type is ColumnType.NUMBER


def _not_empty(rows: Sequence[Column]) -> Iterator[RowCheck]:
    """Yield the check of the columns that need a value, if there are any."""
    columns = [index for index, column in enumerate(rows) if EMPTY_CELL in column.codes]
    if columns:
        yield _cell_check("not_empty", EMPTY_CELL, rows, columns, pc.is_valid)


def _float(rows: Sequence[Column]) -> Iterator[RowCheck]:
    """Yield the check of all cells of the columns of numbers, if there are any."""
    columns = tuple(index for index, column in enumerate(rows) if _is_number(column))
    if columns:
        yield RowCheck("float", INVALID_FLOAT_FORMAT, columns, lambda cells: [_passed(is_float(cells[CELL]))])


def _id_checks(rows: Sequence[Column], lab: LabDefinition) -> Iterator[RowCheck]:
    """Yield the checks of formats that depend on the types of the lab's identifiers."""
    for index, column in enumerate(rows):
        for entry in lab.identifiers_config if column.id_format else ():
            form = entry.id_type.value_format
            if form is None:
                continue
            if column.id_format is IdFormat.NAMED_ID:
                yield _named_id_check(entry.id_name, form, column.name, index)
            elif entry.id_name == USER_ID:
                passes = partial(has_format, pattern=form.pattern)
                yield _cell_check(IdFormat.USER_ID, form.code, rows, [index], passes)


def _cell_check(
    name: str,
    code: str,
    rows: Sequence[Column],
    columns: Sequence[int],
    passes: Callable[[pa.Array], pa.BooleanArray],
) -> RowCheck:
    """Return a check of single cells; an empty cell passes unless `passes` decides otherwise."""
    names = [rows[column].name for column in columns]
    return RowCheck(name, code, tuple(columns), lambda cells: [_passed(passes(cells[column])) for column in names])


def _named_id_check(id_name: str, form: ValueFormat, name: str, index: int) -> RowCheck:
    """Return a check of the column `name` in the rows of one configured identifier."""

    def passes(cells: Cells) -> list[Mask]:
        ids, named = cells[name], _named(cells["id_name"], id_name)
        passed = np.ones(len(ids), bool)
        passed[named] = _passed(has_format(ids if named.all() else ids.filter(pa.array(named)), form.pattern))
        return [passed]

    return RowCheck(IdFormat.NAMED_ID, form.code, (index,), passes)


def _named(id_names: pa.Array, name: str) -> Mask:
    mask: Mask = pc.fill_null(pc.equal(id_names, name), False).to_numpy(zero_copy_only=False)
    return mask


def _passed(outcome: pa.BooleanArray) -> Mask:
    """Return the outcome as numpy; null (an empty cell) passes."""
    mask: Mask = pc.fill_null(outcome, True).to_numpy(zero_copy_only=False)
    return mask


def _arrow(series: pd.Series) -> pa.Array:
    """Return the Arrow values of a pandas series, without a copy."""
    values = pa.array(series)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
