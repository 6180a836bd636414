"""The pandera schema of each dataset in one lab, made of the columns that its kind declares.

Every check carries its error code; the counts of a report come only from the outputs of these checks.
Reading rows and building reports do not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandera.errors import SchemaErrors

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
    ReportForm,
)
from datalab.kinds.arrow import arrow_schema
from datalab.lab import USER_ID, LabDefinition

Mask = NDArray[np.bool_]

_TEXT = pd.ArrowDtype(pa.string())
_CELL = "number"
"""The column of all cells of all columns of numbers, one column after the other."""


@dataclass(frozen=True)
class RowCheck:
    """One pandera check over all rows of a frame: every cell of `columns` passes."""

    name: str
    code: str
    """The error code of a cell that does not pass."""
    columns: tuple[int, ...]
    passes: Callable[[pd.DataFrame], list[Mask]]
    """Returns for each of `columns` which cells pass."""

    def pandera(self) -> pa_schema.Check:
        """Return the check as pandera runs it: which rows pass."""

        def check(frame: pd.DataFrame) -> pd.Series:
            return pd.Series(np.logical_and.reduce(self.passes(frame)), index=frame.index)

        # One failure case is enough for pandera: rows are read from the check's output, and cases take time.
        return pa_schema.Check(check, name=self.name, error=self.code, ignore_na=False, n_failure_cases=1)


@dataclass(frozen=True)
class DatasetSchema:
    """The rules for the rows of one dataset.

    `rows` has a column per field of a record (identifiers: of a normalised row). All are validated as text.
    """

    kind: DatasetKind
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
        return KINDS[self.kind].report_form

    @cached_property
    def arrow(self) -> pa.Schema:
        """The schema of the valid rows."""
        return arrow_schema(self.rows)


@dataclass(frozen=True)
class Failure:
    """The rows whose cell in one column did not pass one check."""

    check: RowCheck
    column: int
    rows: Mask
    """True where a row failed."""


def dataset_schema(kind: DatasetKind, lab: LabDefinition) -> DatasetSchema:
    """Return the schema of the dataset `kind` in `lab`."""
    declared = KINDS[kind]
    rows = declared.row_columns(lab)
    texts = {column.name: column.meaning for column in rows if column.type is not ColumnType.NUMBER}
    row_checks = (*_not_empty(rows), *_id_checks(rows, lab))
    cell_checks = tuple(_float(rows))
    names = [column.name for column in rows]
    key = tuple(names.index(name) for name in declared.key)
    return DatasetSchema(
        kind,
        rows,
        key,
        row_checks,
        _frame(texts, row_checks),
        cell_checks,
        _frame({_CELL: "a number"}, cell_checks),
        len(declared.file_columns(lab)),
    )


def _frame(columns: dict[str, str], checks: Sequence[RowCheck]) -> pa_schema.DataFrameSchema:
    """Return the pandera schema of columns of text, name to meaning."""
    declared = {name: pa_schema.Column(_TEXT, nullable=True, description=meaning) for name, meaning in columns.items()}
    return pa_schema.DataFrameSchema(declared, checks=[check.pandera() for check in checks], strict=True)


def failures(schema: DatasetSchema, rows: pa.RecordBatch) -> list[Failure]:
    """Run the checks over `rows` (one column per column of the schema) and return what did not pass.

    All columns are text, or those of numbers were read as numbers, which their cells then are.
    """
    texts, numbers = [
        [index for index, column in enumerate(schema.rows) if (column.type is ColumnType.NUMBER) == is_number]
        for is_number in (False, True)
    ]
    frame = _as_pandas({schema.rows[index].name: rows.column(index) for index in texts})
    failed_rows = _failed(schema.frame, schema.row_checks, frame)
    found = [failure for check, failed in failed_rows for failure in _by_column(check, frame, failed)]
    if numbers and pa.types.is_string(rows.column(numbers[0]).type):
        cells = _as_pandas({_CELL: pa.concat_arrays([rows.column(index) for index in numbers])})
        for check, failed in _failed(schema.cells, schema.cell_checks, cells):
            by_column = zip(numbers, failed.reshape(len(numbers), rows.num_rows), strict=True)
            found += [Failure(check, column, failing) for column, failing in by_column if failing.any()]
    return found


def _as_pandas(columns: dict[str, pa.Array]) -> pd.DataFrame:
    frame: pd.DataFrame = pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _failed(
    schema: pa_schema.DataFrameSchema, checks: Sequence[RowCheck], frame: pd.DataFrame
) -> list[tuple[RowCheck, Mask]]:
    """Return the checks that did not pass, and in which rows of the frame."""
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        # Counts come from the outputs of the checks: pandera's own texts repeat the values, and are ignored here.
        found = [(error.check, ~error.check_output.to_numpy(bool)) for error in errors.schema_errors]
    else:
        return []
    by_pandera = dict(zip(map(id, schema.checks), checks, strict=True))
    return [(by_pandera[id(check)], failed) for check, failed in found]


def _by_column(check: RowCheck, frame: pd.DataFrame, failed: Mask) -> Iterator[Failure]:
    """Yield the columns in which the rows failed."""
    if len(check.columns) == 1:
        yield Failure(check, check.columns[0], failed)
        return
    for column, passed in zip(check.columns, check.passes(frame[failed]), strict=True):
        if not passed.all():
            rows = failed.copy()
            rows[failed] = ~passed
            yield Failure(check, column, rows)


def _not_empty(rows: Sequence[Column]) -> Iterator[RowCheck]:
    """Yield the check of the columns that need a value, if there are any."""
    columns = [index for index, column in enumerate(rows) if EMPTY_CELL in column.codes]
    if columns:
        yield _cell_check("not_empty", EMPTY_CELL, rows, columns, pc.is_valid)


def _float(rows: Sequence[Column]) -> Iterator[RowCheck]:
    """Yield the check of all cells of the columns of numbers, if there are any."""
    columns = tuple(index for index, column in enumerate(rows) if column.type is ColumnType.NUMBER)
    if columns:
        yield RowCheck("float", INVALID_FLOAT_FORMAT, columns, lambda frame: [_passed(is_float(_arrow(frame[_CELL])))])


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
    return RowCheck(
        name, code, tuple(columns), lambda frame: [_passed(passes(_arrow(frame[column]))) for column in names]
    )


def _named_id_check(id_name: str, form: ValueFormat, name: str, index: int) -> RowCheck:
    """Return a check of the column `name` in the rows of one configured identifier."""

    def passes(frame: pd.DataFrame) -> list[Mask]:
        named = _named(_arrow(frame["id_name"]), id_name)
        passed = np.ones(len(frame), bool)
        ids = _arrow(frame[name])
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
