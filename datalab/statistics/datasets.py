"""The input of statistics: a summary of each validated dataset, and its valid rows as relations of an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from datalab.engines import Engine
from datalab.kinds import KINDS, MATCHING, DatasetKind
from datalab.kinds.arrow import arrow_schema
from datalab.lab import LabDefinition
from datalab.results.statistics import Finding
from datalab.results.validation import AnyValidationReport, DatasetFacts, Hint, IdentifiersValidationReport, Outcome
from datalab.statistics.users import USERS

_DECIMALS = "USER_IDS_WITH_DECIMALS"
_ROW_CODES = frozenset({"NOT_ENOUGH_COLUMNS_PROVIDED", "TOO_MANY_COLUMNS_PROVIDED"})
"""Codes in a report's schema block that concern a row; all other codes concern the whole file."""


class ValidatedDataset(BaseModel):
    """The summary of a validation report, without samples."""

    outcome: Outcome = "PASSED"
    total_rows: int
    valid_rows: int
    invalid_rows_by_reason: dict[str, int] = {}
    file_errors: list[Finding] = []
    """Errors of the whole file, once per code."""
    facts: DatasetFacts = DatasetFacts()

    @property
    def invalid_rows(self) -> int:
        """All rows that are not valid (docs/spec/statistics.md#2-identifiers)."""
        return self.total_rows - self.valid_rows

    @classmethod
    def from_report(cls, report: AnyValidationReport, facts: DatasetFacts | None = None) -> ValidatedDataset:
        """Summarise a validation report; a FAILED report has no valid rows (docs/spec/statistics.md#1-input)."""
        inner = report.report
        if isinstance(report, IdentifiersValidationReport):
            valid = report.report.num_valid_rows
        else:
            valid = inner.num_rows_total - report.report.num_invalid_rows_total
        found = {
            error.code: Finding(code=error.code, message=error.message)
            for error in reversed([*inner.schema_.recorded_errors])
            if error.code not in _ROW_CODES
        }
        for table_error in inner.table.recorded_errors:
            found.setdefault(table_error.code, Finding(code=table_error.code, message=table_error.message))
        return cls(
            outcome=inner.outcome,
            total_rows=inner.num_rows_total,
            valid_rows=valid if inner.outcome == "PASSED" else 0,
            invalid_rows_by_reason=inner.num_invalid_rows_by_error_code,
            file_errors=list(found.values()),
            facts=facts or DatasetFacts(),
        )


def depends_on_identifiers(dataset: ValidatedDataset) -> bool:
    """Return whether `shown_hints` must know the identifiers to decide about a hint of this dataset."""
    return any(hint.code == _DECIMALS for hint in dataset.facts.hints)


def shown_hints(datasets: Mapping[DatasetKind, ValidatedDataset]) -> dict[DatasetKind, list[Hint]]:
    """Return the hints of each dataset: decimals in user ids are right where identifiers have them too."""
    matching = datasets.get(MATCHING)
    alike = matching is not None and depends_on_identifiers(matching)
    return {
        kind: [hint for hint in dataset.facts.hints if hint.code != _DECIMALS or not alike]
        for kind, dataset in datasets.items()
    }


Summaries = Mapping[DatasetKind, ValidatedDataset]
"""One summary per dataset of the lab."""

ValidRows = Mapping[DatasetKind, Path | Sequence[Path] | Any | None]
"""Per dataset one or several Parquet paths, or a pyarrow Table or Dataset; None or missing: there is no valid row."""


def register_valid_rows(engine: Engine, lab: LabDefinition, rows: ValidRows, users: Any | None = None) -> None:
    """Register the valid rows of a lab in the engine under the names of the datasets, and `users` if given.

    A dataset that the lab does not have, or that has no valid rows, becomes an empty relation, so that every statement
    can be executed. Columns: those that the kind declares; an empty cell and NaN are null.
    """
    for kind, declared in KINDS.items():
        source = rows.get(kind) if kind in lab.datasets else None
        _register(engine, kind.value, source, arrow_schema(declared.row_columns(lab)))
    if users is not None:
        _register(engine, USERS, users, pa.schema([]))


def _register(engine: Engine, name: str, source: Any, empty: pa.Schema) -> None:
    if isinstance(source, str | Path):
        source = [Path(source)]
    if source is None or (isinstance(source, Sequence) and not source):
        engine.register_arrow(name, empty.empty_table())
    elif isinstance(source, Sequence):
        engine.register_parquet(name, source)
    else:
        engine.register_arrow(name, source)
