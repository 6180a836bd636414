"""Segment user counts: users per segment, among all users and among matchable users."""

from __future__ import annotations

from pydantic import RootModel

from datalab.collaboration import CollaborationType
from datalab.kinds import DatasetKind
from datalab.results.statistics import SegmentUserCounts
from datalab.statistics.panel import Panel, PanelInputs
from datalab.statistics.panels._by_matching_id import user_cells, user_columns
from datalab.statistics.sql import statements
from datalab.statistics.tables import Column, Json, NumberTable, ReportNumbers, Table, Unit, by_size
from datalab.statistics.users import USERS, by_matching_id_of, share

NAME = "segment_user_counts"
_SQL = statements(__file__)


class SegmentUserCountsPanel(RootModel[dict[str, dict[str, SegmentUserCounts]]]):
    """Matching id → segment → users."""


def compute(inputs: PanelInputs) -> SegmentUserCountsPanel:
    """Return, per matching id and segment, its users and its matchable users (docs/spec/statistics.md#3-segments)."""
    lab, groups = inputs.lab, inputs.groups
    parts = by_matching_id_of(lab, groups, DatasetKind.SEGMENTS)
    found = inputs.engine.query(_SQL[NAME].format(**parts), panel=NAME)
    segments, everyone = found["segment"].to_pylist(), found["all_users"].to_pylist()
    withheld = inputs.names(DatasetKind.SEGMENTS, NAME).withheld(segments)
    segments = [withheld.get(segment, segment) for segment in segments]
    with_segments = groups.users_in(DatasetKind.SEGMENTS)
    all_users = [share(n, with_segments) for n in everyone]
    panel = {}
    for j, entry in enumerate(lab.matching_ids):
        population = groups.users_in(DatasetKind.SEGMENTS, matching=j)
        matchable = [share(n, population) for n in found[f"m{j}"].to_pylist()]
        panel[entry.id_name] = {
            segment: SegmentUserCounts(matchable_users=some, all_users=every)
            for segment, some, every in zip(segments, matchable, all_users, strict=True)
        }
    # Its parts are validated models already, and a lab may have a hundred thousand segments to validate again.
    return SegmentUserCountsPanel.model_construct(panel)


def table(value: SegmentUserCountsPanel) -> NumberTable:
    """Return the size of the largest segment per matching id; names of segments are values of rows and left out."""
    rows = []
    for matching, segments in value.root.items():
        users = [counts.all_users.absolute for counts in segments.values()]
        matchable = [counts.matchable_users.absolute for counts in segments.values()]
        rows.append((matching, len(segments), max(users, default=0), max(matchable, default=0)))
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
    chart="segments",
    place=("segment_statistics", NAME),
    dataset=DatasetKind.SEGMENTS,
    types=(CollaborationType.INSIGHTS,),
    position=2,
)
