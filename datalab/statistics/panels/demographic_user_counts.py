"""Demographic user counts: users per age and gender, among all users and among matchable users."""

from __future__ import annotations

import re
from collections import defaultdict

from pydantic import RootModel

from datalab.kinds import DatasetKind
from datalab.results.statistics import DemographicStatistics, DistributionValue
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.panels._by_matching_id import user_cells, user_columns
from datalab.statistics.sql import statements
from datalab.statistics.tables import Column, Json, NumberTable, ReportNumbers, Table, Unit
from datalab.statistics.users import USERS, by_matching_id_of, share

NAME = "demographic_user_counts"
EMPTY = "n/a"
"""The text for an empty age or gender in a key."""
_SQL = statements(__file__)


class DemographicUserCountsPanel(RootModel[DemographicStatistics]):
    """`age||gender` → users, among all and per matching id."""


def demographic_key(age: str | None, gender: str | None) -> str:
    """Return the key of a pair.

    >>> demographic_key("18-24", None)
    '18-24||n/a'
    """
    return f"{age or EMPTY}||{gender or EMPTY}"


def compute(inputs: PanelInputs) -> DemographicUserCountsPanel:
    """Return users per age and gender, among all and per matching id (docs/spec/statistics.md#4-demographics)."""
    lab = inputs.lab
    parts = by_matching_id_of(lab, inputs.groups, DatasetKind.DEMOGRAPHICS)
    found = inputs.engine.query(_SQL[NAME].format(**parts), panel=NAME)
    ages, genders = found["age"].to_pylist(), found["gender"].to_pylist()
    withheld = inputs.names(DatasetKind.DEMOGRAPHICS, NAME).withheld([*ages, *genders])
    keys = [
        demographic_key(withheld.get(age, age), withheld.get(gender, gender))
        for age, gender in zip(ages, genders, strict=True)
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
    # Any text except the two field names may be a matching id, also one that is not allowed as a Python argument.
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


def tables(part: Json, report: ReportNumbers) -> list[Table]:
    """Return the users of every pair of age and gender."""
    everyone = part["all_users"]
    per_id = {m: part[m]["matchable"] for m in report.matching_ids if m in part}
    keys = sorted(everyone, key=lambda key: [_natural(text) for text in key.split("||", 1)])
    rows = ([*_pair(key), *user_cells(report, everyone, per_id, key)] for key in keys)
    columns = [
        Column("Age", Unit.NAME, short="age"),
        Column("Gender", Unit.NAME, short="gender"),
        *user_columns(report),
    ]
    return [Table("Users by age and gender", columns, rows, lead=4, total=len(keys))]


def _pair(key: str) -> tuple[str, str]:
    age, _, gender = key.partition("||")
    return age, gender


def _natural(text: str) -> tuple[bool, list[tuple[int, int, str]]]:
    """Return a sort key: numbers inside text are compared by size, and an empty value is last."""
    parts = re.findall(r"\d+|\D+", text)
    return text == EMPTY, [(0, int(part[:300]), "") if part.isdecimal() else (1, 0, part) for part in parts]


PANEL = Panel(
    name=NAME,
    title="Demographic user counts",
    question="How old are users and of which gender, and do matchable users differ?",
    use="If the shape of matchable users differs from that of all, a matched audience will not look like yours.",
    inputs=(USERS, DatasetKind.DEMOGRAPHICS),
    model=DemographicUserCountsPanel,
    compute=compute,
    table=table,
    tables=tables,
    chart="pyramid",
    place=("demographic_statistics",),
    dataset=DatasetKind.DEMOGRAPHICS,
    types=AUDIENCES,
    position=1,
)
