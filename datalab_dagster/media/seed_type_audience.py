"""What remarketing and exclusion targeting audiences have in common: each is made of the seed audience of one type."""

from __future__ import annotations

from typing import Generic, Self, TypeVar

from datalab_dagster.media.participant import Participant


class SeedTypeAudienceDefinition:
    """An audience of one seed audience; `shared_with` holds ids of participants."""

    def __init__(self, *, name: str, source_audience_type: str, shared_with: list[Participant]) -> None:
        self.name = name
        self.source_audience_type = source_audience_type
        self.shared_with = [participant.id for participant in shared_with]


Definition = TypeVar("Definition", bound=SeedTypeAudienceDefinition)


class SeedTypeAudienceBuilder(Generic[Definition]):
    """Builds the definition of an audience of the seed audience of one type."""

    _definition: type[Definition]

    def __init__(self, *, name: str, source_audience_type: str) -> None:
        self.name = name
        self.source_audience_type = source_audience_type
        self.shared_with: list[Participant] = []

    def with_share_with_participants(self, participants: list[Participant]) -> Self:
        """Share the audience with these participants."""
        self.shared_with = participants
        return self

    def build(self) -> Definition:
        """Return the definition."""
        return self._definition(
            name=self.name, source_audience_type=self.source_audience_type, shared_with=self.shared_with
        )
