"""Defines a lookalike audience: the users of the base who resemble those of another audience."""

from __future__ import annotations

from typing import Self

from datalab_dagster.media.audiences import AudienceType
from datalab_dagster.media.errors import ReachOutOfRange
from datalab_dagster.media.participant import Participant

__all__ = ["AudienceType", "LookalikeAudienceBuilder", "LookalikeAudienceDefinition"]

_LARGEST_REACH = 30


class LookalikeAudienceDefinition:
    """A lookalike audience; `shared_with` holds ids of participants."""

    kind = "LOOKALIKE"

    def __init__(
        self,
        *,
        name: str,
        reach: int,
        exclude_seed_audience: bool,
        source_audience: AudienceType,
        shared_with: list[Participant],
    ) -> None:
        self.name = name
        self.reach = reach
        self.exclude_seed_audience = exclude_seed_audience
        self.source_audience = source_audience
        self.shared_with = [participant.id for participant in shared_with]


class LookalikeAudienceBuilder:
    """Builds the definition of a lookalike audience.

    Args:
        name: of the audience.
        reach: percent of the base, 1 to 30.
        source_audience: the users to resemble.

    Raises:
        ReachOutOfRange: it is not 0 to 30.
    """

    def __init__(self, *, name: str, reach: int, source_audience: AudienceType) -> None:
        if not 0 <= reach <= _LARGEST_REACH:
            raise ReachOutOfRange(reach)
        self.name = name
        self.reach = reach
        self.source_audience = source_audience
        self.exclude_seed_audience = False
        self.shared_with: list[Participant] = []

    def with_exclude_seed_audience(self) -> Self:
        """Leave the users of the source out."""
        self.exclude_seed_audience = True
        return self

    def with_share_with_participants(self, participants: list[Participant]) -> Self:
        """Share the audience with these participants."""
        self.shared_with = participants
        return self

    def build(self) -> LookalikeAudienceDefinition:
        """Return the definition."""
        return LookalikeAudienceDefinition(
            name=self.name,
            reach=self.reach,
            exclude_seed_audience=self.exclude_seed_audience,
            source_audience=self.source_audience,
            shared_with=self.shared_with,
        )
