"""The legacy result (V1), worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from datalab.engines import Engine
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResult, parse_statistics_result

TEN = [("u1", f"s{n}") for n in range(10)]
Run = Callable[..., StatisticsResult]


@pytest.fixture
def run(
    engine: Engine,
    make_lab: Callable[..., LabDefinition],
    make_rows: Callable[..., Any],
    legacy: Callable[..., StatisticsResult],
) -> Run:
    def compute(keys: dict[str, Any] | None = None, **rows: Any) -> StatisticsResult:
        lab = make_lab(**{"requireEmbeddings": False, **(keys or {})})
        result = legacy(engine, lab, make_rows(num_embeddings=lab.num_embeddings, **rows))
        assert isinstance(parse_statistics_result(result.model_dump_json()), StatisticsResult)
        return result

    return compute


def test_distributions(run: Run) -> None:
    # Considered are the users of segments: u1 (ten segments), u2 (one), u4 (two, not in matching).
    # In matching are u1, u2, u5.
    result = run(
        segments=[*TEN, ("u2", "s0"), ("u4", "s0"), ("u4", "s1")],
        demographics=[("u1", "1", "f"), ("u4", None, None), ("u5", "2", "m")],
        embeddings=[],
    )
    assert result.errors == []
    assert result.original_number_of_unique_users.model_dump() == {
        "matching": 3,
        "segments": 3,
        "demographics": 3,
        "all": 4,
    }
    assert result.filtered_number_of_unique_users.model_dump() == {
        "matching": 2,
        "segments": 3,
        "demographics": 2,
        "all": 3,
    }
    per_user = {str(n): [0.0, 0.0] for n in range(11)}
    per_user |= {"1": [0.3333, 0.5], "2": [0.3333, 0.0], "10": [0.3333, 0.5]}
    assert result.segments_per_user_distributions == per_user
    shares = {f"s{n}": 0.3333 for n in range(10)}
    assert result.share_of_users_per_segment_distribution == {**shares, "s0": 1.0, "s1": 0.6667}
    # u4's explicit n/a pair is counted and replaced by the rest: only u2 of three has no row. Of the three users of
    # matching only u1 is considered and has a pair.
    assert result.demographics_distributions == {"1||f": [0.3333, 0.3333], "n/a||n/a": [0.3333, 0.6667]}


def test_considered_users_of_embeddings_that_have_no_segment_and_no_match(run: Run) -> None:
    keys = {"requireEmbeddings": True, "numEmbeddings": 10, "requireDemographics": False}
    result = run(keys, segments=TEN, demographics=[], embeddings=[("u4", "s", *[1.0] * 10)])
    assert result.errors == []
    assert result.segments_per_user_distributions == {"0": [1.0, 1.0]}
    assert result.share_of_users_per_segment_distribution is None
    assert result.filtered_number_of_unique_users.model_dump() == {
        "matching": 0,
        "segments": 0,
        "embeddings": 1,
        "all": 1,
    }


def test_errors_come_in_order_and_take_the_distributions_away(run: Run) -> None:
    result = run(
        {"requireEmbeddings": True, "numEmbeddings": 9},
        identifiers=[],
        segments=[("u1", "a")],
        demographics=[(f"u{n}", str(n) if n else None, str(n % 7) if n % 7 else None) for n in range(21)],
        embeddings=[],
    )
    assert result.errors == [
        "ERROR: There were no users in the dataset Matching.",
        "ERROR: There were no users in the dataset Embeddings.",
        "ERROR: At least 10 distinct segments are required, found 1.",
        # An empty value counts as one here.
        "ERROR: At most 20 distinct age values are supported, found 21.",
        "ERROR: At most 5 distinct gender values are supported, found 7.",
        "ERROR: At least 10 distinct embeddings are required, found 9.",
    ]
    assert result.segments_per_user_distributions is None
    assert result.share_of_users_per_segment_distribution is None
    assert result.demographics_distributions is None


def test_upper_limits(run: Run) -> None:
    keys = {"requireEmbeddings": True, "numEmbeddings": 201}
    result = run(keys, segments=[("u1", f"s{n}") for n in range(2001)], embeddings=[("u1", "s", *[1.0] * 201)])
    assert result.errors == [
        "ERROR: At most 2000 distinct segments are supported, found 2001.",
        "ERROR: At most 200 distinct embeddings are supported, found 201.",
    ]


def test_identifiers_alone(run: Run) -> None:
    result = run({"requireSegments": False, "requireDemographics": False})
    assert result.errors == []
    assert result.original_number_of_unique_users.model_dump() == {"matching": 3, "all": 3}
    assert result.segments_per_user_distributions is None
