"""Id profiles: how often the ids of each identifier are shared, and how many ids each audience reaches.

Other panels are computed from these profiles. Distinct ids are counted exactly without storing them: ids are grouped by
a 64-bit hash; a hash of one row is one id of one user. Only ids whose hash occurs more than once (shared by users, or a
collision) are compared as text. The number of ids that an audience reaches is the number of its rows, minus the rows
that repeat a shared id.
"""

from __future__ import annotations

from pydantic import BaseModel, RootModel

from datalab.collaboration import CollaborationType
from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import USER_ID, LabDefinition
from datalab.statistics.panel import AUDIENCES, Panel, PanelInputs
from datalab.statistics.sql import statements
from datalab.statistics.tables import NumberTable
from datalab.statistics.users import USERS, UserGroups, activation_indexes, mask_sql, names_sql, per_bit_sql

NAME = "id_profiles"
_SQL = statements(__file__)
_HASHES = "id_hashes"
_SHARED = "shared_ids"
Counts = dict[int, dict[str, int]]
"""Index of an identifier → its row of `id_counts`."""


class IdProfile(BaseModel):
    """One configured identifier: its ids, and for an activation id the number of ids that each audience reaches."""

    distinct_ids: int
    id_user_pairs: int
    """Distinct pairs of an id and a user who has it."""
    max_userids_per_id: int
    reach_matchable: dict[str, int]
    """Matching id → distinct ids of its matchable users; 0 if no panel needs the number."""
    reach_segments: int
    """Distinct ids of users with a segment."""
    reach_embeddings: int
    """Distinct ids of users with an embedding."""
    users_without_own_id: int | None = None
    """Of a matching id, users who share each of their ids; None: no matching id, or of an earlier version."""


class IdProfiles(RootModel[dict[str, IdProfile]]):
    """One profile per configured identifier, in order, from one pass over the ids."""


def compute(inputs: PanelInputs) -> IdProfiles:
    """Return the ids of every identifier, how they are shared, and the number of ids that each audience reaches."""
    engine, lab, groups = inputs.engine, inputs.lab, inputs.groups
    names_relation, names = names_sql(lab)
    for relation in (_HASHES, _SHARED):
        engine.create_table(relation, _SQL[relation].format(names=names_relation), names, panel=NAME)
    counts: Counts = {row["k"]: row for row in engine.query(_SQL["id_counts"], panel=NAME).to_pylist()}
    without = _without_own_id(engine, lab, groups, counts)
    reach = _Reach(engine, lab) if _needs_reach(lab) else None
    engine.drop(_HASHES)
    engine.drop(_SHARED)

    def profile(k: int) -> IdProfile:
        row, bits = counts.get(k, {}), len(lab.matching_ids) + 2
        *matchable, segments, embeddings = [reach.ids(k, bit) if reach else 0 for bit in range(bits)]
        return IdProfile(
            distinct_ids=row.get("distinct_ids", 0),
            id_user_pairs=row.get("pairs", 0),
            max_userids_per_id=row.get("max_users", 0),
            reach_matchable=dict(zip((m.id_name for m in lab.matching_ids), matchable, strict=True)),
            reach_segments=segments,
            reach_embeddings=embeddings,
            users_without_own_id=without.get(k, 0) if lab.identifiers_config[k].is_matching_id else None,
        )

    return IdProfiles(
        {
            entry.id_name: _of_user_id(lab, groups) if entry.id_name == USER_ID else profile(k)
            for k, entry in enumerate(lab.identifiers_config)
        }
    )


def _without_own_id(engine: Engine, lab: LabDefinition, groups: UserGroups, counts: Counts) -> dict[int, int]:
    """Return the index of a matching id → how many users share each of their ids; no key: none does."""
    found, several = {}, []
    for j, entry in enumerate(lab.matching_ids):
        k = lab.identifiers_config.index(entry)
        row = counts.get(k, {})
        if row.get("pairs") == groups.users_in(matching=j):
            found[k] = row["shared_pairs"]  # one id per user: no row has to be read again
        elif row.get("shared_pairs"):
            several.append(k)
    if several:
        relation, names = names_sql(lab)
        text = _SQL["without_own_id"].format(names=relation, matching_ids=", ".join(map(str, several)))
        found |= {row["k"]: row["users"] for row in engine.query(text, names, panel=NAME).to_pylist()}
    return found


class _Reach:
    """The number of ids that each audience reaches; bits of audiences: matching ids, then segments, then embeddings."""

    def __init__(self, engine: Engine, lab: LabDefinition) -> None:
        ids, bits = activation_indexes(lab), range(len(lab.matching_ids) + 2)
        rows = _SQL["audience_rows"].format(
            totals=", ".join(f"CAST(SUM(u.ids_{k}) AS BIGINT) AS ids_{k}" for k in ids),
            users=_audience_users(lab, [f"u.ids_{k}" for k in ids]),
        )
        excess = _SQL["audience_excess"].format(
            excess=", ".join(
                f"CAST(SUM(CASE WHEN s.m{j} > 1 THEN s.m{j} - 1 ELSE 0 END) AS BIGINT) AS m{j}" for j in bits
            ),
            users_by_audience=per_bit_sql("g.users", "g.audiences", len(bits)),
            users=_audience_users(lab, ["u.user_id"]),
            activation_ids=", ".join(map(str, ids)),
        )
        self._rows: list[dict[str, int]] = engine.query(rows, panel=NAME).to_pylist()
        self._excess: dict[int, dict[str, int]] = {
            row["k"]: row for row in engine.query(excess, panel=NAME).to_pylist()
        }

    def ids(self, k: int, bit: int) -> int:
        """Return how many distinct ids of the k-th identifier the users of an audience have."""
        rows = sum(row.get(f"ids_{k}", 0) for row in self._rows if row["audiences"] & 1 << bit)
        return rows - self._excess.get(k, {}).get(f"m{bit}", 0)


def _of_user_id(lab: LabDefinition, groups: UserGroups) -> IdProfile:
    """Return the profile of `userId`: every user of identifiers has exactly one, the user_id."""
    ids = DatasetKind.IDENTIFIERS
    users = groups.users_in(ids)
    return IdProfile(
        distinct_ids=users,
        id_user_pairs=users,
        max_userids_per_id=min(users, 1),
        reach_matchable={m.id_name: groups.users_in(ids, matching=j) for j, m in enumerate(lab.matching_ids)},
        reach_segments=groups.users_in(ids, DatasetKind.SEGMENTS),
        reach_embeddings=groups.users_in(ids, DatasetKind.EMBEDDINGS),
        users_without_own_id=0 if any(entry.id_name == USER_ID for entry in lab.matching_ids) else None,
    )


def _needs_reach(lab: LabDefinition) -> bool:
    """Return whether a panel about reachable ids is unlocked, and the lab has an activation id besides `userId`."""
    types = set(lab.collaboration_types)
    audiences = not types.isdisjoint(AUDIENCES) and (lab.require_segments or lab.require_embeddings)
    return (CollaborationType.REMARKETING in types or audiences) and bool(activation_indexes(lab))


def _audience_users(lab: LabDefinition, columns: list[str]) -> str:
    """Return the relation of users with `columns` and their audiences."""
    matching = [f"u.has_{k}" for k, entry in enumerate(lab.identifiers_config) if entry.is_matching_id]
    audiences = mask_sql([*matching, "u.in_segments", "u.in_embeddings"])
    return _SQL["audience_users"].format(columns=", ".join(columns), audiences=audiences)


def table(value: IdProfiles) -> NumberTable:
    """Return ids and pairs of every identifier."""
    rows = [(name, profile.distinct_ids, profile.id_user_pairs) for name, profile in value.root.items()]
    return NumberTable(("identifier", "distinct ids", "pairs of id and user"), rows)


PANEL = Panel(
    name=NAME,
    title="Ids of each user",
    question="How many ids of each name are there, and how many does each audience reach?",
    inputs=(USERS, DatasetKind.IDENTIFIERS),
    model=IdProfiles,
    compute=compute,
    table=table,
    position=0,
    internal=True,
)
