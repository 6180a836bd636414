"""Checks whether a file meets its lab's definition: `validate_file` returns the report, `validate` also its facts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from datalab.errors import UsageError, as_sentence, suggestion
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition

if TYPE_CHECKING:
    from datalab.results.validation import AnyValidationReport

__all__ = ["CODE_VERSION", "dataset_kind", "validate_file"]

CODE_VERSION = "2"
"""Raised when the report or the valid rows of the same file and lab change."""


def dataset_kind(name: str) -> DatasetKind:
    """Return the dataset called `name`.

    Raises:
        UsageError: there is no such dataset; suggests a similar name.
    """
    try:
        return DatasetKind(name)
    except ValueError:
        known = [kind.value for kind in DatasetKind]
        unknown = as_sentence(f"Unknown dataset '{name}'{suggestion(name, known)}")
        raise UsageError(f"{unknown} Known: {', '.join(known)}.") from None


def validate_file(
    path: str | os.PathLike[str],
    dataset: str | DatasetKind,
    lab: LabDefinition,
    *,
    valid_rows: str | os.PathLike[str] | None = None,
) -> AnyValidationReport:
    """Check one file against a lab and return its private report (docs/spec/validation.md).

    Args:
        path: CSV without header (UTF-8 or guessed), or gzip, zip or Parquet; name and ending are ignored.
        dataset: `identifiers`, `segments`, `demographics` or `embeddings`.
        lab: the definition of the lab.
        valid_rows: a Parquet file to write the valid rows to, in file order: `user_id, id_name, id`;
            `user_id, segment`; `user_id, age, gender`; or `user_id, scope, e0…` (doubles). Empty when FAILED.

    Raises:
        UsageError: there is no such dataset.
        InputMissing: there is no such file.
        InputChanged: the file was modified while it was read.
        OutputFailed: the valid rows could not be written; an earlier file is unchanged.
    """
    from datalab.validation.stream import validate

    output = Path(valid_rows) if valid_rows is not None else None
    return validate(Path(path), dataset_kind(dataset), lab, valid_rows=output).report
