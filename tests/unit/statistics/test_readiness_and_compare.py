"""Readiness by collaboration type, and the comparison with the previous report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from datalab.collaboration import CollaborationType
from datalab.engines import Engine
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResultV2
from datalab.statistics import Thresholds, compare_statistics, compute_statistics, headline_numbers, readiness

T = CollaborationType
Compute = Callable[..., StatisticsResultV2]


@pytest.fixture
def compute(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any], summarise: Callable[..., Any]
) -> Compute:
    def run(lab: LabDefinition | None = None, **rows: Any) -> StatisticsResultV2:
        table = make_rows(**rows)
        return compute_statistics(lab or make_lab(), table, summarise(table), engine)

    return run


def of(
    lab: LabDefinition, statistics: StatisticsResultV2 | None = None
) -> dict[str, tuple[bool, list[str], list[str]]]:
    table = readiness(lab, statistics).root
    return {kind.value: (entry.ready, list(entry.missing), list(entry.nice_to_have)) for kind, entry in table.items()}


def test_a_lab_with_everything_is_ready_for_everything(make_lab: Callable[..., LabDefinition]) -> None:
    assert of(make_lab()) == {kind.value: (True, [], []) for kind in CollaborationType}


def test_identifiers_alone(make_lab: Callable[..., LabDefinition]) -> None:
    lab = make_lab(requireSegments=False, requireDemographics=False, requireEmbeddings=False)
    assert of(lab) == {
        "OVERLAP": (True, [], []),
        "INSIGHTS": (False, ["segments"], ["demographics"]),
        "REMARKETING": (True, [], []),
        "RULE_BASED": (False, ["segments"], ["demographics"]),
        "LOOKALIKE": (False, ["segments or embeddings"], ["demographics"]),
        "EXCLUSION_TARGETING": (True, [], []),
    }


@pytest.mark.parametrize("dataset", ["requireSegments", "requireEmbeddings"])
def test_either_segments_or_embeddings_serve_lookalike(make_lab: Callable[..., LabDefinition], dataset: str) -> None:
    lab = make_lab(**{"requireSegments": False, "requireEmbeddings": False, dataset: True})
    assert of(lab)["LOOKALIKE"] == (True, [], [])


def test_without_an_activation_id(make_lab: Callable[..., LabDefinition]) -> None:
    lab = make_lab(identifiersConfig=[{"idName": "userId", "idType": "STRING", "isMatchingId": True}])
    missing = {name: entry[1] for name, entry in of(lab).items()}
    assert missing["REMARKETING"] == missing["LOOKALIKE"] == missing["EXCLUSION_TARGETING"] == ["activation id"]
    assert missing["OVERLAP"] == missing["INSIGHTS"] == []
    table = readiness(lab).root
    assert {kind for kind in CollaborationType if table[kind].enabled} == {T.OVERLAP, T.INSIGHTS}


def test_with_statistics_the_data_must_be_there_too(make_lab: Callable[..., LabDefinition], compute: Compute) -> None:
    lab = make_lab()
    assert of(lab, compute()) == of(lab)
    empty = compute(segments=[], demographics=[])
    assert of(lab, empty)["INSIGHTS"] == (False, ["segments"], ["demographics"])
    assert of(lab, empty)["LOOKALIKE"] == (True, [], ["demographics"])
    unmatched = compute(identifiers=[("u1", "maid", "m1")])
    assert of(lab, unmatched)["OVERLAP"] == (False, ["matching id"], [])


def test_headline_numbers(compute: Compute) -> None:
    assert headline_numbers(compute()) == {
        "identifiers.valid_rows": 11,
        "identifiers.invalid_rows": 0,
        "identifiers.distinct_user_ids": 5,
        "identifiers.distinct_ids": 11,
        "segments.valid_rows": 5,
        "segments.invalid_rows": 0,
        "segments.distinct_user_ids": 3,
        "segments.distinct_segments": 3,
        "demographics.valid_rows": 3,
        "demographics.invalid_rows": 0,
        "demographics.distinct_user_ids": 3,
        "demographics.distinct_ages": 2,
        "demographics.distinct_genders": 2,
        "embeddings.valid_rows": 4,
        "embeddings.invalid_rows": 0,
        "embeddings.distinct_user_ids": 3,
        "embeddings.distinct_scopes": 2,
        "identifiers.userId.distinct_ids": 5,
        "identifiers.hashed_email.distinct_ids": 3,
        "identifiers.maid.distinct_ids": 3,
        "remarketing.hashed_email.userId.reachable_activation_ids": 3,
        "remarketing.hashed_email.maid.reachable_activation_ids": 2,
        "segments.userId.reachable_activation_ids": 2,
        "segments.maid.reachable_activation_ids": 2,
        "embeddings.userId.reachable_activation_ids": 2,
        "embeddings.maid.reachable_activation_ids": 2,
        "embeddings.hashed_email.matchable_users": 3,
        "embeddings.hashed_email.matchable_users_with_embeddings": 2,
    }


def test_nothing_changed(compute: Compute) -> None:
    comparison = compare_statistics(compute(), compute())
    assert {change.absolute for change in comparison.changes} == {0}
    assert comparison.warnings == []


def test_a_drop_beyond_the_threshold_is_a_warning(compute: Compute) -> None:
    before = compute(segments=[(f"u{n}", "a") for n in range(10)])
    eight, seven = (compute(segments=[(f"u{n}", "a") for n in range(users)]) for users in (8, 7))
    assert [w for w in compare_statistics(before, eight).warnings if w.message.startswith("segments.v")] == []
    comparison = compare_statistics(before, seven)
    [change] = [change for change in comparison.changes if change.metric == "segments.valid_rows"]
    assert change.model_dump() == {
        "metric": "segments.valid_rows",
        "previous": 10,
        "current": 7,
        "absolute": -3,
        "relative": -0.3,
    }
    [warning] = [w for w in comparison.warnings if w.message.startswith("segments.valid_rows")]
    assert warning.code == "HEADLINE_DROP"
    assert warning.message == "segments.valid_rows: from 10 to 7, -30.0% (limit -20.0%)"
    assert compare_statistics(before, seven, Thresholds(max_drop_share=0.5)).warnings == []
    assert compare_statistics(seven, before).warnings == []


def test_a_number_that_is_gone_or_new(make_lab: Callable[..., LabDefinition], compute: Compute) -> None:
    before, now = compute(), compute(make_lab(requireSegments=False))
    comparison = compare_statistics(before, now)
    assert "HEADLINE_GONE" in {warning.code for warning in comparison.warnings}
    [change] = [change for change in comparison.changes if change.metric == "segments.valid_rows"]
    assert (change.previous, change.current, change.absolute, change.relative) == (5, None, None, None)
    assert compare_statistics(now, before).warnings == []


def test_fewer_invalid_rows_are_no_loss(compute: Compute) -> None:
    before = compute()
    before.basic_statistics.segments.invalid_rows = 100  # type: ignore[union-attr]
    assert compare_statistics(before, compute()).warnings == []
