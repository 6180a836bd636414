"""Matchable users, in a file of their own: how many there are, and how many have an id that no other user has."""

from __future__ import annotations

from pydantic import BaseModel, RootModel


class MatchableCounts(BaseModel):
    """The users of one matching id."""

    matchable_users: int
    """Users with at least one such id."""
    users_with_own_id: int
    """Of those, users with at least one such id that no other user has."""


class MatchableUsers(RootModel[dict[str, MatchableCounts]]):
    """Matching id → its users, in configuration order (docs/spec/statistics.md#10-matchable-users)."""
