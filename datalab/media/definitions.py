"""The definitions of custom audiences, with their wire keys (docs/spec/media.md#24-result-models)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from datalab.collaboration import CollaborationType
from datalab.lab import Text, WireModel


class Base(WireModel):
    """All base users."""

    kind: Literal["BASE"]


class Seed(WireModel):
    """The matched users of one audience type."""

    kind: Literal["SEED"]
    audience_type: Text


class Custom(WireModel):
    """The users of another custom audience."""

    kind: Literal["CUSTOM"]
    id: Text


Reference = Annotated[Base | Seed | Custom, Field(discriminator="kind")]


class Operator(StrEnum):
    """What a filter asks of a user's values of one attribute."""

    ANY = "CONTAINS_ANY_OF"
    NONE = "CONTAINS_NONE_OF"
    ALL = "CONTAINS_ALL_OF"
    EMPTY = "EMPTY"
    NOT_EMPTY = "NOT_EMPTY"

    @property
    def needs_values(self) -> bool:
        """Whether it compares with the values of the filter; the others ignore them."""
        return self in (Operator.ANY, Operator.NONE, Operator.ALL)


class Filter(WireModel):
    """One condition."""

    attribute: Text
    operator: Operator
    values: list[Text] | None = None

    @property
    def wanted(self) -> list[str]:
        """The values that matter, each once."""
        return list(dict.fromkeys(self.values or [])) if self.operator.needs_values else []


class Filters(WireModel):
    """Conditions, all of which or one of which must hold."""

    boolean_op: Literal["AND", "OR"]
    filters: list[Filter]


class Combination(StrEnum):
    """What is done with the users of a further source."""

    INTERSECT = "INTERSECT"
    UNION = "UNION"
    DIFF = "DIFF"


class Combinator(WireModel):
    """A further source of a rule, and how it is combined."""

    operator: Combination
    source_ref: Reference
    filters: Filters | None = None


class SeedAudienceType(WireModel):
    """The audience type that a remarketing or exclusion audience is of."""

    audience_type: Text
    kind: Literal["SEED"] = "SEED"


class Remarketing(WireModel):
    kind: Literal["REMARKETING"]
    seed_audience_ref: SeedAudienceType


class ExclusionTargeting(WireModel):
    kind: Literal["EXCLUSION_TARGETING"]
    seed_audience_ref: SeedAudienceType


class RuleBased(WireModel):
    kind: Literal["RULE_BASED"]
    source_ref: Reference
    filters: Filters | None = None
    combine: list[Combinator] | None = None

    @property
    def parts(self) -> Iterator[tuple[Base | Seed | Custom, Filters | None]]:
        """Every source with its filters, in the order written."""
        yield self.source_ref, self.filters
        for one in self.combine or []:
            yield one.source_ref, one.filters


class Lookalike(WireModel):
    kind: Literal["LOOKALIKE"]
    source_ref: Reference
    reach: Annotated[StrictInt, Field(ge=0, le=100)]
    exclude_seed_audience: StrictBool | None = None


Definition = Annotated[Remarketing | ExclusionTargeting | RuleBased | Lookalike, Field(discriminator="kind")]
AnyDefinition = Remarketing | ExclusionTargeting | RuleBased | Lookalike
AnyReference = Base | Seed | Custom


class CustomAudience(WireModel):
    """A named definition."""

    id: Annotated[Text, Field(min_length=1)]
    name: Text
    definition: Definition

    @property
    def type(self) -> CollaborationType:
        """The collaboration type that a room needs for it."""
        return CollaborationType(self.definition.kind)


def references(definition: AnyDefinition) -> Iterator[AnyReference]:
    """Yield what a definition is made of, in the order written."""
    match definition:
        case Remarketing() | ExclusionTargeting():
            yield Seed(kind="SEED", audience_type=definition.seed_audience_ref.audience_type)
        case RuleBased():
            yield from (source for source, _ in definition.parts)
        case Lookalike():
            yield definition.source_ref


def filters_of(definition: AnyDefinition) -> Iterator[Filter]:
    """Yield every filter of a definition, in the order written."""
    if isinstance(definition, RuleBased):
        for _, filters in definition.parts:
            yield from filters.filters if filters else []
