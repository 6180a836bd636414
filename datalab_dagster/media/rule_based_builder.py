"""Defines a rule-based audience: a filtered audience, combined with others."""

# ruff: noqa: UP042 - as at the vendor's; a StrEnum would print its value
from __future__ import annotations

from enum import Enum
from typing import Any, Self

from datalab_dagster.media.audiences import AudienceType, reference_of
from datalab_dagster.media.errors import SourceNotAnAudience
from datalab_dagster.media.participant import Participant

__all__ = [
    "AudienceCombinator",
    "AudienceCombinatorBuilder",
    "AudienceFilters",
    "AudienceType",
    "CombineOperator",
    "Filter",
    "FilterOperator",
    "MatchOperator",
    "RuleBasedAudienceBuilder",
    "RuleBasedAudienceDefinition",
]


class FilterOperator(str, Enum):
    """What a filter asks of a user's values; the last two need no value."""

    CONTAINS_ANY = "CONTAINS_ANY_OF"
    CONTAINS_NONE = "CONTAINS_NONE_OF"
    CONTAINS_ALL = "CONTAINS_ALL_OF"
    EMPTY = "EMPTY"
    NOT_EMPTY = "NOT_EMPTY"


class MatchOperator(str, Enum):
    """Whether all filters must match, or any."""

    MATCH_ALL = "AND"
    MATCH_ANY = "OR"


class CombineOperator(str, Enum):
    """The set operation with another audience."""

    INTERSECT = "INTERSECT"
    UNION = "UNION"
    DIFF = "DIFF"


class Filter:
    """A condition on an attribute of a user: ``segments``, ``age`` or ``gender``."""

    def __init__(self, *, attribute: str, values: list[str], operator: FilterOperator) -> None:
        self.attribute = attribute
        self.values = values
        self.operator = operator

    def as_dict(self) -> dict[str, Any]:
        """Return the filter in wire keys.

        >>> Filter(attribute="age", values=["18-24"], operator=FilterOperator.CONTAINS_ANY).as_dict()
        {'operator': 'CONTAINS_ANY_OF', 'attribute': 'age', 'values': ['18-24']}
        """
        return {"operator": self.operator.value, "attribute": self.attribute, "values": self.values}


class AudienceFilters:
    """Filters, of which all must match, or any."""

    def __init__(self, *, filters: list[Filter], operator: MatchOperator) -> None:
        self.filters = filters
        self.operator = operator

    def as_dict(self) -> dict[str, Any]:
        """Return the filters in wire keys."""
        return {"booleanOp": self.operator.value, "filters": [one.as_dict() for one in self.filters]}


class AudienceCombinator:
    """A set operation with another, filtered audience."""

    def __init__(
        self, *, operator: CombineOperator, source_audience: AudienceType, filters: AudienceFilters | None = None
    ) -> None:
        self.operator = operator
        self.source_audience = source_audience
        self.filters = filters

    def as_dict(self) -> dict[str, Any]:
        """Return the set operation in wire keys.

        Raises:
            SourceNotAnAudience: its source is no audience.
        """
        source = reference_of(self.source_audience)
        if source is None:
            raise SourceNotAnAudience(self.source_audience)
        return {
            "operator": self.operator.value,
            "sourceRef": source,
            "filters": self.filters.as_dict() if self.filters else None,
        }


class RuleBasedAudienceDefinition:
    """A rule-based audience; `shared_with` holds ids of participants."""

    kind = "RULE_BASED"

    def __init__(
        self,
        *,
        name: str,
        source_audience: AudienceType,
        filters: AudienceFilters | None = None,
        combinators: list[AudienceCombinator] | None = None,
        shared_with: list[Participant] | None = None,
    ) -> None:
        self.name = name
        self.source_audience = source_audience
        self.filters = filters
        self.combinators = combinators
        self.shared_with = [participant.id for participant in shared_with or ()]


class RuleBasedAudienceBuilder:
    """Builds the definition of a rule-based audience; without filters and combinators it is a copy of its source."""

    def __init__(self, *, name: str, source_audience: AudienceType) -> None:
        self.name = name
        self.source_audience = source_audience
        self.filters: AudienceFilters | None = None
        self.combinators: list[AudienceCombinator] | None = None
        self.shared_with: list[Participant] = []

    def with_share_with_participants(self, participants: list[Participant]) -> Self:
        """Share the audience with these participants."""
        self.shared_with = participants
        return self

    def with_filters(self, filters: AudienceFilters) -> Self:
        """Set the filters on the source."""
        self.filters = filters
        return self

    def with_combinator(self, combinators: list[AudienceCombinator]) -> Self:
        """Set the set operations, applied in this order: all the same, and at most one if it is DIFF."""
        self.combinators = combinators
        return self

    def build(self) -> RuleBasedAudienceDefinition:
        """Return the definition."""
        return RuleBasedAudienceDefinition(
            name=self.name,
            source_audience=self.source_audience,
            filters=self.filters,
            combinators=self.combinators,
            shared_with=self.shared_with,
        )


class AudienceCombinatorBuilder:
    """Builds a set operation with another audience."""

    def __init__(self, *, operator: CombineOperator, source_audience: AudienceType) -> None:
        self.operator = operator
        self.source_audience = source_audience
        self.filters: AudienceFilters | None = None

    def with_filters(self, filters: AudienceFilters) -> Self:
        """Set the filters on the other audience."""
        self.filters = filters
        return self

    def build(self) -> AudienceCombinator:
        """Return the set operation."""
        return AudienceCombinator(operator=self.operator, source_audience=self.source_audience, filters=self.filters)
