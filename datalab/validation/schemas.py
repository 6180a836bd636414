"""The schema of each dataset, declared once: columns, their meaning, the unique key, and the pandera checks.

Every check carries its error code; what a report counts is read from the outputs of these checks and from nothing else.
How rows are read and reports are built is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandera.errors import SchemaErrors

from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, IdentifierConfig, LabDefinition
from datalab.validation.formats import FORMATS, has_format, is_float

EMPTY_CELL = "EMPTY_CELL"
INVALID_FLOAT_FORMAT = "INVALID_FLOAT_FORMAT"
USER_ID_FORMAT, ID_FORMAT = "user_id_format", "id_format"
"""Names of the checks that identifiers have beside the common ones."""

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
class RowCheck:
    """One pandera check over all rows of a frame: every cell of `columns` passes."""

    name: str
    code: str
    """The error code of a cell that does not pass."""
    columns: tuple[int, ...]
    passes: Callable[[pd.DataFrame], list[Mask]]
    """Tells for each of `columns` which cells pass."""

    def pandera(self) -> pa_schema.Check:
        """Return the check as pandera runs it: which rows pass."""

        def check(frame: pd.DataFrame) -> pd.Series:
            return pd.Series(np.logical_and.reduce(self.passes(frame)), index=frame.index)

        # One failure case is enough for pandera: rows are read from the check's output, and cases cost time.
        return pa_schema.Check(check, name=self.name, error=self.code, ignore_na=False, n_failure_cases=1)


@dataclass(frozen=True)
class DatasetSchema:
    """What the rows of one dataset must be.

    `rows` has a column per field of a record (identifiers: of a normalised row); `frame` validates them as text.
    """

    kind: DatasetKind
    rows: tuple[ColumnSpec, ...]
    key: tuple[int, ...]
    checks: tuple[RowCheck, ...]
    frame: pa_schema.DataFrameSchema
    """The pandera schema that these columns and checks make."""
    file_width: int
    """How many columns the file has."""

    @property
    def arrow(self) -> pa.Schema:
        """The schema of the valid rows."""
        return pa.schema([pa.field(column.name, column.type, column.nullable) for column in self.rows])


@dataclass(frozen=True)
class Failure:
    """The rows whose cell in one column did not pass one check."""

    check: RowCheck
    column: int
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
    """Run the checks over `rows` (text, one column per column of the schema) and return what did not pass."""
    names = [column.name for column in schema.rows]
    frame = pa.Table.from_batches([rows.rename_columns(names)]).to_pandas(types_mapper=pd.ArrowDtype)
    try:
        schema.frame.validate(frame, lazy=True)
    except SchemaErrors as errors:
        # Counts come from the outputs of the checks: pandera's own texts repeat the values, and are dropped here.
        found = [(error.check, ~error.check_output.to_numpy(bool)) for error in errors.schema_errors]
    else:
        return []
    by_pandera = dict(zip(map(id, schema.frame.checks), schema.checks, strict=True))
    return [failure for check, failed in found for failure in _by_column(by_pandera[id(check)], frame, failed)]


def _by_column(check: RowCheck, frame: pd.DataFrame, failed: Mask) -> Iterator[Failure]:
    """Tell in which columns the rows failed."""
    if len(check.columns) == 1:
        yield Failure(check, check.columns[0], failed)
        return
    for column, passed in zip(check.columns, check.passes(frame[failed]), strict=True):
        if not passed.all():
            rows = failed.copy()
            rows[failed] = ~passed
            yield Failure(check, column, rows)


_USER_ID = ColumnSpec("user_id", "The publisher's own id of the user, the same in every dataset", "u-7f3a")


def _schema(
    kind: DatasetKind,
    rows: tuple[ColumnSpec, ...],
    key: tuple[int, ...],
    checks: Sequence[RowCheck] = (),
    file_width: int | None = None,
) -> DatasetSchema:
    required = [index for index, column in enumerate(rows) if not column.nullable]
    floats = [index for index, column in enumerate(rows) if pa.types.is_floating(column.type)]
    every = [_cell_check("not_empty", EMPTY_CELL, rows, required, pc.is_valid)]
    if floats:
        every.append(_cell_check("float", INVALID_FLOAT_FORMAT, rows, floats, is_float))
    every += checks
    columns = {column.name: pa_schema.Column(_TEXT, nullable=True, description=column.meaning) for column in rows}
    frame = pa_schema.DataFrameSchema(columns, checks=[check.pandera() for check in every], strict=True)
    return DatasetSchema(kind, rows, key, tuple(every), frame, file_width or len(rows))


def _identifiers(lab: LabDefinition) -> DatasetSchema:
    rows = (
        _USER_ID,
        ColumnSpec("id_name", "The name of the identifier, as configured", "hashed_email"),
        ColumnSpec("id", "The id itself, in the format of its type", "9f86d0…"),
    )
    checks = [_id_check(entry) for entry in lab.identifiers_config if entry.id_type in FORMATS]
    user_id = next(entry for entry in lab.identifiers_config if entry.id_name == USER_ID)
    if user_id.id_type in FORMATS:
        code, pattern = FORMATS[user_id.id_type]
        checks.append(_cell_check(USER_ID_FORMAT, code, rows, [0], partial(has_format, pattern=pattern)))
    return _schema(DatasetKind.IDENTIFIERS, rows, (0, 1, 2), checks, lab.num_identifiers_columns)


def _cell_check(
    name: str,
    code: str,
    rows: Sequence[ColumnSpec],
    columns: Sequence[int],
    passes: Callable[[pa.Array], pa.BooleanArray],
) -> RowCheck:
    """A check of single cells; an empty one passes unless `passes` says otherwise."""
    names = [rows[column].name for column in columns]
    return RowCheck(
        name, code, tuple(columns), lambda frame: [_passed(passes(_arrow(frame[column]))) for column in names]
    )


def _id_check(entry: IdentifierConfig) -> RowCheck:
    """A check of `id` in the rows of one configured identifier."""
    code, pattern = FORMATS[entry.id_type]

    def passes(frame: pd.DataFrame) -> list[Mask]:
        named = _named(_arrow(frame["id_name"]), entry.id_name)
        passed = np.ones(len(frame), bool)
        ids = _arrow(frame["id"])
        passed[named] = _passed(has_format(ids if named.all() else ids.filter(pa.array(named)), pattern))
        return [passed]

    return RowCheck(ID_FORMAT, code, (2,), passes)


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
