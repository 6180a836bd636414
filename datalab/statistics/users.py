"""The `users` relation, one row per user over all datasets, and the number of users in each group; no panel.

Columns of `users`: `user_id` STRING; `has_<i>` BOOLEAN, whether the user has an id of the i-th configured identifier;
`in_<kind>` BOOLEAN, one per dataset kind; `segment_count` BIGINT, the rows of the kind that declares this column;
`ids_<i>` BIGINT, the number of the user's ids of the i-th configured identifier, for activation ids except `userId`.
All other counts of users are computed from it, so that no panel has to group twenty million rows by user again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from datalab.engines import Engine, Parameter
from datalab.kinds import KINDS, MATCHING, OPTIONAL, DatasetKind, Kind
from datalab.lab import USER_ID, LabDefinition
from datalab.results.statistics import DistributionValue

USERS = "users"
"""The name of the relation."""
CODE_VERSION = "1"
"""Raised when its columns, or its rows of the same datasets, change."""

_BITS_PER_WORD = 60
"""Flags are packed into BIGINTs while rows are grouped: one aggregate per word, not one per identifier."""


def names_sql(lab: LabDefinition) -> tuple[str, list[Parameter]]:
    """Return a relation of the configured identifiers that rows may contain, and the names to bind to it.

    Columns: `id_name` STRING, `k` INT (its index in the configuration), `w0`, `w1`… BIGINT (its bit). `userId` is not
    among them: every user has exactly one, the user_id, regardless of the rows (docs/spec/statistics.md#1-input).
    """
    named = [(k, entry.id_name) for k, entry in enumerate(lab.identifiers_config) if entry.id_name != USER_ID]
    words = range(_words(lab))
    columns = ", ".join(["id_name", "k", *(f"w{word}" for word in words)])

    def row(k: int) -> str:
        bits = [str(1 << k % _BITS_PER_WORD) if k // _BITS_PER_WORD == word else "0" for word in words]
        return ", ".join(["CAST(? AS STRING)", str(k), *(f"CAST({bit} AS BIGINT)" for bit in bits)])

    # VALUES needs at least one row; a null name matches no row.
    rows = [row(k) for k, _ in named] or [row(0)]
    values = ", ".join(f"({text})" for text in rows)
    return f"SELECT * FROM (VALUES {values}) AS t({columns})", [name for _, name in named] or [None]


def users_sql(lab: LabDefinition) -> tuple[str, list[Parameter]]:
    """Return the SELECT of `users` from the datasets, and the values to bind."""
    names, parameters = names_sql(lab)
    words = [f"BIT_OR(COALESCE(n.w{word}, 0)) AS w{word}" for word in range(_words(lab))]
    # COUNT, not SUM: its state is half as large, and this hash table is the largest of all.
    counts = [f"COUNT(CASE WHEN n.k = {k} THEN 1 END) AS ids_{k}" for k in activation_indexes(lab)]
    others = {f"d{number}": kind for number, kind in enumerate(OPTIONAL)}
    columns = [f"{_first_user(['i', *others])} AS user_id"]
    for k, entry in enumerate(lab.identifiers_config):
        bit = f"COALESCE((i.w{k // _BITS_PER_WORD} & {1 << k % _BITS_PER_WORD}) <> 0, FALSE)"
        columns.append(f"{'i.user_id IS NOT NULL' if entry.id_name == USER_ID else bit} AS has_{k}")
    columns += [f"{alias}.user_id IS NOT NULL AS in_{kind}" for alias, kind in {"i": MATCHING, **others}.items()]
    columns += [
        f"COALESCE({alias}.{count}, 0) AS {count}"
        for alias, kind in others.items()
        if (count := KINDS[kind].rows_per_user)
    ]
    columns += [f"COALESCE(i.ids_{k}, 0) AS ids_{k}" for k in activation_indexes(lab)]
    text = f"""
SELECT {", ".join(columns)}
FROM (
  SELECT r.user_id, {", ".join([*words, *counts])}
  FROM {MATCHING} r LEFT JOIN ({names}) n ON r.id_name = n.id_name GROUP BY r.user_id
) i"""
    joined = ["i"]
    for alias, kind in others.items():
        text += f"""
FULL OUTER JOIN {_per_user_sql(KINDS[kind])} {alias} ON {alias}.user_id = {_first_user(joined)}"""
        joined.append(alias)
    return text, parameters


def _first_user(aliases: Sequence[str]) -> str:
    """Return an expression for the user id of the first relation that has one."""
    users = ", ".join(f"{alias}.user_id" for alias in aliases)
    return f"COALESCE({users})" if len(aliases) > 1 else users


def _per_user_sql(kind: Kind) -> str:
    """Return a relation with one row per user of a dataset."""
    if kind.key == ("user_id",):
        return kind.name
    if kind.rows_per_user:
        return f"(SELECT user_id, COUNT(*) AS {kind.rows_per_user} FROM {kind.name} GROUP BY user_id)"
    return f"(SELECT DISTINCT user_id FROM {kind.name})"


def activation_indexes(lab: LabDefinition) -> list[int]:
    """Return the indexes in the configuration of the activation ids in rows (all except `userId`)."""
    return [k for k, e in enumerate(lab.identifiers_config) if e.is_activation_id and e.id_name != USER_ID]


def create_users(engine: Engine, lab: LabDefinition) -> None:
    """Create `users` in the engine from its relations of the datasets."""
    sql, parameters = users_sql(lab)
    engine.create_table(USERS, sql, parameters, panel=USERS)


def write_users(engine: Engine, lab: LabDefinition, path: Path) -> None:
    """Write `users` to a Parquet file from the engine's relations of the datasets.

    The file contains user ids in plain text: the caller must choose a private directory, and encrypt the file to keep
    it.
    """
    sql, parameters = users_sql(lab)
    engine.write_parquet(path, sql, parameters, panel=USERS)


def matching_mask_sql(lab: LabDefinition) -> str:
    """Return an INT expression over a row `u` of `users`: bit j is set if the user has an id of the j-th matching id.

    Grouping by one integer makes the cost of a panel independent of the number of matching ids.
    """
    return mask_sql(f"u.has_{k}" for k, entry in enumerate(lab.identifiers_config) if entry.is_matching_id)


def mask_sql(conditions: Iterable[str]) -> str:
    """Return an INT expression whose bit j is set if the j-th condition is true."""
    return " + ".join(f"CASE WHEN {condition} THEN {1 << j} ELSE 0 END" for j, condition in enumerate(conditions))


def per_bit_sql(value: str, mask: str, bits: int, prefix: str = "m") -> str:
    """Return select items `m0`, `m1`…: the sum of `value` over the rows with that bit in `mask`."""
    terms = (f"SUM(CASE WHEN ({mask} & {1 << j}) <> 0 THEN {value} ELSE 0 END)" for j in range(bits))
    return ", ".join(f"CAST({term} AS BIGINT) AS {prefix}{j}" for j, term in enumerate(terms))


def by_matching_id(lab: LabDefinition) -> dict[str, str]:
    """Return the parts of a statement that counts users per matching id.

    `matching_ids` is the mask of a row `u` of `users`; the statement names it `matchable`. `users_by_matching_id` are
    the select items over rows `g` of `matchable` and the number of `users`.
    """
    return {
        "matching_ids": matching_mask_sql(lab),
        "users_by_matching_id": per_bit_sql("g.users", "g.matchable", len(lab.matching_ids)),
    }


class UserGroup(NamedTuple):
    """Users who have the same matching ids and are in the same datasets."""

    matchable: int
    """Bit j: has an id of the j-th matching id."""
    datasets: int
    """Bit d: is in the d-th dataset, in the order of DatasetKind."""
    users: int


class UserGroups(list[UserGroup]):
    """All users of a lab in groups; few rows, and the sum of some of them is any user count of the report."""

    def users_in(self, *kinds: DatasetKind, without: Sequence[DatasetKind] = (), matching: int | None = None) -> int:
        """Return how many users are in all of `kinds`, in none of `without`, and have the j-th matching id."""
        inside, outside = _datasets(kinds), _datasets(without)
        wanted = 0 if matching is None else 1 << matching
        return sum(
            group.users
            for group in self
            if group.datasets & inside == inside and not group.datasets & outside and group.matchable & wanted == wanted
        )


def user_groups_sql(lab: LabDefinition) -> str:
    """Return the SELECT of `matchable`, `datasets` and the number of `users` that share them."""
    datasets = mask_sql(f"u.in_{kind.value}" for kind in DatasetKind)
    return f"""
SELECT m.matchable, m.datasets, COUNT(*) AS users
FROM (SELECT {matching_mask_sql(lab)} AS matchable, {datasets} AS datasets FROM {USERS} u) m
GROUP BY m.matchable, m.datasets"""


def user_groups(engine: Engine, lab: LabDefinition) -> UserGroups:
    """Count the engine's `users` by their matching ids and datasets."""
    rows = engine.query(user_groups_sql(lab), panel="user_groups").to_pylist()
    return UserGroups(UserGroup(row["matchable"], row["datasets"], row["users"]) for row in rows)


def by_matching_id_of(lab: LabDefinition, groups: UserGroups, kind: DatasetKind) -> dict[str, str]:
    """Return the parts of a statement that counts rows of a dataset per matching id, without joining most of them.

    Nearly all users of a lab may have the same matching ids. All rows are counted without their users; only those of
    users with other matching ids are joined, and the rest belongs to the `largest` group of users.

    `others` are these users `u`, with `user_id` and `matchable`. `users_by_matching_id` are the select items over rows
    `g`: of `all_users`, counted as if all users were in the largest group, and of `users` of the others, with their
    `matchable`.
    """
    sizes = Counter[int]()
    for group in groups:
        if group.datasets & _datasets([kind]):
            sizes[group.matchable] += group.users
    largest = max(sizes, key=lambda matchable: (sizes[matchable], matchable), default=0)
    mask = matching_mask_sql(lab)

    def users(bit: int) -> str:
        if largest & bit:
            return f"g.all_users - CASE WHEN (g.matchable & {bit}) = 0 THEN g.users ELSE 0 END"
        return f"CASE WHEN (g.matchable & {bit}) <> 0 THEN g.users ELSE 0 END"

    items = (f"CAST(SUM({users(1 << j)}) AS BIGINT) AS m{j}" for j in range(len(lab.matching_ids)))
    return {
        "largest": str(largest),
        "others": f"SELECT u.user_id, {mask} AS matchable FROM {USERS} u WHERE u.in_{kind} AND {mask} <> {largest}",
        "users_by_matching_id": ", ".join(items),
    }


def share(absolute: int, denominator: int) -> DistributionValue:
    """Return a number of users with its share; 0.0 if the population is empty (docs/spec/statistics.md#1-input)."""
    return DistributionValue(absolute=absolute, relative=absolute / denominator if denominator else 0.0)


def _datasets(kinds: Iterable[DatasetKind]) -> int:
    order = list(DatasetKind)
    return sum(1 << order.index(kind) for kind in set(kinds))


def _words(lab: LabDefinition) -> int:
    return (len(lab.identifiers_config) - 1) // _BITS_PER_WORD + 1
