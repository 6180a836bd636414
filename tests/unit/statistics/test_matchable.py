"""Matchable users with an id of their own: by hand, and against plain Python on random ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.statistics import create_users, matchable_users, panel_inputs, register_valid_rows
from datalab.statistics.panels import basic_statistics, id_profiles
from tests.unit.statistics.conftest import all_valid

Row = tuple[str, str, str]
NAMES = ("userId", "hem", "maid", "phone")


def of_names(make_lab: Callable[..., LabDefinition], matching: Sequence[str]) -> LabDefinition:
    types = dict(zip(NAMES, ("STRING", "HASHED_EMAIL", "MAID", "HASHED_PHONE_NUMBER"), strict=True))
    entries = [{"idName": n, "idType": kind, "isMatchingId": n in matching} for n, kind in types.items()]
    flags = dict.fromkeys(("requireSegments", "requireDemographics", "requireEmbeddings"), False)
    return make_lab(identifiersConfig=entries, **flags)


def values(engine: Engine, lab: LabDefinition, identifiers: Any) -> dict[str, Any]:
    register_valid_rows(engine, lab, {DatasetKind.IDENTIFIERS: identifiers})
    create_users(engine, lab)
    inputs = panel_inputs(engine, lab, {DatasetKind.IDENTIFIERS: all_valid(len(identifiers))})
    return {panel.name: inputs.value_of(panel) for panel in (id_profiles.PANEL, basic_statistics.PANEL)}


def counted(engine: Engine, lab: LabDefinition, identifiers: Any) -> dict[str, tuple[int, int]]:
    found = matchable_users(lab, values(engine, lab, identifiers)).root
    return {name: (counts.matchable_users, counts.users_with_own_id) for name, counts in found.items()}


def test_users_who_share_each_of_their_ids_have_none_of_their_own(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any]
) -> None:
    rows = [
        ("anna", "hem", "home"),
        ("ben", "hem", "home"),
        ("ben", "hem", "ben's"),
        ("anna", "maid", "phone of both"),
        ("ben", "maid", "phone of both"),
        ("carl", "maid", "carl's"),
        ("dora", "phone", "home"),
    ]
    table = make_rows(rows)[DatasetKind.IDENTIFIERS]
    lab = of_names(make_lab, NAMES)
    assert counted(engine, lab, table) == {"userId": (4, 4), "hem": (2, 1), "maid": (3, 1), "phone": (1, 1)}
    assert list(counted(engine, of_names(make_lab, ["maid", "hem"]), table)) == ["hem", "maid"]


def test_an_id_without_rows_matches_nobody(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any]
) -> None:
    table = make_rows([("anna", "hem", "home")])[DatasetKind.IDENTIFIERS]
    assert counted(engine, of_names(make_lab, ["hem", "maid"]), table) == {"hem": (1, 1), "maid": (0, 0)}


def test_a_profile_of_an_earlier_version_is_left_out(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any]
) -> None:
    lab = of_names(make_lab, ["hem", "maid"])
    found = values(engine, lab, make_rows([("anna", "hem", "home")])[DatasetKind.IDENTIFIERS])
    stored = found["id_profiles"].model_dump(mode="json")
    del stored["hem"]["users_without_own_id"]
    earlier = id_profiles.IdProfiles.model_validate(stored)
    assert list(matchable_users(lab, {**found, "id_profiles": earlier}).root) == ["maid"]


people = st.sampled_from([f"u{number}" for number in range(7)])
ids = st.sampled_from(["x", "y", "z", "u0", "u1", "v"])
"""Few, so that most are shared, within a name and across names."""
one_each = st.lists(st.tuples(people, st.sampled_from([*NAMES, "other"]), ids), unique_by=lambda row: row[:2])
several = st.lists(st.tuples(people, st.sampled_from([*NAMES, "other"]), ids), unique=True, max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(rows=one_each | several, matching=st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
def test_sql_equals_plain_python(
    engine: Engine,
    make_lab: Callable[..., LabDefinition],
    make_rows: Callable[..., Any],
    rows: list[Row],
    matching: list[str],
) -> None:
    lab = of_names(make_lab, matching)
    users = {user for user, _, _ in rows}
    expected = {}
    for name in (entry.id_name for entry in lab.matching_ids):
        mine = {(user, user) for user in users} if name == "userId" else {(u, i) for u, n, i in rows if n == name}
        holders = Counter(value for _, value in mine)
        expected[name] = (len({u for u, _ in mine}), len({u for u, value in mine if holders[value] == 1}))
    assert counted(engine, lab, make_rows(rows)[DatasetKind.IDENTIFIERS]) == expected
