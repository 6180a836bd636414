"""The results of a room that hold numbers: attributes, insights, overlap and the quality of lookalike audiences."""

# ruff: noqa: UP042 - as at the vendor's; a StrEnum would print its value
from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel


class ValueType(str, Enum):
    """How the values of an attribute are offered."""

    NUMERIC_RANGE = "NUMERIC_RANGE"
    CATEGORICAL = "CATEGORICAL"


class FilterType(str, Enum):
    """The filters that an attribute can have."""

    CONTAINS_NONE_OF = "CONTAINS_NONE_OF"
    CONTAINS_ANY_OF = "CONTAINS_ANY_OF"
    CONTAINS_ALL_OF = "CONTAINS_ALL_OF"
    EMPTY = "EMPTY"
    NOT_EMPTY = "NOT_EMPTY"


class AttributeDefinition(BaseModel):
    """The values of an attribute, and its filters."""

    values: list[str | int | float]
    value_type: ValueType
    filters: list[FilterType]


class DataAttributesResult(BaseModel):
    """Attribute of the base audience → what rules may say of it."""

    attributes: dict[str, AttributeDefinition]


class AggregationColumn(BaseModel):
    """A column by which users are counted."""

    column: str
    possible_values: list[str]


class Aggregation(BaseModel):
    """The cells of one seed audience by one or two columns."""

    id: str
    aggregation: list[AggregationColumn]
    audience_type: str
    columns: list[str]
    rows: list[list[Any]]


class ComputeInsightsAudience(BaseModel):
    """The insights of one seed audience."""

    audience_type: str
    aggregations: list[Aggregation]


class ComputeInsightsResult(BaseModel):
    """The insights of all seed audiences; without the total if absolute values are hidden."""

    total_publisher: int | None = None
    audiences: list[ComputeInsightsAudience]


class OverlapStatistic(BaseModel):
    """The overlap of one seed audience with the base; hidden numbers are None."""

    audience_type: str
    advertiser_size: int | None = None
    advertiser_is_empty: bool
    overlap_size: int | None = None
    match_rate: float | None = None
    num_activation_ids_in_overlap: dict[str, int] | None = None


class OverlapStatisticsResult(BaseModel):
    """The overlap of all seed audiences."""

    overlap_statistics: list[OverlapStatistic]


class RocCurvePoint(BaseModel):
    """A point of the curve of held-out users."""

    tpr: float
    fpr: float


class FilteredAudienceQuality(BaseModel):
    """The quality at one reach."""

    roc_curve: RocCurvePoint | None = None


class FilteredAudience(BaseModel):
    """The size of the audience at one reach, in percent of the base."""

    reach: int
    size: int
    quality: FilteredAudienceQuality


class RocCurveData(BaseModel):
    """The curve of held-out users."""

    auc: float
    fpr: list[float]
    tpr: list[float]
    reach: list[float]
    test_set_size: int
    test_set_positive_examples_size: int


class QualityMetrics(BaseModel):
    """The quality of a model."""

    roc_curve: RocCurveData


class ActivationIdStatistics(BaseModel):
    """The sizes of a lookalike audience in one activation id."""

    addressable_audience_size: int
    filtered_audiences: list[FilteredAudience]


class LookalikeAudienceStatisticsResult(BaseModel):
    """The quality of a lookalike model, and the sizes of its audiences at each reach."""

    seed_audience_size: int
    quality: QualityMetrics
    activation_ids: dict[str, ActivationIdStatistics]
