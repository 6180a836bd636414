"""Defines an exclusion targeting audience: the base without the matched users of a seed audience."""

from __future__ import annotations

from typing import Self

from datalab_dagster.media.participant import Participant


class ExclusionTargetingAudienceDefinition:
    """An exclusion targeting audience; `shared_with` holds ids of participants."""

    kind = "EXCLUSION_TARGETING"

    def __init__(self, *, name: str, source_audience_type: str, shared_with: list[Participant]) -> None:
        self.name = name
        self.source_audience_type = source_audience_type
        self.shared_with = [participant.id for participant in shared_with]


class ExclusionTargetingAudienceBuilder:
    """Builds the definition of an exclusion targeting audience from the seed audience of one type."""

    def __init__(self, *, name: str, source_audience_type: str) -> None:
        self.name = name
        self.source_audience_type = source_audience_type
        self.shared_with: list[Participant] = []

    def with_share_with_participants(self, participants: list[Participant]) -> Self:
        """Share the audience with these participants."""
        self.shared_with = participants
        return self

    def build(self) -> ExclusionTargetingAudienceDefinition:
        """Return the definition."""
        return ExclusionTargetingAudienceDefinition(
            name=self.name, source_audience_type=self.source_audience_type, shared_with=self.shared_with
        )
