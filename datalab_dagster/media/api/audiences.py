"""Audiences, references to them, and what custom audiences are made of, with the keys of the wire."""

# ruff: noqa: N815, UP042 - attributes and enumerations as at the vendor's
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Literal

from pydantic import BaseModel, Field

FilterOperator = Literal["CONTAINS_ANY_OF", "CONTAINS_NONE_OF", "CONTAINS_ALL_OF", "EMPTY", "NOT_EMPTY"]
BooleanOp = Literal["AND", "OR"]
CombineOperator = Literal["INTERSECT", "UNION", "DIFF"]


class AudienceKind(str, Enum):
    """Whether an audience is a part of the seed dataset, or was defined in the room."""

    SEED = "SEED"
    CUSTOM = "CUSTOM"


class SeedAudience(BaseModel):
    """The ids of one audience type of the seed dataset."""

    kind: AudienceKind
    audienceType: str
    audienceSize: int | None = None
    createdAt: datetime
    isEmpty: bool


class AudienceReference1(BaseModel):
    """The base audience."""

    kind: Literal["BASE"]


class AudienceReference2(BaseModel):
    """A custom audience."""

    id: str
    kind: Literal["CUSTOM"]


class AudienceReference3(BaseModel):
    """A seed audience."""

    audienceType: str
    kind: Literal["SEED"]


AudienceReference = AudienceReference1 | AudienceReference2 | AudienceReference3


class SeedAudienceReference(BaseModel):
    """A seed audience, where nothing else is possible."""

    audienceType: str


class AudienceFilter(BaseModel):
    """A condition on one attribute of a user."""

    attribute: str
    operator: FilterOperator
    values: Sequence[str] | None = None


class AudienceFilters(BaseModel):
    """Conditions, of which all or one must be met."""

    booleanOp: BooleanOp
    filters: Sequence[AudienceFilter]


class AudienceCombinator(BaseModel):
    """A set operation with another, filtered audience."""

    filters: AudienceFilters | None = None
    operator: CombineOperator
    sourceRef: AudienceReference = Field(discriminator="kind")


class CustomAudienceDefinition1(BaseModel):
    """A lookalike audience: the users who resemble the source, up to a share of the base."""

    excludeSeedAudience: bool | None = None
    kind: Literal["LOOKALIKE"]
    reach: int
    sourceRef: AudienceReference = Field(discriminator="kind")


class CustomAudienceDefinition2(BaseModel):
    """A rule-based audience: the filtered source, then each set operation in turn."""

    combine: Sequence[AudienceCombinator] | None = None
    filters: AudienceFilters | None = None
    kind: Literal["RULE_BASED"]
    sourceRef: AudienceReference = Field(discriminator="kind")


class CustomAudienceDefinition3(BaseModel):
    """A remarketing audience: the matched users of a seed audience."""

    kind: Literal["REMARKETING"]
    seedAudienceRef: SeedAudienceReference


class CustomAudienceDefinition4(BaseModel):
    """An exclusion targeting audience: the base without the matched users of a seed audience."""

    kind: Literal["EXCLUSION_TARGETING"]
    seedAudienceRef: SeedAudienceReference


CustomAudienceDefinition = (
    CustomAudienceDefinition1 | CustomAudienceDefinition2 | CustomAudienceDefinition3 | CustomAudienceDefinition4
)


class StalenessWarnings(BaseModel):
    """What an audience and its prerequisites name, and the data no longer have."""

    missingCustomAudiences: Sequence[str] | None = []
    missingFilterAttributes: Sequence[str] | None = []
    missingFilterValues: Sequence[str] | None = []
    missingSeedAudiences: Sequence[str] | None = []


class CustomAudience(BaseModel):
    """An audience that was defined in the room; `sharedWith` holds ids of participants."""

    createdAt: str
    createdBy: str
    createdByGroupId: str | None = None
    definition: CustomAudienceDefinition = Field(discriminator="kind")
    doesAudienceDependOnLookalikeAudience: bool | None = None
    id: str
    kind: AudienceKind = AudienceKind.CUSTOM
    name: str
    sharedWith: Sequence[str] | None = None
    stalenessWarnings: StalenessWarnings | None = None


class GetCustomAudiencesResult(BaseModel):
    """The custom audiences that a user may see, and their prerequisites."""

    audiences: list[CustomAudience]


class GetSeedAudiencesResult(BaseModel):
    """The seed audiences."""

    audiences: list[SeedAudience]
