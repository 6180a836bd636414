"""The pandera schema of each dataset for a pandas frame, so that a pipeline or a test can use it alone.

A frame passes if every one of its rows would be valid in a file of the same rows. Its columns are those of valid rows,
in that order; their dtypes are free. An empty text counts as missing, as in a file. Each failure carries its error
code (docs/codes.md) as pandera's `check` and the label of its row as `index`.

Pandera's own message quotes values of rows: do not log it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pyarrow.compute as pc

from datalab.ingest.formats import is_float
from datalab.ingest.frames import as_arrow, cells_as_text
from datalab.kinds import (
    EMPTY_CELL,
    INVALID_FLOAT_FORMAT,
    KINDS,
    MATCHING,
    Column,
    ColumnType,
    DatasetKind,
    ReportForm,
)
from datalab.lab import USER_ID, LabDefinition, lab_from_dict
from datalab.validation.error_codes import DUPLICATE_VALUES
from datalab.validation.schemas import DatasetSchema, Mask, RowCheck, cells_of, dataset_schema

__all__ = ["demographics_schema", "embeddings_schema", "identifiers_schema", "segments_schema"]


def identifiers_schema(lab: LabDefinition) -> pa_schema.DataFrameSchema:
    """Return the schema of identifiers, `user_id, id_name, id`, in the formats of the lab's identifiers.

    Rules: docs/spec/validation.md#114-checks-in-this-order. A file of one or two columns has these rows too.

    Example:
        >>> import pandas as pd
        >>> from datalab.lab import lab_from_dict
        >>> lab = lab_from_dict({"identifiersConfig": [
        ...     {"idName": "userId", "idType": "STRING"},
        ...     {"idName": "email", "idType": "EMAIL", "isMatchingId": True},
        ... ]})
        >>> frame = pd.DataFrame({"user_id": ["u-1"], "id_name": ["email"], "id": ["ann@example.com"]})
        >>> len(identifiers_schema(lab).validate(frame))
        1
    """
    return _schema(MATCHING, lab)


def segments_schema() -> pa_schema.DataFrameSchema:
    """Return the schema of segments, `user_id, segment`.

    Example:
        >>> import pandas as pd
        >>> from pandera.errors import SchemaErrors
        >>> frame = pd.DataFrame({"user_id": ["u-1", "u-1", None], "segment": ["sport", "sport", "news"]})
        >>> try:
        ...     segments_schema().validate(frame, lazy=True)
        ... except SchemaErrors as errors:
        ...     print(errors.failure_cases[["check", "index"]].drop_duplicates().to_string(index=False))
                   check  index
              EMPTY_CELL      2
        DUPLICATE_VALUES      1
    """
    return _schema(DatasetKind.SEGMENTS, _any_lab())


def demographics_schema() -> pa_schema.DataFrameSchema:
    """Return the schema of demographics, `user_id, age, gender`; age and gender may be missing.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"user_id": ["u-1", "u-2"], "age": ["25-34", None], "gender": ["f", "m"]})
        >>> len(demographics_schema().validate(frame))
        2
    """
    return _schema(DatasetKind.DEMOGRAPHICS, _any_lab())


def embeddings_schema(dimensions: int) -> pa_schema.DataFrameSchema:
    """Return the schema of embeddings, `user_id, scope, e0…`; the numbers may be missing.

    Args:
        dimensions: how many numbers a row has.

    Raises:
        ConfigurationError: no lab can have as many.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"user_id": ["u-1"], "scope": ["news"], "e0": [0.25], "e1": [None]})
        >>> len(embeddings_schema(2).validate(frame))
        1
    """
    kind = KINDS[DatasetKind.EMBEDDINGS]
    assert kind.flag_key and kind.numbered, "a lab says whether it has embeddings, and how many"
    return _schema(DatasetKind.EMBEDDINGS, _any_lab({kind.flag_key: True, kind.numbered.count_key: dimensions}))


def _any_lab(more: Mapping[str, object] = MappingProxyType({})) -> LabDefinition:
    """Return a lab for a dataset whose rules do not depend on identifiers."""
    return lab_from_dict({"identifiersConfig": [{"idName": USER_ID, "idType": "STRING", "isMatchingId": True}], **more})


def _schema(kind: DatasetKind, lab: LabDefinition) -> pa_schema.DataFrameSchema:
    rules = dataset_schema(kind, lab)
    codes = dict.fromkeys(check.code for check in rules.checks)
    return pa_schema.DataFrameSchema(
        {column.name: pa_schema.Column(None, nullable=True, description=column.meaning) for column in rules.rows},
        checks=[
            *(_check(code, partial(_wrong_rows, rules, code)) for code in codes),
            _check(DUPLICATE_VALUES, partial(_repeated, rules)),
        ],
        name=kind.value,
        strict=True,
        ordered=True,
    )


def _check(code: str, wrong: partial[Mask]) -> pa_schema.Check:
    """Return a check of rows that fails where `wrong` is true."""

    def passes(frame: pd.DataFrame) -> pd.Series:
        return pd.Series(~wrong(frame), index=frame.index)

    return pa_schema.Check(passes, name=code, error=code, ignore_na=False)


def _wrong_rows(rules: DatasetSchema, code: str, frame: pd.DataFrame) -> Mask:
    """Return the rows that a report counts under `code`."""
    wrong = _fails(rules, code, frame)
    if rules.report_form is ReportForm.IDS:  # a duplicate gets no further check, nor does a row with an empty cell
        wrong &= ~_repeated(rules, frame)
        if code != EMPTY_CELL:
            wrong &= ~_fails(rules, EMPTY_CELL, frame)
    return wrong


def _repeated(rules: DatasetSchema, frame: pd.DataFrame) -> Mask:
    """Return the rows whose key an earlier row has; of all datasets but identifiers, only valid rows count."""
    key = _texts(frame, [rules.rows[index] for index in rules.key])
    counted = np.ones(len(frame), bool)
    if rules.report_form is not ReportForm.IDS:
        for code in dict.fromkeys(check.code for check in rules.checks):
            counted &= ~_fails(rules, code, frame)
    repeated = np.zeros(len(frame), bool)
    repeated[counted] = key[counted].duplicated().to_numpy()
    return repeated


def _fails(rules: DatasetSchema, code: str, frame: pd.DataFrame) -> Mask:
    """Return the rows with a cell that fails a check with this code."""
    if code == INVALID_FLOAT_FORMAT:
        numbers = [column for column in rules.rows if column.type is ColumnType.NUMBER]
        return _any([~_are_numbers(frame[column.name]) for column in numbers], len(frame))
    texts = cells_of(_texts(frame, [column for column in rules.rows if column.type is not ColumnType.NUMBER]))
    checks: list[RowCheck] = [check for check in rules.row_checks if check.code == code]
    return _any([~passed for check in checks for passed in check.passes(texts)], len(frame))


def _any(masks: list[Mask], rows: int) -> Mask:
    return np.logical_or.reduce(masks) if masks else np.zeros(rows, bool)


def _are_numbers(cells: pd.Series) -> Mask:
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return np.ones(len(cells), bool)
    mask: Mask = pc.fill_null(is_float(_as_text(cells)), True).to_numpy(zero_copy_only=False)
    return mask


def _texts(frame: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    """Return columns as text, as a file has them."""
    table = pa.table({column.name: _as_text(frame[column.name]) for column in columns})
    texts: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return texts


def _as_text(cells: pd.Series) -> pa.Array:
    """Return cells of any dtype as text; null where one is missing or empty."""
    values = cells_as_text(as_arrow(cells))
    return pc.if_else(pc.equal(values, ""), None, values)
