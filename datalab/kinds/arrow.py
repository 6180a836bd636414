"""The columns of a kind as an Arrow schema; the only module of this folder that imports a library."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from datalab.kinds.base import Column, ColumnType

ARROW_TYPES = {ColumnType.TEXT: pa.string(), ColumnType.NUMBER: pa.float64()}


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """Return the schema of valid rows with these columns.

    Example:
        >>> from datalab.kinds import KINDS, DatasetKind
        >>> arrow_schema(KINDS[DatasetKind.SEGMENTS].columns)
        user_id: string not null
        segment: string not null
    """
    return pa.schema([pa.field(column.name, ARROW_TYPES[column.type], column.nullable) for column in columns])
