"""Validates the seed with the rules of every dataset (docs/spec/media.md#14-the-seed-dataset)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from datalab.id_types import IdType
from datalab.ingest.any_file import AnyFile
from datalab.ingest.failures import FileLevelError
from datalab.ingest.first_records import first_width
from datalab.kinds import Kind
from datalab.kinds.seed import ONE_COLUMN, TWO_COLUMNS
from datalab.lab import USER_ID, LabDefinition
from datalab.results.validation import DatasetFacts, ValidationReport
from datalab.statistics import ValidatedDataset
from datalab.validation.stream import validate

ALL_USERS = "All users"
"""The audience type of a file with one column."""


class ValidSeed(NamedTuple):
    """A seed after its validation."""

    declared: Kind
    rows: Path
    """Parquet, in plain text: the caller chose a private place."""
    report: ValidationReport
    """Private to the provider of the seed: it holds values of rows."""
    facts: DatasetFacts

    @property
    def is_readable(self) -> bool:
        """Whether the file could be read at all."""
        return self.report.report.outcome == "PASSED"

    def numbers(self) -> dict[str, Any]:
        """Return the numbers of the report, without a value of a row."""
        summary = ValidatedDataset.from_report(self.report)
        return {
            "total_rows": summary.total_rows,
            "valid_rows": summary.valid_rows,
            "invalid_rows": summary.invalid_rows,
            "invalid_rows_by_reason": {code: rows for code, rows in summary.invalid_rows_by_reason.items() if rows},
        }


def validate_seed(
    file: AnyFile, id_type: IdType, rows: Path, progress: Callable[[int, int, int], None] | None = None
) -> ValidSeed:
    """Validate a seed and write its valid rows to `rows`.

    Args:
        file: CSV without header, or gzip, zip or Parquet.
        id_type: the type of the room's matching ids.
        rows: where the valid rows go, as Parquet; a private place.
        progress: as of `datalab.validation.stream.validate`.

    Raises:
        InputMissing: there is no such file.
        InputChanged: the file was modified during the pass.
        OutputFailed: the rows could not be written.
    """
    width: int | None = None
    with contextlib.suppress(FileLevelError):  # its validation says what is wrong
        width = first_width(file)
    declared = ONE_COLUMN if width == 1 else TWO_COLUMNS
    validated = validate(file, declared, _shape(id_type), valid_rows=rows, progress=progress)
    assert isinstance(validated.report, ValidationReport)
    return ValidSeed(declared, rows, validated.report, validated.facts)


def _shape(id_type: IdType) -> LabDefinition:
    """Return a definition whose one identifier has the type of the room's matching ids: `seed` checks against it."""
    return LabDefinition.model_validate(
        {"identifiersConfig": [{"idName": USER_ID, "idType": id_type.value, "isMatchingId": True}]}
    )
