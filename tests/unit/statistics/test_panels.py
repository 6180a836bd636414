"""Every number of every panel, worked out by hand on the small lab (conftest.py draws it)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from datalab.engines import Engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.statistics import (
    PANELS,
    Thresholds,
    ValidatedDataset,
    compute_statistics,
    panel_inputs,
    register_valid_rows,
    user_groups,
    write_users,
)
from tests.unit.statistics.conftest import all_valid

Small = tuple[Engine, LabDefinition]


def plain(panel: BaseModel) -> Any:
    """The panel as an asset stores it, and reads it back."""
    again = type(panel).model_validate_json(panel.model_dump_json())
    assert again.model_dump(mode="json") == panel.model_dump(mode="json")
    return panel.model_dump(mode="json")


def computed(small: Small, name: str, summaries: Any = None, limits: Thresholds | None = None) -> Any:
    """The panel of that name, computed as everywhere; None: the lab does not unlock it."""
    [panel] = [panel for panel in PANELS if panel.name == name]
    value = panel_inputs(*small, summaries or dict.fromkeys(DatasetKind, all_valid(1)), limits).value_of(panel)
    return None if value is None else plain(value)


def of(absolute: int, denominator: int) -> dict[str, float]:
    return {"absolute": absolute, "relative": absolute / denominator}


def test_users(small: Small) -> None:
    engine, _ = small
    flags = "has_0, has_1, has_2, in_identifiers, in_segments, in_demographics, in_embeddings"
    rows = engine.query(f"SELECT user_id, {flags}, segment_count, ids_2 FROM users ORDER BY user_id", panel="test")
    table = [tuple(row.values()) for row in rows.to_pylist()]
    assert table == [
        ("u1", True, True, True, True, True, True, True, 2, 2),
        ("u2", True, True, True, True, True, True, True, 1, 1),
        ("u3", True, False, True, True, False, False, False, 0, 1),
        ("u4", False, False, False, False, True, True, True, 2, 0),
        ("u5", True, True, False, True, False, False, False, 0, 0),
        ("u6", True, False, False, True, False, False, False, 0, 0),
    ]


def test_user_groups(small: Small) -> None:
    groups = user_groups(*small)
    ids, segments = DatasetKind.IDENTIFIERS, DatasetKind.SEGMENTS
    assert groups.users_in() == 6
    assert groups.users_in(ids) == 5
    assert groups.users_in(segments, without=[ids]) == 1
    assert groups.users_in(matching=0) == 3
    assert groups.users_in(segments, matching=0) == 2


def test_id_profiles(small: Small) -> None:
    assert computed(small, "id_profiles") == {
        "userId": {
            "distinct_ids": 5,
            "id_user_pairs": 5,
            "max_userids_per_id": 1,
            "reach_matchable": {"hashed_email": 3},
            "reach_segments": 2,
            "reach_embeddings": 2,
            "users_without_own_id": None,
        },
        "hashed_email": {
            "distinct_ids": 3,
            "id_user_pairs": 4,
            "max_userids_per_id": 2,
            "reach_matchable": {"hashed_email": 0},
            "reach_segments": 0,
            "reach_embeddings": 0,
            "users_without_own_id": 1,  # u2, whose only h1 is u1's too
        },
        # m1 belongs to u1 and u2, who are both matchable: it is reached once.
        "maid": {
            "distinct_ids": 3,
            "id_user_pairs": 4,
            "max_userids_per_id": 2,
            "reach_matchable": {"hashed_email": 2},
            "reach_segments": 2,
            "reach_embeddings": 2,
            "users_without_own_id": None,
        },
    }


def test_identifiers_overview(small: Small) -> None:
    panel = computed(small, "identifiers_overview")
    assert list(panel) == ["userId", "hashed_email", "maid"]
    assert panel["userId"] == {
        "id_type": "STRING",
        "is_matching_id": False,
        "is_activation_id": True,
        "distinct_ids": 5,
        "avg_userids_per_id": 1.0,
        "max_userids_per_id": 1,
    }
    assert panel["hashed_email"] == {
        "id_type": "HASHED_EMAIL",
        "is_matching_id": True,
        "is_activation_id": False,
        "distinct_ids": 3,
        "avg_userids_per_id": 4 / 3,
        "max_userids_per_id": 2,
    }


def test_basic_statistics(small: Small) -> None:
    summaries = {
        DatasetKind.IDENTIFIERS: ValidatedDataset(
            total_rows=13, valid_rows=11, invalid_rows_by_reason={"EMPTY_CELL": 2}
        ),
        DatasetKind.SEGMENTS: ValidatedDataset(total_rows=5, valid_rows=5),
        DatasetKind.DEMOGRAPHICS: ValidatedDataset(total_rows=3, valid_rows=3),
        DatasetKind.EMBEDDINGS: ValidatedDataset(total_rows=4, valid_rows=4),
    }
    panel = computed(small, "basic_statistics", summaries, Thresholds(max_segment_name_length=0))
    assert panel["statistics"] == {
        "identifiers": {
            "total_rows": 13,
            "valid_rows": 11,
            "invalid_rows": 2,
            "invalid_rows_by_reason": {"EMPTY_CELL": 2},
            "distinct_user_ids": 5,
            "distinct_id_names": 3,
            "distinct_ids": 11,
        },
        "segments": {**rows(5), "distinct_user_ids": 3, "distinct_segments": 3},
        "demographics": {**rows(3), "distinct_user_ids": 3, "distinct_ages": 2, "distinct_genders": 2},
        "embeddings": {**rows(4), "distinct_user_ids": 3, "distinct_scopes": 2},
    }
    assert panel["quality"] == {
        "users_outside_identifiers": {"segments": 1, "demographics": 1, "embeddings": 1},
        "matchable_users": {"hashed_email": 3},
        "unknown_id_name_rows": 1,
        "user_id_mismatch_rows": 1,
        "long_segment_names": 3,
        "empty_embedding_rows": 1,
        "withheld_names": {},
        "unchecked_names": {},
    }


def rows(n: int) -> dict[str, Any]:
    return {"total_rows": n, "valid_rows": n, "invalid_rows": 0, "invalid_rows_by_reason": {}}


def test_remarketing_activation_potential(small: Small) -> None:
    # Matchable are u1, u2, u5; their user ids are three, their maids m1 and m2.
    assert computed(small, "remarketing_activation_potential") == {
        "hashed_email": {"userId": {"reachable_activation_ids": 3}, "maid": {"reachable_activation_ids": 2}}
    }


def test_activation_potential_of_segments_and_embeddings(small: Small) -> None:
    # u1, u2 and u4 have segments and embeddings; u4 is not in identifiers and has no id at all.
    reached = {"userId": {"reachable_activation_ids": 2}, "maid": {"reachable_activation_ids": 2}}
    assert computed(small, "segments_activation_potential") == reached
    assert computed(small, "embeddings_activation_potential") == reached


def test_segment_user_counts(small: Small) -> None:
    panel = computed(small, "segment_user_counts")
    assert panel == {
        "segments": ["a", "b", "c"],
        "all_users": {"of_segments": [3, 1, 1], "population": 3},
        "matchable_users": {"hashed_email": {"of_segments": [2, 1, 0], "population": 2}},
    }


def test_segments_per_user(small: Small) -> None:
    # All: u3, u5, u6 have none, u2 one, u1 and u4 two. Matchable: u5 none, u2 one, u1 two.
    assert computed(small, "segments_per_user") == {
        "hashed_email": {
            "all_users": {"0": of(3, 6), "1": of(1, 6), "2": of(2, 6)},
            "matchable": {"0": of(1, 3), "1": of(1, 3), "2": of(1, 3)},
        }
    }


def test_demographic_user_counts(small: Small) -> None:
    assert computed(small, "demographic_user_counts") == {
        "distinct_users_with_demographics": 3,
        "all_users": {"18-24||f": of(1, 3), "18-24||n/a": of(1, 3), "25-34||m": of(1, 3)},
        "hashed_email": {"matchable": {"18-24||f": of(1, 2), "18-24||n/a": of(1, 2)}},
    }


def test_pairs_that_give_the_same_key_are_added(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any], summarise: Callable[..., Any]
) -> None:
    lab = make_lab()
    table = make_rows(demographics=[("u1", None, "f"), ("u2", "n/a", "f"), ("u4", "a||b", "c"), ("u9", "a", "b||c")])
    report = compute_statistics(lab, table, summarise(table), engine)
    assert report.demographic_statistics is not None
    assert report.demographic_statistics.model_dump()["all_users"] == {"n/a||f": of(2, 4), "a||b||c": of(2, 4)}


def test_matchable_embeddings_users(small: Small) -> None:
    assert computed(small, "matchable_embeddings_users") == {
        "hashed_email": {"matchable_users": 3, "users_with_embeddings": 3, "matchable_users_with_embeddings": 2}
    }


AUDIENCE_PANELS = (
    "segments_activation_potential segments_per_user demographic_user_counts embeddings_activation_potential "
    "matchable_embeddings_users"
)


@pytest.mark.parametrize(
    ("types", "unlocked"),
    [
        ("OVERLAP", ""),
        ("EXCLUSION_TARGETING", ""),
        ("INSIGHTS", "segment_user_counts"),
        ("REMARKETING", "remarketing_activation_potential"),
        ("RULE_BASED", AUDIENCE_PANELS),
        ("LOOKALIKE", AUDIENCE_PANELS),
    ],
)
def test_panels_are_unlocked_by_collaboration_types(
    types: str, unlocked: str, small: Small, make_lab: Callable[..., LabDefinition]
) -> None:
    engine, _ = small
    lab = make_lab(collaborationTypes=[types])
    panels = {
        "remarketing_activation_potential",
        "segments_activation_potential",
        "embeddings_activation_potential",
        "segment_user_counts",
        "segments_per_user",
        "demographic_user_counts",
        "matchable_embeddings_users",
    }
    assert {name for name in panels if computed((engine, lab), name) is not None} == set(unlocked.split())


def test_panels_work_on_files_and_stored_users(small: Small, tmp_path: Path, make_rows: Callable[..., Any]) -> None:
    import pyarrow.parquet as pq

    engine, lab = small
    paths: dict[DatasetKind, Any] = {}
    for kind, table in make_rows().items():
        paths[kind] = [tmp_path / f"{kind}-0.parquet", tmp_path / f"{kind}-1.parquet"]
        pq.write_table(table.slice(0, 2), paths[kind][0])
        pq.write_table(table.slice(2), paths[kind][1])
    expected = computed(small, "segment_user_counts"), computed(small, "id_profiles")
    write_users(engine, lab, tmp_path / "users.parquet")
    register_valid_rows(engine, lab, paths, users=tmp_path / "users.parquet")
    assert (computed(small, "segment_user_counts"), computed(small, "id_profiles")) == expected


def test_the_report_holds_all_panels(
    small: Small, make_rows: Callable[..., Any], summarise: Callable[..., Any]
) -> None:
    engine, lab = small
    report = compute_statistics(lab, make_rows(), summarise(make_rows()), engine).model_dump(mode="json")
    assert report["identifiers_overview"] == computed(small, "identifiers_overview")
    assert report["segment_statistics"] == {
        "distinct_users_with_segments": 3,
        "segment_user_counts": {
            "hashed_email": {
                "a": {"all_users": of(3, 3), "matchable_users": of(2, 2)},
                "b": {"all_users": of(1, 3), "matchable_users": of(1, 2)},
                "c": {"all_users": of(1, 3), "matchable_users": of(0, 2)},
            }
        },
        "segments_per_user_distribution": computed(small, "segments_per_user"),
    }
    assert report["demographic_statistics"] == computed(small, "demographic_user_counts")
    assert report["embeddings_statistics"] == computed(small, "matchable_embeddings_users")
    assert report["status"] == "FAILED"
