"""The dataset kinds, in the order in which they are reported; each kind is declared in one file of this folder.

The import is fast: it loads no pandas, pyarrow or pandera.
"""

from __future__ import annotations

from enum import StrEnum

from datalab.kinds import demographics, embeddings, identifiers, segments
from datalab.kinds.base import (
    EMPTY_CELL,
    INVALID_FLOAT_FORMAT,
    Column,
    ColumnType,
    Fault,
    IdFormat,
    Kind,
    LabShape,
    NumberedColumns,
    ReportForm,
    SampleRows,
    VendorNames,
)

__all__ = [
    "EMPTY_CELL",
    "INVALID_FLOAT_FORMAT",
    "KINDS",
    "MATCHING",
    "NAMES",
    "OPTIONAL",
    "Column",
    "ColumnType",
    "DatasetKind",
    "Fault",
    "IdFormat",
    "Kind",
    "LabShape",
    "NumberedColumns",
    "ReportForm",
    "SampleRows",
    "VendorNames",
]


class DatasetKind(StrEnum):
    """One of the datasets of a lab, in the order in which they are reported."""

    IDENTIFIERS = identifiers.KIND.name
    SEGMENTS = segments.KIND.name
    DEMOGRAPHICS = demographics.KIND.name
    EMBEDDINGS = embeddings.KIND.name


KINDS = {DatasetKind(kind.name): kind for kind in (identifiers.KIND, segments.KIND, demographics.KIND, embeddings.KIND)}
"""Every kind and its declaration, in the order of `DatasetKind`."""

MATCHING = next(kind for kind, entry in KINDS.items() if entry.is_matching)
"""The kind that every lab has: its rows are the ids by which users are matched, and it is provisioned first."""

OPTIONAL = tuple(kind for kind in KINDS if kind is not MATCHING)
"""The kinds that a lab has only if its definition requires them."""

NAMES = f"{', '.join([*KINDS][:-1])} or {[*KINDS][-1]}"
"""The names of all kinds, joined with "or" for use in a sentence."""
