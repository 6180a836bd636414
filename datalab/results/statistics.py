"""The statistics of a lab, V2 and the legacy V1: aggregates only."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from datalab.kinds import KINDS
from datalab.results.base import OmitsNone, Status

FURTHER_PANELS = "panels"
"""The key of panels that the vendor's shape of the report does not have; absent where there are none."""


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
    """Rows and users of every dataset; a kind that the vendor's shape does not have is a further key."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, BasicDatasetStatistics] = Field(init=False)

    identifiers: BasicIdentifiersStatistics
    segments: BasicSegmentsStatistics | None = None
    demographics: BasicDemographicsStatistics | None = None
    embeddings: BasicEmbeddingsStatistics | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_kinds(cls, data: Any) -> Any:
        """Leave out what is no dataset kind, as every model here ignores keys that it does not know."""
        return {key: value for key, value in data.items() if key in KINDS} if isinstance(data, dict) else data

    def of(self, kind: str) -> BasicDatasetStatistics | None:
        """Return the statistics of a dataset; None: the lab has none."""
        found: BasicDatasetStatistics | None = getattr(self, kind, None)
        return found


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
    """The statistics of a lab: aggregates only (docs/spec/statistics.md); further panels are an extra key."""

    model_config = ConfigDict(extra="allow")

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

    @model_validator(mode="after")
    def _no_other_keys(self) -> Self:
        """Ignore other keys that the vendor's shape does not have."""
        panels = self.further_panels
        self.__pydantic_extra__ = {FURTHER_PANELS: panels} if panels else {}
        return self

    @property
    def further_panels(self) -> dict[str, Any]:
        """Panels that the vendor's shape does not have, as JSON, by name."""
        found = (self.__pydantic_extra__ or {}).get(FURTHER_PANELS)
        return found if isinstance(found, dict) else {}

    def with_further_panels(self, panels: dict[str, Any]) -> Self:
        """Return this report with exactly these further panels."""
        found = self.model_copy()
        found.__pydantic_extra__ = {FURTHER_PANELS: panels} if panels else {}
        return found


class UniqueUsersCount(OmitsNone):
    matching: int
    segments: int | None = None
    demographics: int | None = None
    embeddings: int | None = None
    all: int


class StatisticsResult(BaseModel):
    """The legacy statistics (V1), for consumers of the old format (docs/spec/statistics.md#7-legacy-result)."""

    errors: list[str] = []
    original_number_of_unique_users: UniqueUsersCount
    filtered_number_of_unique_users: UniqueUsersCount
    segments_per_user_distributions: dict[str, list[float]] | None = None
    share_of_users_per_segment_distribution: dict[str, float] | None = None
    demographics_distributions: dict[str, list[float]] | None = None


StatisticsResultUnion = StatisticsResult | StatisticsResultV2


def parse_statistics_result(json_str: str | bytes) -> StatisticsResultUnion:
    """Return the statistics in `json_str` as V1 or V2.

    Raises:
        json.JSONDecodeError: it is not JSON.
        ValueError: "Invalid statistics result format", when it is neither version.
        pydantic.ValidationError: it has the keys of one version but not its shape.
    """
    data = json.loads(json_str)
    if isinstance(data, dict) and "identifiers_overview" in data:
        return StatisticsResultV2.model_validate(data)
    if isinstance(data, dict) and "original_number_of_unique_users" in data:
        return StatisticsResult.model_validate(data)
    raise ValueError("Invalid statistics result format")
