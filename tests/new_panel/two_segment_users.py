"""Users with two segments: how many users are in exactly two segments, of all and of those who can be matched."""

from __future__ import annotations

from pydantic import RootModel

from datalab.collaboration import CollaborationType
from datalab.kinds import DatasetKind
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.sql import statements
from datalab.statistics.tables import NumberTable
from datalab.statistics.users import USERS, by_matching_id

NAME = "two_segment_users"
_SQL = statements(__file__)


class TwoSegmentUsers(RootModel[dict[str, int]]):
    """Matching id, or "all users" → users with exactly two segments."""


def compute(inputs: PanelInputs) -> TwoSegmentUsers:
    """Count users with two segments."""
    [found] = inputs.engine.query(_SQL[NAME].format(**by_matching_id(inputs.lab)), panel=NAME).to_pylist()
    matchable = {entry.id_name: found[f"m{j}"] for j, entry in enumerate(inputs.lab.matching_ids)}
    return TwoSegmentUsers({"all users": found["all_users"], **matchable})


def table(value: TwoSegmentUsers) -> NumberTable:
    """Return the count of all users and of each matching id."""
    return NumberTable(("users", "with two segments"), list(value.root.items()))


PANEL = Panel(
    name=NAME,
    title="Users with two segments",
    question="How many users are in exactly two segments?",
    use="Such users are reached through two audiences.",
    inputs=(USERS,),
    model=TwoSegmentUsers,
    compute=compute,
    table=table,
    dataset=DatasetKind.SEGMENTS,
    types=(CollaborationType.INSIGHTS,),
)
