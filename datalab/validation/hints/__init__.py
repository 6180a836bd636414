"""Hints: a publisher's errors that the report counts but does not explain; never part of a report.

A hint gives the number of rows and what to do, and holds no value of a row. A correct file has none.
"""

from __future__ import annotations

from datalab.lab import LabDefinition
from datalab.results.validation import Hint
from datalab.validation.hints import files, ids, values, widths
from datalab.validation.hints.evidence import Evidence, hint
from datalab.validation.schemas import DatasetSchema

__all__ = ["Evidence", "hint", "hints", "is_header"]


def hints(found: Evidence) -> list[Hint]:
    """Return the hints that the counts of a pass give rise to, the weightiest first."""
    if found.beginning.not_data:
        return list(files.not_data(found))
    return [*widths.hints(found), *files.hints(found), *values.hints(found), *ids.hints(found)]


def is_header(record: list[str], schema: DatasetSchema, lab: LabDefinition) -> bool:
    """Return whether a file's first record names the columns, ignoring case and underscores."""
    return _folded(record) in map(_folded, schema.declared.headers(lab))


def _folded(names: list[str]) -> list[str]:
    return [name.replace("_", "").lower() for name in names]
