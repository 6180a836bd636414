"""Matchable embeddings users: the number of matchable users with an embedding."""

from __future__ import annotations

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.tables import Column, Json, NumberTable, ReportNumbers, Table, Unit, ratio
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


def tables(part: Json, report: ReportNumbers) -> list[Table]:
    """Return the same, with the shares of users who are in both groups."""
    rows = []
    for name, users in part.items():
        matchable, embedded, both = (users[field] for field in _FIELDS)
        rows.append([name, matchable, embedded, both, ratio(both, matchable), ratio(both, embedded)])
    columns = [
        Column("Matching id", Unit.NAME, short="matching id"),
        Column("Matchable users", short="matchable users"),
        Column("Users with embedding", short="users with embeddings"),
        Column("Both", short="matchable users with embeddings"),
        Column("Both, of matchable", Unit.SHARE, short="of matchable"),
        Column("Both, of embeddings", Unit.SHARE, short="of embeddings"),
    ]
    return [Table("Matchable users with an embedding", columns, rows)]


PANEL = Panel(
    name="matchable_embeddings_users",
    title="Matchable embeddings users",
    question="How many matchable users have an embedding?",
    use="Users with both a matching id and an embedding can be seed users of a lookalike model.",
    inputs=(USERS,),
    model=MatchableEmbeddingsUsers,
    compute=compute,
    table=table,
    tables=tables,
    place=("embeddings_statistics",),
    dataset=DatasetKind.EMBEDDINGS,
    types=AUDIENCES,
    position=2,
)
