"""Segments per user: the number of segments of users, among all users and among matchable users."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.results.statistics import DistributionValue, SegmentsPerUserDistribution
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.panels._by_matching_id import user_cells, user_columns
from datalab.statistics.sql import statements
from datalab.statistics.tables import Column, Json, NumberTable, ReportNumbers, Table
from datalab.statistics.users import USERS, by_matching_id, share

NAME = "segments_per_user"
_SQL = statements(__file__)


class SegmentsPerUserPanel(RootModel[dict[str, SegmentsPerUserDistribution]]):
    """Matching id → number of segments → users."""


def compute(inputs: PanelInputs) -> SegmentsPerUserPanel:
    """Return, per matching id, the users by number of segments; numbers without users are left out.

    See docs/spec/statistics.md#3-segments.
    """
    lab = inputs.lab
    found = inputs.engine.query(_SQL[NAME].format(**by_matching_id(lab)), panel=NAME)
    buckets = [str(n) for n in found["segment_count"].to_pylist()]

    def distribution(column: str) -> dict[str, DistributionValue]:
        users = found[column].to_pylist()
        population = sum(users)
        return {bucket: share(n, population) for bucket, n in zip(buckets, users, strict=True) if n}

    return SegmentsPerUserPanel(
        {
            entry.id_name: SegmentsPerUserDistribution(
                matchable=distribution(f"m{j}"), all_users=distribution("all_users")
            )
            for j, entry in enumerate(lab.matching_ids)
        }
    )


def table(value: SegmentsPerUserPanel) -> NumberTable:
    """Return the mean and the maximum number of segments per matching id."""
    rows = [
        (matching, _mean(panel.all_users), _mean(panel.matchable), max(map(int, panel.all_users), default=0))
        for matching, panel in value.root.items()
    ]
    return NumberTable(("matching id", "segments per user", "segments per matchable user", "most segments"), rows)


def _mean(buckets: Mapping[str, DistributionValue]) -> float:
    """Return the mean number of segments of a population, from its buckets."""
    users = {int(number): cell.absolute for number, cell in buckets.items()}
    total = sum(users.values())
    return sum(number * count for number, count in users.items()) / total if total else 0.0


def tables(part: Json, report: ReportNumbers) -> list[Table]:
    """Return the users by number of segments."""
    everyone: Json = {}
    for distribution in part.values():
        everyone |= distribution["all_users"]
    per_id = {m: distribution["matchable"] for m, distribution in part.items()}
    keys = sorted(set(everyone).union(*per_id.values()), key=int)
    rows = ([int(key), *user_cells(report, everyone, per_id, key)] for key in keys)
    columns = [Column("Segments", short="segments"), *user_columns(report)]
    return [Table("Users by number of segments", columns, rows, lead=3, total=len(keys))]


PANEL = Panel(
    name=NAME,
    title="Segments-per-user counts",
    question="How many segments does a user belong to?",
    use="Shows whether segmentation is spread evenly or concentrated on few users. 0 stands for users "
    "without a segment.",
    inputs=(USERS,),
    model=SegmentsPerUserPanel,
    compute=compute,
    table=table,
    tables=tables,
    chart="per_user",
    place=("segment_statistics", "segments_per_user_distribution"),
    dataset=DatasetKind.SEGMENTS,
    types=AUDIENCES,
    position=3,
)
