"""Segment user counts: users per segment, among all users and among matchable users."""

from __future__ import annotations

from pydantic import BaseModel

from datalab.collaboration import CollaborationType
from datalab.kinds import DatasetKind
from datalab.results.statistics import DistributionValue, SegmentUserCounts
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels._by_matching_id import user_cells, user_columns
from datalab.statistics.sql import statements
from datalab.statistics.tables import Column, Json, NumberTable, ReportNumbers, Table, Unit, by_size
from datalab.statistics.users import USERS, by_matching_id_of, share

NAME = "segment_user_counts"
_SQL = statements(__file__)


class Users(BaseModel):
    """Users of every segment, in the order of the segments."""

    of_segments: list[int]
    population: int
    """All users that the shares refer to."""

    def cells(self) -> list[DistributionValue]:
        """Return the numbers with their shares."""
        return [share(n, self.population) for n in self.of_segments]


class SegmentUserCountsPanel(BaseModel):
    """Users per segment, in columns: the objects of a report are too many to be made for each step."""

    segments: list[str]
    all_users: Users
    matchable_users: dict[str, Users]
    """Matching id → its users."""


def compute(inputs: PanelInputs) -> SegmentUserCountsPanel:
    """Return the users and the matchable users of every segment (docs/spec/statistics.md#3-segments)."""
    lab, groups = inputs.lab, inputs.groups
    parts = by_matching_id_of(lab, groups, DatasetKind.SEGMENTS)
    found = inputs.engine.query(_SQL[NAME].format(**parts), panel=NAME)
    segments = found["segment"].to_pylist()
    withheld = inputs.names(DatasetKind.SEGMENTS, NAME).withheld(segments)

    def users(column: str, matching: int | None = None) -> Users:
        population = groups.users_in(DatasetKind.SEGMENTS, matching=matching)
        return Users(of_segments=found[column].to_pylist(), population=population)

    return SegmentUserCountsPanel(
        segments=[withheld.get(segment, segment) for segment in segments],
        all_users=users("all_users"),
        matchable_users={entry.id_name: users(f"m{j}", j) for j, entry in enumerate(lab.matching_ids)},
    )


def in_report(value: SegmentUserCountsPanel) -> dict[str, dict[str, SegmentUserCounts]]:
    """Return matching id → segment → users."""
    all_users = value.all_users.cells()
    return {
        matching: {
            segment: SegmentUserCounts(matchable_users=some, all_users=every)
            for segment, some, every in zip(value.segments, users.cells(), all_users, strict=True)
        }
        for matching, users in value.matchable_users.items()
    }


def table(value: SegmentUserCountsPanel) -> NumberTable:
    """Return the size of the largest segment per matching id; names of segments are values of rows and left out."""
    largest = max(value.all_users.of_segments, default=0)
    rows = [
        (matching, len(value.segments), largest, max(users.of_segments, default=0))
        for matching, users in value.matchable_users.items()
    ]
    return NumberTable(("matching id", "segments", "largest segment", "largest among matchable users"), rows)


def tables(part: Json, report: ReportNumbers) -> list[Table]:
    """Return the users of every segment, the largest first."""
    everyone: Json = {}
    for segments in part.values():
        everyone |= {name: cells["all_users"] for name, cells in segments.items()}
    per_id = {m: {name: cells["matchable_users"] for name, cells in part[m].items()} for m in part}
    order = sorted(everyone, key=lambda name: by_size(everyone[name]["absolute"], name))
    rows = ([name, *user_cells(report, everyone, per_id, name)] for name in order)
    columns = [Column("Segment", Unit.NAME, short="segment"), *user_columns(report)]
    return [Table("Users per segment", columns, rows, lead=3, total=len(order), kept="largest")]


PANEL = Panel(
    name=NAME,
    title="Segment user counts",
    question="How many users are in each segment, and how many of them can be matched?",
    use="A segment whose share among matchable users differs much from its share among all is over- or "
    "under-represented in a match.",
    inputs=(USERS, DatasetKind.SEGMENTS),
    model=SegmentUserCountsPanel,
    compute=compute,
    table=table,
    tables=tables,
    in_report=in_report,
    chart="segments",
    place=("segment_statistics", NAME),
    dataset=DatasetKind.SEGMENTS,
    types=(CollaborationType.INSIGHTS,),
    position=2,
    code_version="2",
)
