"""The schema of each dataset, declared once: columns, their meaning, the unique key, and the pandera checks.

Every check carries its error code; what a report counts is read from the outputs of these checks and from nothing else.
How rows are read and reports are built is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandera.errors import SchemaErrors

from datalab.lab import USER_ID, DatasetKind, IdentifierConfig, LabDefinition
from datalab.validation.formats import FORMATS, has_format, is_float

EMPTY_CELL = "EMPTY_CELL"
INVALID_FLOAT_FORMAT = "INVALID_FLOAT_FORMAT"

Mask = NDArray[np.bool_]

_STRING = pa.string()
_TEXT = pd.ArrowDtype(_STRING)


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a dataset's valid rows."""

    name: str
    meaning: str
    example: str
    nullable: bool = False
    type: pa.DataType = _STRING


@dataclass(frozen=True)
class DatasetSchema:
    """What the rows of one dataset must be.

    `rows` has a column per field of a record (identifiers: of a normalised row); `frame` validates them as text.
    """

    kind: DatasetKind
    rows: tuple[ColumnSpec, ...]
    key: tuple[int, ...]
    frame: pa_schema.DataFrameSchema
    file_width: int
    """How many columns the file has."""

    @property
    def arrow(self) -> pa.Schema:
        """The schema of the valid rows."""
        return pa.schema([pa.field(column.name, column.type, column.nullable) for column in self.rows])


@dataclass(frozen=True)
class Failure:
    """The rows that one check did not pass."""

    code: str
    column: int | None
    """The column that was checked; None for a check over several columns."""
    check: str
    rows: Mask
    """True where a row failed."""


def dataset_schema(kind: DatasetKind, lab: LabDefinition) -> DatasetSchema:
    """Return the schema of the dataset `kind` in `lab`."""
    if kind is DatasetKind.IDENTIFIERS:
        return _identifiers(lab)
    if kind is DatasetKind.SEGMENTS:
        return _schema(kind, (_USER_ID, ColumnSpec("segment", "A segment that the user is in", "sport")), key=(0, 1))
    if kind is DatasetKind.DEMOGRAPHICS:
        age = ColumnSpec("age", "Age or age range of the user; empty: unknown", "25-34", nullable=True)
        gender = ColumnSpec("gender", "Gender of the user; empty: unknown", "f", nullable=True)
        return _schema(kind, (_USER_ID, age, gender), key=(0,))
    scope = ColumnSpec("scope", "What the embedding describes the user in", "news")
    values = (
        ColumnSpec(f"e{i}", f"Value {i} of the embedding; empty: unknown", "0.25", nullable=True, type=pa.float64())
        for i in range(lab.num_embeddings)
    )
    return _schema(kind, (_USER_ID, scope, *values), key=(0, 1))


def failures(schema: DatasetSchema, rows: pa.RecordBatch) -> list[Failure]:
    """Run the checks over `rows` (text, one column per column of the schema) and return those that some row failed."""
    frame = pa.Table.from_batches([rows.rename_columns([column.name for column in schema.rows])])
    try:
        schema.frame.validate(frame.to_pandas(types_mapper=pd.ArrowDtype), lazy=True)
    except SchemaErrors as errors:
        # Counts come from the outputs of the checks: pandera's own texts repeat the values, and are dropped here.
        found = [(error.check, error.schema.name, error.check_output) for error in errors.schema_errors]
    else:
        return []
    positions = {column.name: index for index, column in enumerate(schema.rows)}
    return [
        Failure(check.error, positions.get(column), check.name, ~output.to_numpy(bool))
        for check, column, output in found
    ]


_USER_ID = ColumnSpec("user_id", "The publisher's own id of the user, the same in every dataset", "u-7f3a")


def _schema(kind: DatasetKind, rows: tuple[ColumnSpec, ...], key: tuple[int, ...]) -> DatasetSchema:
    return DatasetSchema(kind, rows, key, _frame(rows), len(rows))


def _identifiers(lab: LabDefinition) -> DatasetSchema:
    rows = (
        _USER_ID,
        ColumnSpec("id_name", "The name of the identifier, as configured", "hashed_email"),
        ColumnSpec("id", "The id itself, in the format of its type", "9f86d0…"),
    )
    checks = [_id_check(entry) for entry in lab.identifiers_config if entry.id_type in FORMATS]
    user_id = next(entry for entry in lab.identifiers_config if entry.id_name == USER_ID)
    user_checks = []
    if user_id.id_type in FORMATS:
        code, pattern = FORMATS[user_id.id_type]
        user_checks = [_column_check("user_id_format", code, partial(has_format, pattern=pattern))]
    frame = _frame(rows, first_column_checks=user_checks, checks=checks)
    return DatasetSchema(DatasetKind.IDENTIFIERS, rows, (0, 1, 2), frame, lab.num_identifiers_columns)


def _frame(
    rows: tuple[ColumnSpec, ...],
    first_column_checks: list[pa_schema.Check] | None = None,
    checks: list[pa_schema.Check] | None = None,
) -> pa_schema.DataFrameSchema:
    columns = {}
    for index, column in enumerate(rows):
        own = list(first_column_checks or []) if index == 0 else []
        if not column.nullable:
            own.append(_column_check("not_empty", EMPTY_CELL, pc.is_valid))
        if pa.types.is_floating(column.type):
            own.append(_column_check("float", INVALID_FLOAT_FORMAT, is_float))
        columns[column.name] = pa_schema.Column(_TEXT, own, nullable=True, description=column.meaning)
    return pa_schema.DataFrameSchema(columns, checks=checks, strict=True)


def _column_check(name: str, code: str, passes: Callable[[pa.Array], pa.BooleanArray]) -> pa_schema.Check:
    """A check of one column; an empty cell passes unless `passes` says otherwise."""

    def check(series: pd.Series) -> pd.Series:
        return pd.Series(_passed(passes(_arrow(series))), index=series.index)

    # One failure case is enough for pandera: the rows are read from the check's output, and cases cost time.
    return pa_schema.Check(check, name=name, error=code, ignore_na=False, n_failure_cases=1)


def _id_check(entry: IdentifierConfig) -> pa_schema.Check:
    """A check of `id` in the rows of one configured identifier."""
    code, pattern = FORMATS[entry.id_type]

    def check(frame: pd.DataFrame) -> pd.Series:
        named = np.flatnonzero(_named(_arrow(frame["id_name"]), entry.id_name))
        passed = np.ones(len(frame), bool)
        ids = _arrow(frame["id"])
        if len(named) < len(frame):
            ids = ids.take(pa.array(named))
        passed[named] = _passed(has_format(ids, pattern))
        return pd.Series(passed, index=frame.index)

    return pa_schema.Check(check, name="id_format", error=code, ignore_na=False, n_failure_cases=1)


def _named(id_names: pa.Array, name: str) -> Mask:
    mask: Mask = pc.fill_null(pc.equal(id_names, name), False).to_numpy(zero_copy_only=False)
    return mask


def _passed(outcome: pa.BooleanArray) -> Mask:
    """The outcome as numpy; null, that is an empty cell, passes."""
    mask: Mask = pc.fill_null(outcome, True).to_numpy(zero_copy_only=False)
    return mask


def _arrow(series: pd.Series) -> pa.Array:
    """The Arrow values under a pandas series, without a copy."""
    values = pa.array(series)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
