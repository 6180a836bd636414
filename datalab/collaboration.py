"""The collaboration types of a lab, an entry each: title, purpose, and what a lab needs for it.

`datalab.statistics.readiness` decides whether a particular lab meets these needs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, Self


class Part(StrEnum):
    """Something that a collaboration type needs from a lab or its data."""

    words: str
    """The part with its article, for sentences about a definition."""
    filled: str
    """The part with data in it, for sentences about validated data."""
    datasets: tuple[str, ...]
    """The lab needs a dataset of one of these kinds for it; empty: the part concerns identifiers."""

    def __new__(cls, wire: str, words: str, filled: str, *datasets: str) -> Self:
        """Make the member whose value is its name in the readiness."""
        member = str.__new__(cls, wire)
        member._value_ = wire
        member.words, member.filled, member.datasets = words, filled, datasets
        return member

    MATCHING_ID = "matching id", "a matching id", "a matching id with values"
    ACTIVATION_ID = "activation id", "an activation id", "an activation id with values"
    SEGMENTS = "segments", "segments", "a segments dataset with valid rows", "segments"
    DEMOGRAPHICS = "demographics", "demographics", "demographics", "demographics"
    EMBEDDINGS = "embeddings", "embeddings", "an embeddings dataset with valid rows", "embeddings"
    SEGMENTS_OR_EMBEDDINGS = (
        "segments or embeddings",
        "segments or embeddings",
        "segments or embeddings with valid rows",
        "segments",
        "embeddings",
    )


class _Entry(NamedTuple):
    wire: str
    label: str
    purpose: str
    must: tuple[Part, ...]
    nice: tuple[Part, ...] = ()
    is_default: bool = True
    is_always_on: bool = False


class CollaborationType(StrEnum):
    """What Media DCRs may use the lab for; OVERLAP is always on."""

    label: str
    purpose: str
    must: tuple[Part, ...]
    """What a lab must have (docs/spec/statistics.md#9-readiness-by-collaboration-type)."""
    nice: tuple[Part, ...]
    """What improves it."""
    is_default: bool
    """Whether a lab supports it by default."""
    is_always_on: bool
    """Whether every lab supports it; its owner cannot turn it off."""

    def __new__(cls, *fields: Any) -> Self:
        """Make the member whose value is the wire name."""
        entry = _Entry(*fields)
        member = str.__new__(cls, entry.wire)
        member._value_ = entry.wire
        member.label, member.purpose, member.must, member.nice = entry.label, entry.purpose, entry.must, entry.nice
        member.is_default, member.is_always_on = entry.is_default, entry.is_always_on
        return member

    OVERLAP = _Entry(
        "OVERLAP",
        "Overlap",
        "Count the users that publisher and advertiser have in common",
        must=(Part.MATCHING_ID,),
        is_always_on=True,
    )
    INSIGHTS = _Entry(
        "INSIGHTS",
        "Insights",
        "Describe those users by segment and demographics",
        must=(Part.MATCHING_ID, Part.SEGMENTS),
        nice=(Part.DEMOGRAPHICS,),
    )
    REMARKETING = _Entry(
        "REMARKETING",
        "Remarketing",
        "Reach the advertiser's own users again",
        must=(Part.MATCHING_ID, Part.ACTIVATION_ID),
    )
    RULE_BASED = _Entry(
        "RULE_BASED",
        "Rule-based audiences",
        "Build audiences from segments by rules",
        must=(Part.MATCHING_ID, Part.ACTIVATION_ID, Part.SEGMENTS),
        nice=(Part.DEMOGRAPHICS,),
    )
    LOOKALIKE = _Entry(
        "LOOKALIKE",
        "AI lookalike",
        "Find users who resemble the advertiser's",
        must=(Part.MATCHING_ID, Part.ACTIVATION_ID, Part.SEGMENTS_OR_EMBEDDINGS),
        nice=(Part.DEMOGRAPHICS,),
    )
    EXCLUSION_TARGETING = _Entry(
        "EXCLUSION_TARGETING",
        "Exclusion targeting",
        "Leave the advertiser's users out of a campaign",
        must=(Part.MATCHING_ID, Part.ACTIVATION_ID),
        is_default=False,
    )

    @property
    def activates(self) -> bool:
        """Whether it activates users, and therefore needs an activation id."""
        return Part.ACTIVATION_ID in self.must
