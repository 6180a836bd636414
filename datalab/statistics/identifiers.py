"""Identifiers: how often each id is shared and which audiences it reaches, and the four panels read from that.

Distinct ids are counted exactly without holding them: ids are grouped by a 64-bit hash; a hash of one row is one id of
one user. Only ids whose hash occurs more than once (shared by users, or a collision) are looked at as text. An audience
of users then reaches as many ids as it has rows, less what shared ids were counted too often.
"""

from __future__ import annotations

from datalab.collaboration import CollaborationType
from datalab.engines import Engine, Parameter
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, LabDefinition
from datalab.results.statistics import ActivationIdStats, IdentifierInfo
from datalab.statistics.panels import (
    EmbeddingsActivationPotential,
    IdentifiersOverview,
    IdProfile,
    IdProfiles,
    RemarketingActivationPotential,
    SegmentsActivationPotential,
)
from datalab.statistics.users import (
    USERS,
    UserGroups,
    activation_indexes,
    mask_sql,
    names_sql,
    per_bit_sql,
    user_groups,
)

_HASHES = "id_hashes"
_SHARED = "shared_ids"


def id_hashes_sql(lab: LabDefinition) -> tuple[str, list[Parameter]]:
    """Return the SELECT of `k`, `row_count`, `h`, `hashes`: how many hashes have so many rows.

    `h` is null, all of them in one row per identifier, where a hash has one row; else one row per hash, whose rows may
    belong to several identifiers: grouping by the hash alone is faster, and rows of such hashes are looked at as text.
    """
    names, parameters = names_sql(lab)
    text = f"""
SELECT g.k, g.row_count, CASE WHEN g.row_count > 1 THEN g.h END AS h, COUNT(*) AS hashes
FROM (
  SELECT MIN(n.k) AS k, xxhash64(i.id) AS h, COUNT(*) AS row_count
  FROM identifiers i JOIN ({names}) n ON i.id_name = n.id_name
  GROUP BY xxhash64(i.id)
) g
GROUP BY g.k, g.row_count, CASE WHEN g.row_count > 1 THEN g.h END"""
    return text, parameters


def shared_ids_sql(lab: LabDefinition) -> tuple[str, list[Parameter]]:
    """Return the SELECT of `k`, `id`, `user_id`: the rows of every id whose hash occurs more than once."""
    names, parameters = names_sql(lab)
    text = f"""
SELECT n.k, i.id, i.user_id
FROM identifiers i
JOIN ({names}) n ON i.id_name = n.id_name
JOIN {_HASHES} c ON c.h = xxhash64(i.id)
WHERE c.h IS NOT NULL"""
    return text, parameters


def id_counts_sql() -> str:
    """Return the SELECT of `k`, `distinct_ids`, `pairs` (of id and user) and `max_users` (of one id)."""
    return f"""
SELECT c.k, CAST(SUM(c.ids) AS BIGINT) AS distinct_ids, CAST(SUM(c.pairs) AS BIGINT) AS pairs,
  MAX(c.max_users) AS max_users
FROM (
  SELECT k, hashes AS ids, hashes AS pairs, CAST(1 AS BIGINT) AS max_users FROM {_HASHES} WHERE h IS NULL
  UNION ALL
  SELECT s.k, COUNT(*) AS ids, SUM(s.users) AS pairs, MAX(s.users) AS max_users
  FROM (SELECT k, id, COUNT(*) AS users FROM {_SHARED} GROUP BY k, id) s GROUP BY s.k
) c
GROUP BY c.k"""


def audience_rows_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `audiences` and, per activation id, `ids_<k>`: how many id rows users of them have."""
    totals = (f"CAST(SUM(u.ids_{k}) AS BIGINT) AS ids_{k}" for k in activation_indexes(lab))
    return f"""
SELECT u.audiences, {", ".join(totals)}
FROM ({_audience_users_sql(lab, [f"u.ids_{k}" for k in activation_indexes(lab)])}) u
GROUP BY u.audiences"""


def audience_excess_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `k` and, per audience `m0`…, how many of those rows repeat an id of another user of it."""
    bits = range(len(lab.matching_ids) + 2)
    excess = (f"SUM(CASE WHEN s.m{j} > 1 THEN s.m{j} - 1 ELSE 0 END)" for j in bits)
    keys = ", ".join(str(k) for k in activation_indexes(lab))
    return f"""
SELECT s.k, {", ".join(f"CAST({term} AS BIGINT) AS m{j}" for j, term in enumerate(excess))}
FROM (
  SELECT g.k, g.id, {per_bit_sql("g.users", "g.audiences", len(bits))}
  FROM (
    SELECT c.k, c.id, u.audiences, COUNT(*) AS users
    FROM {_SHARED} c JOIN ({_audience_users_sql(lab, ["u.user_id"])}) u ON c.user_id = u.user_id
    WHERE c.k IN ({keys})
    GROUP BY c.k, c.id, u.audiences
  ) g
  GROUP BY g.k, g.id
) s
GROUP BY s.k"""


def id_profiles(engine: Engine, lab: LabDefinition, groups: UserGroups | None = None) -> IdProfiles:
    """Count every identifier's ids, how they are shared, and how many of an activation id each audience reaches.

    Needs the relations `identifiers` and `users`. One profile per configured identifier, in order.
    """
    panel = "id_profiles"
    groups = user_groups(engine, lab) if groups is None else groups
    sql, names = id_hashes_sql(lab)
    engine.create_table(_HASHES, sql, names, panel=panel)
    sql, names = shared_ids_sql(lab)
    engine.create_table(_SHARED, sql, names, panel=panel)
    counts = {row["k"]: row for row in engine.query(id_counts_sql(), panel=panel).to_pylist()}
    id_rows: list[dict[str, int]] = []
    excess: dict[int, dict[str, int]] = {}
    if _needs_reach(lab):
        id_rows = engine.query(audience_rows_sql(lab), panel=panel).to_pylist()
        excess = {row["k"]: row for row in engine.query(audience_excess_sql(lab), panel=panel).to_pylist()}
    engine.drop(_HASHES)
    engine.drop(_SHARED)

    def reach(k: int, bit: int) -> int:
        rows = sum(row.get(f"ids_{k}", 0) for row in id_rows if row["audiences"] & 1 << bit)
        return rows - excess.get(k, {}).get(f"m{bit}", 0)

    profiles: dict[str, IdProfile] = {}
    ids, matching = DatasetKind.IDENTIFIERS, lab.matching_ids
    for k, entry in enumerate(lab.identifiers_config):
        if entry.id_name == USER_ID:
            users = groups.users_in(ids)
            profiles[entry.id_name] = IdProfile(
                distinct_ids=users,
                id_user_pairs=users,
                max_userids_per_id=min(users, 1),
                reach_matchable={m.id_name: groups.users_in(ids, matching=j) for j, m in enumerate(matching)},
                reach_segments=groups.users_in(ids, DatasetKind.SEGMENTS),
                reach_embeddings=groups.users_in(ids, DatasetKind.EMBEDDINGS),
            )
        else:
            row = counts.get(k, {})
            profiles[entry.id_name] = IdProfile(
                distinct_ids=row.get("distinct_ids", 0),
                id_user_pairs=row.get("pairs", 0),
                max_userids_per_id=row.get("max_users", 0),
                reach_matchable={m.id_name: reach(k, j) for j, m in enumerate(matching)},
                reach_segments=reach(k, len(matching)),
                reach_embeddings=reach(k, len(matching) + 1),
            )
    return IdProfiles(profiles)


def identifiers_overview(lab: LabDefinition, profiles: IdProfiles) -> IdentifiersOverview:
    """Return every configured identifier's counts, in configuration order (docs/spec/statistics.md#2-identifiers)."""
    return IdentifiersOverview(
        {
            entry.id_name: IdentifierInfo(
                id_type=entry.id_type.value,
                is_matching_id=entry.is_matching_id,
                is_activation_id=entry.is_activation_id,
                distinct_ids=profile.distinct_ids,
                avg_userids_per_id=profile.id_user_pairs / profile.distinct_ids if profile.distinct_ids else 0.0,
                max_userids_per_id=profile.max_userids_per_id,
            )
            for entry in lab.identifiers_config
            for profile in [profiles.root[entry.id_name]]
        }
    )


def remarketing_activation_potential(lab: LabDefinition, profiles: IdProfiles) -> RemarketingActivationPotential:
    """Return, per matching and activation id, the activation ids of matchable users.

    See docs/spec/statistics.md#2-identifiers.
    """
    if CollaborationType.REMARKETING not in lab.collaboration_types:
        return RemarketingActivationPotential(None)
    return RemarketingActivationPotential(
        {
            m.id_name: {
                a.id_name: ActivationIdStats(
                    reachable_activation_ids=profiles.root[a.id_name].reach_matchable[m.id_name]
                )
                for a in lab.activation_ids
            }
            for m in lab.matching_ids
        }
    )


def segments_activation_potential(lab: LabDefinition, profiles: IdProfiles) -> SegmentsActivationPotential:
    """Return, per activation id, the ids of users with a segment (docs/spec/statistics.md#3-segments)."""
    if not (lab.require_segments and builds_audiences(lab)):
        return SegmentsActivationPotential(None)
    return SegmentsActivationPotential(
        {
            a.id_name: ActivationIdStats(reachable_activation_ids=profiles.root[a.id_name].reach_segments)
            for a in lab.activation_ids
        }
    )


def embeddings_activation_potential(lab: LabDefinition, profiles: IdProfiles) -> EmbeddingsActivationPotential:
    """Return, per activation id, the ids of users with an embedding (docs/spec/statistics.md#5-embeddings)."""
    if not (lab.require_embeddings and builds_audiences(lab)):
        return EmbeddingsActivationPotential(None)
    return EmbeddingsActivationPotential(
        {
            a.id_name: ActivationIdStats(reachable_activation_ids=profiles.root[a.id_name].reach_embeddings)
            for a in lab.activation_ids
        }
    )


def builds_audiences(lab: LabDefinition) -> bool:
    """Whether the lab is for lookalike or rule-based audiences, which unlock most panels."""
    return bool({CollaborationType.LOOKALIKE, CollaborationType.RULE_BASED} & set(lab.collaboration_types))


def _needs_reach(lab: LabDefinition) -> bool:
    unlocked = CollaborationType.REMARKETING in lab.collaboration_types or (
        builds_audiences(lab) and (lab.require_segments or lab.require_embeddings)
    )
    return unlocked and bool(activation_indexes(lab))


def _audience_users_sql(lab: LabDefinition, columns: list[str]) -> str:
    """Users with `audiences`: a bit per matching id, one for segments, one for embeddings."""
    matching = [f"u.has_{k}" for k, entry in enumerate(lab.identifiers_config) if entry.is_matching_id]
    audiences = mask_sql([*matching, "u.in_segments", "u.in_embeddings"])
    return f"SELECT {', '.join(columns)}, {audiences} AS audiences FROM {USERS} u WHERE u.in_identifiers"
