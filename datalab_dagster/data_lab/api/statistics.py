"""Statistics as the vendor's scripts read them: the models that write them, under the vendor's names."""

from __future__ import annotations

from pydantic import BaseModel

from datalab.results import statistics
from datalab.results.statistics import (
    ActivationIdStats,
    BasicStatistics,
    DemographicStatistics,
    DistributionValue,
    IdentifierInfo,
    SegmentsPerUserDistribution,
    SegmentStatistics,
    SegmentUserCounts,
    StatisticsResultV2,
)

StatisticsFinding = statistics.Finding
DatasetBasicStatistics = statistics.BasicDatasetStatistics
IdentifiersBasicStatistics = statistics.BasicIdentifiersStatistics
SegmentsBasicStatistics = statistics.BasicSegmentsStatistics
DemographicsBasicStatistics = statistics.BasicDemographicsStatistics
EmbeddingsBasicStatistics = statistics.BasicEmbeddingsStatistics

IdentifiersOverview = dict[str, IdentifierInfo]
RemarketingActivationPotential = dict[str, dict[str, ActivationIdStats]]
ActivationPotential = dict[str, ActivationIdStats]
EmbeddingsStatistics = dict[str, dict[str, int]]


class ColumnStatistics(BaseModel):
    """Numbers of one column, in the vendor's words; no report of a lab contains them."""

    name: str
    num_unique: int | None = None
    num_null: int | None = None
    num_invalid: int | None = None


class DatasetStatistics(BaseModel):
    """Numbers of one dataset, column by column, in the vendor's words; no report of a lab contains them."""

    num_rows: int
    columns: list[ColumnStatistics] = []


class UniqueUsersCount(BaseModel):
    """Users of each dataset (V1); None: the lab has no such dataset."""

    matching: int
    segments: int | None = None
    demographics: int | None = None
    embeddings: int | None = None
    all: int


class StatisticsResult(BaseModel):
    """The statistics of the V1 era; a deployment writes them with `statisticsVersion: 1`."""

    errors: list[str] = []
    original_number_of_unique_users: UniqueUsersCount
    filtered_number_of_unique_users: UniqueUsersCount
    segments_per_user_distributions: dict[str, list[float]] | None = None
    share_of_users_per_segment_distribution: dict[str, float] | None = None
    demographics_distributions: dict[str, list[float]] | None = None


StatisticsResultUnion = StatisticsResult | StatisticsResultV2


def parse_statistics_result(json_str: str | bytes) -> StatisticsResultUnion:
    """Return the statistics in `json_str` as V1 or V2, depending on their version.

    Raises:
        json.JSONDecodeError: it is not JSON.
        ValueError: "Invalid statistics result format", when it is neither version.
        pydantic.ValidationError: it has the keys of one version but not its shape.

    >>> parse_statistics_result("{}")
    Traceback (most recent call last):
    ValueError: Invalid statistics result format
    """
    found = statistics.parse_statistics_result(json_str)
    return found if isinstance(found, StatisticsResultV2) else StatisticsResult.model_validate(found.model_dump())


__all__ = [
    "ActivationIdStats",
    "ActivationPotential",
    "BasicStatistics",
    "ColumnStatistics",
    "DatasetBasicStatistics",
    "DatasetStatistics",
    "DemographicStatistics",
    "DemographicsBasicStatistics",
    "DistributionValue",
    "EmbeddingsBasicStatistics",
    "EmbeddingsStatistics",
    "IdentifierInfo",
    "IdentifiersBasicStatistics",
    "IdentifiersOverview",
    "RemarketingActivationPotential",
    "SegmentStatistics",
    "SegmentUserCounts",
    "SegmentsBasicStatistics",
    "SegmentsPerUserDistribution",
    "StatisticsFinding",
    "StatisticsResult",
    "StatisticsResultUnion",
    "StatisticsResultV2",
    "UniqueUsersCount",
    "parse_statistics_result",
]
