"""The legacy result (V1, `StatisticsResult`), computed on request; V2 does not use this module.

The rules: docs/spec/statistics.md#7-legacy-result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResult, UniqueUsersCount
from datalab.statistics.datasets import Summaries
from datalab.statistics.names import Names
from datalab.statistics.panels.demographic_user_counts import EMPTY, demographic_key
from datalab.statistics.users import USERS, mask_sql

_PANEL = "statistics_v1"
_UNKNOWN = f"{EMPTY}||{EMPTY}"
_PARTS = ("matching", "segments", "demographics", "embeddings")
"""The bits of `parts` in `v1_user_groups_sql`, in order."""


def v1_user_groups_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `parts` (a bit per dataset of V1), `segment_count` and the number of `users`."""
    parts = mask_sql([_matching(lab), "u.in_segments", "u.in_demographics", "u.in_embeddings"])
    return f"""
SELECT m.parts, m.segment_count, COUNT(*) AS users
FROM (SELECT {parts} AS parts, u.segment_count FROM {USERS} u) m
GROUP BY m.parts, m.segment_count"""


def v1_segment_rows_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `segment` and `row_count` among considered users."""
    return f"""
SELECT s.segment, COUNT(*) AS row_count
FROM segments s JOIN (SELECT u.user_id FROM {USERS} u WHERE {_considered(lab)}) c ON s.user_id = c.user_id
GROUP BY s.segment
ORDER BY s.segment NULLS LAST"""


def v1_demographics_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `age`, `gender`, `users` and `matching_users` among considered users."""
    return f"""
SELECT d.age, d.gender, COUNT(*) AS users,
  CAST(SUM(CASE WHEN c.matching THEN 1 ELSE 0 END) AS BIGINT) AS matching_users
FROM demographics d
JOIN (SELECT u.user_id, {_matching(lab)} AS matching FROM {USERS} u WHERE {_considered(lab)}) c
  ON d.user_id = c.user_id
GROUP BY d.age, d.gender
ORDER BY d.age NULLS LAST, d.gender NULLS LAST"""


def v1_distinct_sql(relation: str, column: str) -> str:
    """Return the SELECT of `n` distinct values; an empty value is counted too."""
    return f"SELECT COUNT(*) AS n FROM (SELECT DISTINCT COALESCE({column}, '') AS v FROM {relation}) d"


def legacy_statistics(engine: Engine, lab: LabDefinition, summaries: Summaries) -> StatisticsResult:
    """Return the V1 result; needs the relations of the datasets and `users`."""

    def names(kind: DatasetKind) -> Names:
        return Names(engine, kind, summaries[kind].facts, _PANEL)

    groups = [
        (row["parts"], row["segment_count"], row["users"])
        for row in engine.query(v1_user_groups_sql(lab), panel=_PANEL).to_pylist()
    ]
    has = {"matching": True, **{kind.value: kind in lab.datasets for kind in DatasetKind}}
    part = _considered_part(lab)
    considered_bit = 1 << _PARTS.index(part)
    considered = sum(users for parts, _, users in groups if parts & considered_bit)
    matching = sum(users for parts, _, users in groups if parts & 1)

    def unique(required: int) -> dict[str, int | None]:
        return {
            name: sum(users for parts, _, users in groups if parts & 1 << j and parts & required == required)
            if has[name]
            else None
            for j, name in enumerate(_PARTS)
        }

    result = StatisticsResult(
        errors=_errors(engine, lab, part, matching, considered),
        original_number_of_unique_users=UniqueUsersCount.model_validate(
            {**unique(0), "all": sum(users for parts, _, users in groups if parts)}
        ),
        filtered_number_of_unique_users=UniqueUsersCount.model_validate({**unique(considered_bit), "all": considered}),
    )
    if result.errors:
        return result
    if lab.require_segments:
        result.segments_per_user_distributions = _segments_per_user(groups, considered_bit)
        rows = engine.query(v1_segment_rows_sql(lab), panel=_PANEL).to_pylist()
        withheld = names(DatasetKind.SEGMENTS).withheld(row["segment"] for row in rows)
        shares = {withheld.get(row["segment"], row["segment"]): round(row["row_count"] / considered, 4) for row in rows}
        result.share_of_users_per_segment_distribution = shares or None
    if lab.require_demographics:
        result.demographics_distributions = _demographics(
            engine, lab, names(DatasetKind.DEMOGRAPHICS), considered, matching
        )
    return result


def _errors(engine: Engine, lab: LabDefinition, part: str, matching: int, considered: int) -> list[str]:
    def distinct(relation: str, column: str) -> int:
        return int(engine.query(v1_distinct_sql(relation, column), panel=_PANEL)["n"][0].as_py())

    errors = []
    if matching == 0:
        errors.append("There were no users in the dataset Matching.")
    if part != "matching" and considered == 0:
        errors.append(f"There were no users in the dataset {part.capitalize()}.")
    if lab.require_segments:
        n = distinct("segments", "segment")
        if n > 2000:
            errors.append(f"At most 2000 distinct segments are supported, found {n}.")
        if n < 10:
            errors.append(f"At least 10 distinct segments are required, found {n}.")
    if lab.require_demographics:
        for column, limit in (("age", 20), ("gender", 5)):
            n = distinct("demographics", column)
            if n > limit:
                errors.append(f"At most {limit} distinct {column} values are supported, found {n}.")
    if lab.require_embeddings:
        n = lab.num_embeddings
        if n > 200:
            errors.append(f"At most 200 distinct embeddings are supported, found {n}.")
        if n < 10:
            errors.append(f"At least 10 distinct embeddings are required, found {n}.")
    return [f"ERROR: {error}" for error in errors]


def _segments_per_user(groups: list[tuple[int, int, int]], considered_bit: int) -> dict[str, list[float]]:
    everyone, matchable = _counts(groups, considered_bit), _counts(groups, considered_bit | 1)

    def column(users: Mapping[int, int], largest: int) -> list[float]:
        population = sum(users.values())
        if not population:
            return [1.0] + [0.0] * largest
        # Computed as the rest instead of users[0], as the rule defines it; both are equal before rounding.
        counted = population - users.get(0, 0)
        return [round((population - counted) / population, 4)] + [
            round(users.get(n, 0) / population, 4) for n in range(1, largest + 1)
        ]

    largest = max(everyone, default=0)
    shares = zip(column(everyone, largest), column(matchable, largest), strict=True)
    return {str(n): list(pair) for n, pair in enumerate(shares)}


def _counts(groups: list[tuple[int, int, int]], required: int) -> dict[int, int]:
    """Return number of segments → users who are in all required parts."""
    users: defaultdict[int, int] = defaultdict(int)
    for parts, segment_count, n in groups:
        if parts & required == required:
            users[segment_count] += n
    return users


def _demographics(
    engine: Engine, lab: LabDefinition, names: Names, considered: int, matching: int
) -> dict[str, list[float]]:
    rows = engine.query(v1_demographics_sql(lab), panel=_PANEL).to_pylist()
    withheld = names.withheld(row[column] for row in rows for column in ("age", "gender"))
    everyone: defaultdict[str, int] = defaultdict(int)
    matchable: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        key = demographic_key(*(withheld.get(row[column], row[column]) for column in ("age", "gender")))
        everyone[key] += row["users"]
        matchable[key] += row["matching_users"]
    unknown = round((considered - sum(everyone.values())) / considered, 4)
    matchable.pop(_UNKNOWN, None)
    rest = round((matching - sum(matchable.values())) / matching, 4)
    shares = {
        key: [round(users / considered, 4), round(matchable[key] / matching, 4)]
        for key, users in everyone.items()
        if key != _UNKNOWN
    }
    return {**shares, _UNKNOWN: [unknown, rest]}


def _matching(lab: LabDefinition) -> str:
    """Return the SQL condition for being in `matching`: having the first matching id in configuration order."""
    return next(f"u.has_{k}" for k, entry in enumerate(lab.identifiers_config) if entry.is_matching_id)


def _considered_part(lab: LabDefinition) -> str:
    if lab.require_embeddings:
        return "embeddings"
    return "segments" if lab.require_segments else "matching"


def _considered(lab: LabDefinition) -> str:
    part = _considered_part(lab)
    return _matching(lab) if part == "matching" else f"u.in_{part}"
