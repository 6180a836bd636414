"""Labs and ways to check texts against them, shared by tests; no test is here."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.validation import DatasetFacts, Hint
from datalab.validation.stream import validate
from tests.conformance.compare import Rows, rows_of_parquet

USER_ID: dict[str, Any] = {"idName": "userId", "idType": "STRING", "isActivationId": True}
EMAIL: dict[str, Any] = {"idName": "email", "idType": "EMAIL", "isMatchingId": True}
HASH: dict[str, Any] = {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True}
MATCHED_USER_ID: dict[str, Any] = {**USER_ID, "isMatchingId": True}


def wire_lab(*identifiers: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """Return a lab in wire keys; by default with `userId` and `email`."""
    return {"identifiersConfig": list(identifiers or (USER_ID, EMAIL)), **keys}


def make_lab(*identifiers: dict[str, Any], **keys: Any) -> LabDefinition:
    return LabDefinition.model_validate(wire_lab(*identifiers, **keys))


class InvalidRow(NamedTuple):
    """An invalid row as it is kept; `row` counts from 0."""

    row: int
    reasons: str
    values: list[str | None] | None
    record: str | None


@dataclass(frozen=True)
class Checked:
    """What a check of one text gave."""

    document: dict[str, Any]
    """The whole report as JSON."""
    rows: Rows
    """The surviving rows as text, the names of the columns first."""
    facts: DatasetFacts
    invalid: list[InvalidRow]
    """Every invalid row, in file order."""

    @property
    def report(self) -> dict[str, Any]:
        inner: dict[str, Any] = self.document["report"]
        return inner

    @property
    def hints(self) -> dict[str, Hint]:
        return {hint.code: hint for hint in self.facts.hints}


def check_text(folder: Path, dataset: str, text: str | bytes, lab: LabDefinition | None = None) -> Checked:
    """Write `text` to a file in `folder`, check it as `dataset` of `lab` and read the surviving rows back."""
    path, rows = folder / "input", folder / "valid.parquet"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    invalid = folder / "invalid.parquet"
    lab = lab or make_lab(numEmbeddings=2)
    outcome = validate(path, DatasetKind(dataset), lab, valid_rows=rows, invalid_rows=invalid)
    document = json.loads(outcome.report.model_dump_json(by_alias=True))
    kept = [InvalidRow(*row.values()) for row in pq.read_table(invalid).to_pylist()]
    checked = Checked(document, rows_of_parquet(rows), outcome.facts, kept)
    assert Counter(reason for row in kept for reason in row.reasons.split()) == Counter(
        document["report"]["numInvalidRowsByErrorCode"]
    ), "the invalid rows are those that the report counts"
    return checked
