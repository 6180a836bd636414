"""Demographic user counts: users per age and gender, of all and of those who can be matched."""

from __future__ import annotations

from collections import defaultdict

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.results.statistics import DemographicStatistics, DistributionValue
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.sql import statements
from datalab.statistics.tables import NumberTable
from datalab.statistics.users import USERS, by_matching_id, share

NAME = "demographic_user_counts"
EMPTY = "n/a"
"""How an empty age or gender is written in a key."""
_SQL = statements(__file__)


class DemographicUserCountsPanel(RootModel[DemographicStatistics]):
    """`age||gender` → users, of all and of each matching id."""


def demographic_key(age: str | None, gender: str | None) -> str:
    """Return the key of a pair.

    >>> demographic_key("18-24", None)
    '18-24||n/a'
    """
    return f"{age or EMPTY}||{gender or EMPTY}"


def compute(inputs: PanelInputs) -> DemographicUserCountsPanel:
    """Return users per age and gender, of all and of each matching id (docs/spec/statistics.md#4-demographics)."""
    lab = inputs.lab
    found = inputs.engine.query(_SQL[NAME].format(**by_matching_id(lab)), panel=NAME)
    keys = [
        demographic_key(age, gender)
        for age, gender in zip(found["age"].to_pylist(), found["gender"].to_pylist(), strict=True)
    ]

    def distribution(column: str) -> tuple[int, dict[str, DistributionValue]]:
        # Pairs can share a key: an empty age and the age "n/a" do.
        users: defaultdict[str, int] = defaultdict(int)
        for key, n in zip(keys, found[column].to_pylist(), strict=True):
            users[key] += n
        population = sum(users.values())
        return population, {key: share(n, population) for key, n in users.items() if n}

    population, all_users = distribution("all_users")
    matchable = {m.id_name: {"matchable": distribution(f"m{j}")[1]} for j, m in enumerate(lab.matching_ids)}
    statistics = DemographicStatistics(distinct_users_with_demographics=population, all_users=all_users)
    # Any text but the two field names may be a matching id, also one that Python could not take as an argument.
    assert statistics.__pydantic_extra__ is not None
    statistics.__pydantic_extra__.update(matchable)
    return DemographicUserCountsPanel(statistics)


def table(value: DemographicUserCountsPanel) -> NumberTable:
    """Return users with demographics, of all and of each matching id; ages and genders are values of rows."""
    parts = {name: part for name, part in value.root.model_dump().items() if name in (value.root.model_extra or {})}
    matchable = {name: sum(cell["absolute"] for cell in part["matchable"].values()) for name, part in parts.items()}
    return NumberTable(
        ("users", "with demographics"),
        [("all users", value.root.distinct_users_with_demographics), *matchable.items()],
    )


PANEL = Panel(
    name=NAME,
    question="How old are users and of which gender, and do matchable users differ?",
    inputs=(USERS, DatasetKind.DEMOGRAPHICS),
    model=DemographicUserCountsPanel,
    compute=compute,
    table=table,
    dataset=DatasetKind.DEMOGRAPHICS,
    types=AUDIENCES,
    position=1,
)
