"""Validation reports as the vendor's scripts read them: attributes and keys in camelCase, none optional.

`datalab.results` writes the reports; these models read them.
"""

# ruff: noqa: N815, UP042 - attributes and enumerations as at the vendor's
from __future__ import annotations

import warnings
from collections.abc import Sequence
from enum import Enum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from datalab.results.validation import Hint
from datalab_dagster.types import IdType


class _Private(BaseModel):
    """A part of a report. Reports contain values of rows, so errors must not quote them."""

    model_config = ConfigDict(hide_input_in_errors=True)


class ValidationOutcome(str, Enum):
    """The outcome: whether a dataset can be used."""

    PASSED = "PASSED"
    FAILED = "FAILED"


class CellValidationErrorCode(str, Enum):
    """The errors of a cell; the last eight belong to identifiers, and the vendor's model does not have them."""

    EMPTY_CELL = "EMPTY_CELL"
    INTERNAL_VALIDATION_ERROR = "INTERNAL_VALIDATION_ERROR"
    INVALID_NUMBER_FORMAT = "INVALID_NUMBER_FORMAT"
    INVALID_INTEGER_FORMAT = "INVALID_INTEGER_FORMAT"
    INVALID_EMAIL_FORMAT = "INVALID_EMAIL_FORMAT"
    INVALID_ISO_DATE_FORMAT = "INVALID_ISO_DATE_FORMAT"
    INVALID_PHONE_E164_NUMBER = "INVALID_PHONE_E164_NUMBER"
    INVALID_FLOAT_FORMAT = "INVALID_FLOAT_FORMAT"
    INVALID_SHA256_HEX_FORMAT = "INVALID_SHA256_HEX_FORMAT"
    INVALID_NUMERIC_RANGE = "INVALID_NUMERIC_RANGE"
    INVALID_MAID_FORMAT = "INVALID_MAID_FORMAT"
    INVALID_UTIQ_MARTECH_FORMAT = "INVALID_UTIQ_MARTECH_FORMAT"
    INVALID_UTIQ_ADTECH_FORMAT = "INVALID_UTIQ_ADTECH_FORMAT"
    INVALID_FIRST_ID_FORMAT = "INVALID_FIRST_ID_FORMAT"
    INVALID_ID5_FORMAT = "INVALID_ID5_FORMAT"
    INVALID_NETID_FORMAT = "INVALID_NETID_FORMAT"
    INVALID_ONEID_FORMAT = "INVALID_ONEID_FORMAT"
    INVALID_IPV4_FORMAT = "INVALID_IPV4_FORMAT"


class SchemaValidationErrorCode(str, Enum):
    """The errors of a row's width, or of the file as a whole."""

    INTERNAL_VALIDATION_ERROR = "INTERNAL_VALIDATION_ERROR"
    DUPLICATE_VALUES = "DUPLICATE_VALUES"
    NOT_ENOUGH_COLUMNS_PROVIDED = "NOT_ENOUGH_COLUMNS_PROVIDED"
    TOO_MANY_COLUMNS_PROVIDED = "TOO_MANY_COLUMNS_PROVIDED"
    EMPTY_FILE = "EMPTY_FILE"
    INVALID_FILE_TYPE = "INVALID_FILE_TYPE"
    FILE_TYPE_DETECTION_FAILED = "FILE_TYPE_DETECTION_FAILED"
    NO_FILE_PROVIDED = "NO_FILE_PROVIDED"
    PARQUET_READ_ERROR = "PARQUET_READ_ERROR"
    GZIP_DECODE_ERROR = "GZIP_DECODE_ERROR"
    ZIP_DECODE_ERROR = "ZIP_DECODE_ERROR"


class TableValidationErrorCode(str, Enum):
    """The errors of the table as a whole."""

    EMPTY_FILE = "EMPTY_FILE"
    INVALID_NUMBER_OF_ROWS = "INVALID_NUMBER_OF_ROWS"


class DuplicationValidationErrorCode(str, Enum):
    """The errors of a key."""

    DUPLICATE_VALUES = "DUPLICATE_VALUES"


class CellLocation(_Private):
    """Row and column, counted from 0."""

    column: int = Field(ge=0)
    row: int = Field(ge=0)


class CellValidationError(_Private):
    """A wrong cell."""

    code: CellValidationErrorCode
    location: CellLocation
    message: str


class MultiColumnLocation(_Private):
    """A row and the columns of its key, counted from 0."""

    columns: Sequence[int]
    row: int = Field(ge=0)


class DuplicationValidationError(_Private):
    """A key that occurred before."""

    code: DuplicationValidationErrorCode
    location: MultiColumnLocation


class SchemaValidationError(_Private):
    """A row of the wrong width, or a file that cannot be read."""

    code: SchemaValidationErrorCode
    message: str
    row: int = Field(ge=0)


class TableValidationError(_Private):
    """A table that cannot be used."""

    code: TableValidationErrorCode
    message: str


class ValidatedColumnV0(_Private):
    """The wrong cells of a column: their number, and the first of them."""

    column: int = Field(ge=0)
    numErrorsTotal: int = Field(ge=0)
    recordedErrors: Sequence[CellValidationError]


class ValidatedSchemaV0(_Private):
    """The rows of the wrong width: their number, and the first of them."""

    numErrorsTotal: int = Field(ge=0)
    recordedErrors: Sequence[SchemaValidationError]


class ValidatedTableV0(_Private):
    """The errors of the table."""

    numErrorsTotal: int = Field(ge=0)
    recordedErrors: Sequence[TableValidationError]


class ValidatedUniqueness(_Private):
    """The keys that occurred before: their number, and the first of them."""

    numErrorsTotal: int = Field(ge=0)
    recordedErrors: Sequence[DuplicationValidationError]


class DropInvalidRows(_Private):
    """The number of rows that were left out."""

    numInvalidRowsDropped: int = Field(ge=0)


class IdentifierConfig(_Private):
    """An identifier of the lab, as the report repeats it."""

    idName: str
    idType: IdType
    isActivationId: bool = False
    isMatchingId: bool = False
    isUserId: bool | None = None


class InvalidRowsSample(_Private):
    """A wrong row: its number, and its values as text. Private."""

    rowNumber: int
    values: str


class DuplicatesCategory(_Private):
    """Rows that occurred before."""

    totalDuplicates: int
    sampleDuplicateRows: Sequence[InvalidRowsSample]


class MissingValuesCategory(_Private):
    """Rows with an empty cell."""

    totalMissingValues: int
    sampleMissingValues: Sequence[InvalidRowsSample]


class InvalidUserIdFormatCategory(_Private):
    """Rows whose user id does not have the format of its type."""

    totalInvalidUserIdFormat: int
    sampleInvalidUserIdFormat: Sequence[InvalidRowsSample]


class InvalidIdFormatCategory(_Private):
    """Rows whose id does not have the format of its type."""

    totalInvalidIdFormat: int
    sampleInvalidIdFormat: Sequence[InvalidRowsSample]


class InvalidRows(_Private):
    """The invalid rows of an identifiers file, by reason."""

    totalInvalidRows: int
    duplicates: DuplicatesCategory
    missingValues: MissingValuesCategory
    invalidUserIdFormat: InvalidUserIdFormatCategory
    invalidIdFormat: InvalidIdFormatCategory


with warnings.catch_warnings():
    # Reports have had the key `schema` since before pydantic had a method of that name.
    warnings.filterwarnings("ignore", message='Field name "schema"')

    class ValidationReportV0(_Private):
        """The findings in a segments, demographics or embeddings file."""

        columns: Sequence[ValidatedColumnV0]
        detectedFileType: str | None = None
        dropInvalidRows: DropInvalidRows | None = None
        numInvalidRowsTotal: int = Field(ge=0)
        numInvalidRowsByErrorCode: dict[str, int] = Field(default_factory=dict)
        numRowsTotal: int = Field(default=0, ge=0)
        originalFileSizeBytes: int | None = Field(None, ge=0)
        outcome: ValidationOutcome
        schema: ValidatedSchemaV0  # type: ignore[assignment]
        table: ValidatedTableV0
        uniqueness: ValidatedUniqueness | None = None

    class IdentifiersValidationReportV0(_Private):
        """The findings in an identifiers file."""

        outcome: ValidationOutcome
        originalFileSizeBytes: int | None = None
        detectedFileType: str | None = None
        numRowsTotal: int = Field(default=0, ge=0)
        config: Sequence[IdentifierConfig]
        schema: ValidatedSchemaV0  # type: ignore[assignment]
        table: ValidatedTableV0
        numValidRows: int
        invalidRows: InvalidRows | None = None
        uniqueness: ValidatedUniqueness | None = None
        numInvalidRowsByErrorCode: dict[str, int] = Field(default_factory=dict)


class _WithHints(_Private):
    """A report and, never in its JSON, the hints on what it counts but does not explain."""

    _hints: tuple[Hint, ...] = PrivateAttr(default=())

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What may be wrong with the file: code, number of rows, and a message without a value of a row."""
        return self._hints

    def with_hints(self, hints: Sequence[Hint]) -> Self:
        """Return this report with `hints`."""
        self._hints = tuple(hints)
        return self


class ValidationReport(_WithHints):
    """The private report of a segments, demographics or embeddings file."""

    report: ValidationReportV0
    version: str = Field(json_schema_extra={"enum": ["v0"]})


class IdentifiersValidationReport(_WithHints):
    """The private report of an identifiers file."""

    report: IdentifiersValidationReportV0
    version: str = Field(json_schema_extra={"enum": ["v0"]})
