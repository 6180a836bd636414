"""Pydantic models of every report that leaves the house, with the vendor's keys.

`model_dump_json(by_alias=True)` of a model is the report; nothing here computes anything.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.alias_generators import to_camel

Outcome = Literal["PASSED", "FAILED"]
Status = Literal["SUCCESS", "FAILED"]


class _Report(BaseModel):
    """Base of the validation models: camelCase keys, Python names accepted."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _OmitsNone(_Report):
    """A model whose optional keys are left out, never `null`, when they have no value."""

    @model_serializer(mode="wrap")
    def _without_nones(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


# ---------------------------------------------------------------- validation, segments / demographics / embeddings


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


class ValidationReportV0(_OmitsNone):
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


# ------------------------------------------------------------------------------------------ validation, identifiers


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


# -------------------------------------------------------------------------------------------------- hints and facts


class Hint(BaseModel):
    """Something a person should look at; beside the report, never in it, and without a row value."""

    code: str
    rows: int
    """How many rows it concerns."""
    message: str
    """What was seen and what to do."""


class DatasetFacts(BaseModel):
    """What the validation pass knows of a dataset beyond its report: counts only, no value of a row."""

    rows: int = 0
    valid_rows: int = 0
    input_bytes: int = 0
    first_record_is_header: bool = False
    one_column_rows: int = 0
    """Records with exactly one field (CSV only)."""
    foreign_separator_rows: int = 0
    """Of those, records that hold a semicolon, a tab or a bar."""
    is_csv: bool = True
    hints: list[Hint] = []

    @property
    def foreign_separator_share(self) -> float:
        """Share of records that hold another dialect's separator, if all records of a CSV have one column; else 0."""
        if not self.is_csv or not self.rows or self.one_column_rows != self.rows:
            return 0.0
        return self.foreign_separator_rows / self.rows


# ---------------------------------------------------------------------------------------------------------- statistics


class Finding(BaseModel):
    """A data error or a quality warning of the statistics; the message names the subject, figure and limit."""

    code: str
    message: str


class IdentifierInfo(BaseModel):
    """One configured identifier in the valid rows."""

    id_type: str
    is_matching_id: bool
    is_activation_id: bool
    distinct_ids: int
    avg_userids_per_id: float
    max_userids_per_id: int


class BasicDatasetStatistics(BaseModel):
    total_rows: int
    valid_rows: int
    invalid_rows: int
    invalid_rows_by_reason: dict[str, int] = {}
    distinct_user_ids: int


class BasicIdentifiersStatistics(BasicDatasetStatistics):
    distinct_id_names: int
    distinct_ids: int


class BasicSegmentsStatistics(BasicDatasetStatistics):
    distinct_segments: int


class BasicDemographicsStatistics(BasicDatasetStatistics):
    distinct_ages: int
    distinct_genders: int


class BasicEmbeddingsStatistics(BasicDatasetStatistics):
    distinct_scopes: int


class BasicStatistics(BaseModel):
    identifiers: BasicIdentifiersStatistics
    segments: BasicSegmentsStatistics | None = None
    demographics: BasicDemographicsStatistics | None = None
    embeddings: BasicEmbeddingsStatistics | None = None


class ActivationIdStats(BaseModel):
    reachable_activation_ids: int


class DistributionValue(BaseModel):
    """A number of users, and its share of the panel's population (0 to 1)."""

    absolute: int
    relative: float


class SegmentUserCounts(BaseModel):
    matchable_users: DistributionValue
    all_users: DistributionValue


class SegmentsPerUserDistribution(BaseModel):
    """Number of segments (as text) → users who have that many."""

    matchable: dict[str, DistributionValue]
    all_users: dict[str, DistributionValue]


class SegmentStatistics(BaseModel):
    distinct_users_with_segments: int | None = None
    segment_user_counts: dict[str, dict[str, SegmentUserCounts]] | None = None
    segments_per_user_distribution: dict[str, SegmentsPerUserDistribution] | None = None


class DemographicStatistics(BaseModel):
    """Users per `age||gender`; one extra key per matching id holds `{"matchable": {...}}`."""

    model_config = ConfigDict(extra="allow")

    distinct_users_with_demographics: int
    all_users: dict[str, DistributionValue]


class StatisticsResultV2(BaseModel):
    """The statistics of a lab: aggregates only (STATISTICS.md, 1 to 6)."""

    identifiers_overview: dict[str, IdentifierInfo]
    basic_statistics: BasicStatistics
    remarketing_activation_potential: dict[str, dict[str, ActivationIdStats]] | None = None
    segments_activation_potential: dict[str, ActivationIdStats] | None = None
    embeddings_activation_potential: dict[str, ActivationIdStats] | None = None
    segment_statistics: SegmentStatistics | None = None
    demographic_statistics: DemographicStatistics | None = None
    embeddings_statistics: dict[str, dict[str, int]] | None = None
    status: Status
    data_errors: list[Finding] = []
    quality_warnings: list[Finding] = []


class UniqueUsersCount(_OmitsNone):
    model_config = ConfigDict(alias_generator=None)

    matching: int
    segments: int | None = None
    demographics: int | None = None
    embeddings: int | None = None
    all: int


class StatisticsResult(BaseModel):
    """The legacy statistics (V1), for consumers of the old format (STATISTICS.md, 7)."""

    errors: list[str] = []
    original_number_of_unique_users: UniqueUsersCount
    filtered_number_of_unique_users: UniqueUsersCount
    segments_per_user_distributions: dict[str, list[float]] | None = None
    share_of_users_per_segment_distribution: dict[str, float] | None = None
    demographics_distributions: dict[str, list[float]] | None = None


StatisticsResultUnion = StatisticsResult | StatisticsResultV2


def parse_statistics_result(json_str: str | bytes) -> StatisticsResultUnion:
    """Return the statistics in `json_str` as V1 or V2, whichever it is.

    Raises:
        json.JSONDecodeError: it is not JSON.
        ValueError: "Invalid statistics result format", when it is neither version.
        pydantic.ValidationError: it looks like one version but does not have its shape.
    """
    data = json.loads(json_str)
    if isinstance(data, dict) and "identifiers_overview" in data:
        return StatisticsResultV2.model_validate(data)
    if isinstance(data, dict) and "original_number_of_unique_users" in data:
        return StatisticsResult.model_validate(data)
    raise ValueError("Invalid statistics result format")


# --------------------------------------------------------------------------------------------------- validation status


class DatasetStatus(BaseModel):
    status: Status
    errors: list[Finding] = []
    valid_rows: int
    invalid_rows: int


class StatisticsStatus(BaseModel):
    status: Status
    data_errors: list[Finding] = []
    quality_warnings: list[Finding] = []


class ValidationStatus(_OmitsNone):
    """The enhanced status of a lab: every dataset's, and that of its statistics (STATISTICS.md, 8)."""

    model_config = ConfigDict(alias_generator=None)

    status: Status
    datasets: dict[str, DatasetStatus]
    statistics: StatisticsStatus | None = None


class LegacyDatasetStatus(_OmitsNone):
    model_config = ConfigDict(alias_generator=None)

    status: Status
    reason: str | None = None


class LegacyValidationStatus(BaseModel):
    """The plain status of a lab: SUCCESS or FAILED per dataset, with the reason."""

    status: Status
    datasets: dict[str, LegacyDatasetStatus]
