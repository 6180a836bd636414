"""Segments per user: how many segments users have, of all and of those who can be matched."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.results.statistics import DistributionValue, SegmentsPerUserDistribution
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.sql import statements
from datalab.statistics.tables import NumberTable
from datalab.statistics.users import USERS, by_matching_id, share

NAME = "segments_per_user"
_SQL = statements(__file__)


class SegmentsPerUserPanel(RootModel[dict[str, SegmentsPerUserDistribution]]):
    """Matching id → number of segments → users."""


def compute(inputs: PanelInputs) -> SegmentsPerUserPanel:
    """Return, per matching id, how many segments users have; numbers that no user has are left out.

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
    """Return means and the most segments per matching id."""
    rows = [
        (matching, _mean(panel.all_users), _mean(panel.matchable), max(map(int, panel.all_users), default=0))
        for matching, panel in value.root.items()
    ]
    return NumberTable(("matching id", "segments per user", "segments per matchable user", "most segments"), rows)


def _mean(buckets: Mapping[str, DistributionValue]) -> float:
    """The mean number of segments of a population, from its buckets."""
    users = {int(number): cell.absolute for number, cell in buckets.items()}
    total = sum(users.values())
    return sum(number * count for number, count in users.items()) / total if total else 0.0


PANEL = Panel(
    name=NAME,
    question="How many segments does a user belong to?",
    inputs=(USERS,),
    model=SegmentsPerUserPanel,
    compute=compute,
    table=table,
    dataset=DatasetKind.SEGMENTS,
    types=AUDIENCES,
    position=3,
)
