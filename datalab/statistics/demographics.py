"""The panel of demographics: users per age and gender."""

from __future__ import annotations

from collections import defaultdict

from datalab.engines import Engine
from datalab.lab import LabDefinition
from datalab.results.statistics import DemographicStatistics, DistributionValue
from datalab.statistics.identifiers import builds_audiences
from datalab.statistics.panels import DemographicUserCountsPanel
from datalab.statistics.segments import share
from datalab.statistics.users import USERS, matching_mask_sql, per_bit_sql

EMPTY = "n/a"
"""How an empty age or gender is written in a key."""


def demographic_key(age: str | None, gender: str | None) -> str:
    """Return the key of a pair.

    >>> demographic_key("18-24", None)
    '18-24||n/a'
    """
    return f"{age or EMPTY}||{gender or EMPTY}"


def demographic_user_counts_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `age`, `gender`, `all_users` and per matching id `m0`…: users with that pair."""
    return f"""
SELECT g.age, g.gender, CAST(SUM(g.users) AS BIGINT) AS all_users,
  {per_bit_sql("g.users", "g.matchable", len(lab.matching_ids))}
FROM (
  SELECT d.age, d.gender, m.matchable, COUNT(*) AS users
  FROM demographics d
  JOIN (SELECT u.user_id, {matching_mask_sql(lab)} AS matchable FROM {USERS} u WHERE u.in_demographics) m
    ON d.user_id = m.user_id
  GROUP BY d.age, d.gender, m.matchable
) g
GROUP BY g.age, g.gender
ORDER BY g.age NULLS LAST, g.gender NULLS LAST"""


def demographic_user_counts(engine: Engine, lab: LabDefinition) -> DemographicUserCountsPanel:
    """Return users per age and gender, of all and of each matching id (LOOKALIKE or RULE_BASED).

    See docs/spec/statistics.md#4-demographics.

    Needs the relations `demographics` (one row per user) and `users`.
    """
    if not lab.require_demographics or not builds_audiences(lab):
        return DemographicUserCountsPanel(None)
    table = engine.query(demographic_user_counts_sql(lab), panel="demographic_user_counts")
    keys = [
        demographic_key(age, gender)
        for age, gender in zip(table["age"].to_pylist(), table["gender"].to_pylist(), strict=True)
    ]

    def distribution(column: str) -> tuple[int, dict[str, DistributionValue]]:
        # Pairs can share a key: an empty age and the age "n/a" do.
        users: defaultdict[str, int] = defaultdict(int)
        for key, n in zip(keys, table[column].to_pylist(), strict=True):
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
