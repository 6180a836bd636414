"""The private validation reports, with the vendor's keys, and the other results of a validation: hints and counts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from datalab.results.base import OmitsNone

Outcome = Literal["PASSED", "FAILED"]


class _Report(BaseModel):
    """Base of the reports: camelCase keys, Python names accepted."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


# --------------------------------------------------------------------------------- segments / demographics / embeddings


class CellLocation(_Report):
    row: int
    column: int


class CellError(_Report):
    code: str
    message: str
    location: CellLocation


class ColumnErrors(_Report):
    """The cell errors of one column; the total is exact, the list is capped."""

    column: int
    num_errors_total: int
    recorded_errors: list[CellError]


class SchemaError(_Report):
    code: str
    message: str
    row: int


class SchemaErrors(_Report):
    """Rows of the wrong width, or the one error that concerns the whole file."""

    num_errors_total: int = 0
    recorded_errors: list[SchemaError] = []


class TableError(_Report):
    code: str
    message: str


class TableErrors(_Report):
    """Always empty in a Data Lab; part of the format."""

    num_errors_total: int = 0
    recorded_errors: list[TableError] = []


class KeyLocation(_Report):
    row: int
    columns: list[int]


class UniquenessError(_Report):
    code: str
    location: KeyLocation


class UniquenessErrors(_Report):
    num_errors_total: int = 0
    recorded_errors: list[UniquenessError] = []


class DropInvalidRows(_Report):
    num_invalid_rows_dropped: int


class ValidationReportV0(_Report, OmitsNone):
    """What was found in a segments, demographics or embeddings file; rows and columns count from 0."""

    outcome: Outcome
    detected_file_type: str | None = None
    original_file_size_bytes: int | None = None
    num_rows_total: int = 0
    num_invalid_rows_total: int = 0
    num_invalid_rows_by_error_code: dict[str, int] = {}
    columns: list[ColumnErrors] = []
    schema_: SchemaErrors = Field(default_factory=SchemaErrors, alias="schema")
    table: TableErrors = Field(default_factory=TableErrors)
    uniqueness: UniquenessErrors | None = None
    drop_invalid_rows: DropInvalidRows | None = None


class ValidationReport(_Report):
    """The private report of a segments, demographics or embeddings file."""

    version: Literal["v0"] = "v0"
    report: ValidationReportV0


# ---------------------------------------------------------------------------------------------------------- identifiers


class SampleRow(_Report):
    """One row as text: `user_id, id_name, id`."""

    row_number: int
    values: str


class Duplicates(_Report):
    total_duplicates: int = 0
    sample_duplicate_rows: list[SampleRow] = []


class MissingValues(_Report):
    total_missing_values: int = 0
    sample_missing_values: list[SampleRow] = []


class InvalidUserIdFormat(_Report):
    total_invalid_user_id_format: int = 0
    sample_invalid_user_id_format: list[SampleRow] = []


class InvalidIdFormat(_Report):
    total_invalid_id_format: int = 0
    sample_invalid_id_format: list[SampleRow] = []


class InvalidRows(_Report):
    total_invalid_rows: int = 0
    duplicates: Duplicates = Field(default_factory=Duplicates)
    missing_values: MissingValues = Field(default_factory=MissingValues)
    invalid_user_id_format: InvalidUserIdFormat = Field(default_factory=InvalidUserIdFormat)
    invalid_id_format: InvalidIdFormat = Field(default_factory=InvalidIdFormat)


class IdentifierEcho(_Report):
    """An identifier of the configuration, as the report repeats it."""

    id_name: str
    id_type: str
    is_activation_id: bool = False
    is_matching_id: bool = False
    is_user_id: bool | None = None


class IdentifiersValidationReportV0(_Report):
    """What was found in an identifiers file; row numbers count from 0."""

    outcome: Outcome
    original_file_size_bytes: int | None = None
    detected_file_type: str | None = None
    num_rows_total: int = 0
    config: list[IdentifierEcho]
    schema_: SchemaErrors = Field(default_factory=SchemaErrors, alias="schema")
    table: TableErrors = Field(default_factory=TableErrors)
    num_valid_rows: int = 0
    invalid_rows: InvalidRows = Field(default_factory=InvalidRows)
    num_invalid_rows_by_error_code: dict[str, int] = {}


class IdentifiersValidationReport(_Report):
    """The private report of an identifiers file."""

    version: Literal["v0"] = "v0"
    report: IdentifiersValidationReportV0


AnyValidationReport = ValidationReport | IdentifiersValidationReport


# ------------------------------------------------------------------------------------------------------ hints and facts


class Hint(BaseModel):
    """Something that a person should check; in addition to the report, never in it, and without a row value."""

    code: str
    rows: int
    """Number of rows concerned."""
    message: str
    """What was found and what to do."""


class DatasetFacts(BaseModel):
    """Further counts of the validation pass that are not in the report; no value of a row."""

    rows: int = 0
    valid_rows: int = 0
    input_bytes: int = 0
    first_record_is_header: bool = False
    one_column_rows: int = 0
    """Records with exactly one field (CSV only)."""
    foreign_separator_rows: int = 0
    """Of those, records that contain a semicolon, a tab or a bar."""
    is_csv: bool = True
    broken_quote: bool | None = None
    """Whether a field that holds a line break ends in a broken quote; None: an earlier version did not look."""
    hints: list[Hint] = []

    @property
    def foreign_separator_share(self) -> float:
        """Share of records with a separator of another dialect, if all records of a CSV have one column; else 0."""
        if not self.is_csv or not self.rows or self.one_column_rows != self.rows:
            return 0.0
        return self.foreign_separator_rows / self.rows
