"""Matchable embeddings users: how many users who can be matched have an embedding."""

from __future__ import annotations

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.tables import NumberTable
from datalab.statistics.users import USERS

_FIELDS = ("matchable_users", "users_with_embeddings", "matchable_users_with_embeddings")


class MatchableEmbeddingsUsers(RootModel[dict[str, dict[str, int]]]):
    """Matching id → matchable users, users with embeddings, and both."""


def compute(inputs: PanelInputs) -> MatchableEmbeddingsUsers:
    """Return, per matching id, users who are matchable, have embeddings, and both.

    See docs/spec/statistics.md#5-embeddings.
    """
    groups, embeddings = inputs.groups, DatasetKind.EMBEDDINGS
    return MatchableEmbeddingsUsers(
        {
            entry.id_name: {
                "matchable_users": groups.users_in(matching=j),
                "users_with_embeddings": groups.users_in(embeddings),
                "matchable_users_with_embeddings": groups.users_in(embeddings, matching=j),
            }
            for j, entry in enumerate(inputs.lab.matching_ids)
        }
    )


def table(value: MatchableEmbeddingsUsers) -> NumberTable:
    """Return the three counts of every matching id."""
    rows: list[tuple[str | int, ...]] = [
        (matching, *(users[field] for field in _FIELDS)) for matching, users in value.root.items()
    ]
    return NumberTable(("matching id", *(field.replace("_", " ") for field in _FIELDS)), rows)


PANEL = Panel(
    name="matchable_embeddings_users",
    question="How many matchable users have an embedding?",
    inputs=(USERS,),
    model=MatchableEmbeddingsUsers,
    compute=compute,
    table=table,
    dataset=DatasetKind.EMBEDDINGS,
    types=AUDIENCES,
    position=2,
)
