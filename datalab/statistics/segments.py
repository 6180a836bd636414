"""The panels of segments: users per segment, and segments per user."""

from __future__ import annotations

from datalab.collaboration import CollaborationType
from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import DistributionValue, SegmentsPerUserDistribution, SegmentUserCounts
from datalab.statistics.identifiers import builds_audiences
from datalab.statistics.panels import SegmentsPerUserPanel, SegmentUserCountsPanel
from datalab.statistics.users import USERS, UserGroups, matching_mask_sql, per_bit_sql, user_groups


def share(absolute: int, denominator: int) -> DistributionValue:
    """Return a number of users with its share; 0.0 of nobody (docs/spec/statistics.md#1-input)."""
    return DistributionValue(absolute=absolute, relative=absolute / denominator if denominator else 0.0)


def segment_user_counts_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `segment`, `all_users` and per matching id `m0`…: users in the segment, by its name."""
    return f"""
SELECT g.segment, CAST(SUM(g.users) AS BIGINT) AS all_users,
  {per_bit_sql("g.users", "g.matchable", len(lab.matching_ids))}
FROM (
  SELECT s.segment, m.matchable, COUNT(*) AS users
  FROM segments s
  JOIN (SELECT u.user_id, {matching_mask_sql(lab)} AS matchable FROM {USERS} u WHERE u.in_segments) m
    ON s.user_id = m.user_id
  GROUP BY s.segment, m.matchable
) g
GROUP BY g.segment
ORDER BY g.segment NULLS LAST"""


def segments_per_user_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `segment_count`, `all_users` and per matching id `m0`…: users with so many segments."""
    return f"""
SELECT g.segment_count, CAST(SUM(g.users) AS BIGINT) AS all_users,
  {per_bit_sql("g.users", "g.matchable", len(lab.matching_ids))}
FROM (
  SELECT m.segment_count, m.matchable, COUNT(*) AS users
  FROM (
    SELECT u.segment_count, {matching_mask_sql(lab)} AS matchable
    FROM {USERS} u WHERE u.in_identifiers OR u.in_segments
  ) m
  GROUP BY m.segment_count, m.matchable
) g
GROUP BY g.segment_count
ORDER BY g.segment_count NULLS LAST"""


def segment_user_counts(engine: Engine, lab: LabDefinition, groups: UserGroups | None = None) -> SegmentUserCountsPanel:
    """Return, per matching id and segment, its users and its matchable users (INSIGHTS).

    See docs/spec/statistics.md#3-segments.

    Needs the relations `segments` and `users`.
    """
    if not lab.require_segments or CollaborationType.INSIGHTS not in lab.collaboration_types:
        return SegmentUserCountsPanel(None)
    groups = user_groups(engine, lab) if groups is None else groups
    table = engine.query(segment_user_counts_sql(lab), panel="segment_user_counts")
    segments, everyone = table["segment"].to_pylist(), table["all_users"].to_pylist()
    with_segments = groups.users_in(DatasetKind.SEGMENTS)
    all_users = [share(n, with_segments) for n in everyone]
    panel = {}
    for j, entry in enumerate(lab.matching_ids):
        population = groups.users_in(DatasetKind.SEGMENTS, matching=j)
        matchable = [share(n, population) for n in table[f"m{j}"].to_pylist()]
        panel[entry.id_name] = {
            segment: SegmentUserCounts(matchable_users=some, all_users=every)
            for segment, some, every in zip(segments, matchable, all_users, strict=True)
        }
    # Its parts are models already; a lab may have a hundred thousand segments, not to be walked through again.
    return SegmentUserCountsPanel.model_construct(panel)


def segments_per_user(engine: Engine, lab: LabDefinition) -> SegmentsPerUserPanel:
    """Return, per matching id, how many segments users have (LOOKALIKE or RULE_BASED).

    See docs/spec/statistics.md#3-segments.

    Needs the relation `users`. Buckets without a user are left out.
    """
    if not lab.require_segments or not builds_audiences(lab):
        return SegmentsPerUserPanel(None)
    table = engine.query(segments_per_user_sql(lab), panel="segments_per_user")
    buckets = [str(n) for n in table["segment_count"].to_pylist()]

    def distribution(column: str) -> dict[str, DistributionValue]:
        users = table[column].to_pylist()
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
