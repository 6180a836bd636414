"""Labs with unusual data: no crash, the findings of the specification, complete numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.engines import Engine, EngineError
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResultV2, parse_statistics_result
from datalab.statistics import ValidatedDataset, compute_statistics

Compute = Callable[..., StatisticsResultV2]
EVERY_PANEL = {
    "remarketing_activation_potential",
    "segments_activation_potential",
    "embeddings_activation_potential",
    "segment_statistics",
    "demographic_statistics",
    "embeddings_statistics",
}


@pytest.fixture
def compute(
    engine: Engine,
    make_lab: Callable[..., LabDefinition],
    make_rows: Callable[..., Any],
    summarise: Callable[..., Any],
    legacy: Callable[..., Any],
) -> Compute:
    def run(keys: dict[str, Any] | None = None, **rows: Any) -> StatisticsResultV2:
        lab, table = make_lab(**(keys or {})), make_rows(**rows)
        legacy(engine, lab, table)
        report = compute_statistics(lab, table, summarise(table), engine)
        again = parse_statistics_result(report.model_dump_json())
        assert isinstance(again, StatisticsResultV2)
        assert again.model_dump(mode="json") == report.model_dump(mode="json")
        return report

    return run


def codes(report: StatisticsResultV2) -> list[str]:
    return [finding.code for finding in report.data_errors]


def test_nothing_is_left_of_any_dataset(compute: Compute) -> None:
    report = compute(identifiers=[], segments=[], demographics=[], embeddings=[])
    assert codes(report) == ["EMPTY_DATASET"] * 4 + ["NO_MATCHING_IDS", "TOO_FEW_EMBEDDINGS"]
    assert report.quality_warnings == []
    shown = report.model_dump(mode="json")
    assert all(shown[panel] is not None for panel in EVERY_PANEL)
    assert shown["segments_activation_potential"] == {
        "userId": {"reachable_activation_ids": 0},
        "maid": {"reachable_activation_ids": 0},
    }
    assert shown["segment_statistics"]["segment_user_counts"] == {"hashed_email": {}}
    assert shown["demographic_statistics"] == {
        "distinct_users_with_demographics": 0,
        "all_users": {},
        "hashed_email": {"matchable": {}},
    }


def test_datasets_that_are_none_or_missing_count_as_empty(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any], summarise: Callable[..., Any]
) -> None:
    empty = make_rows(identifiers=[], segments=[], demographics=[], embeddings=[])
    expected = compute_statistics(make_lab(), empty, summarise(empty), engine)
    assert compute_statistics(make_lab(), {DatasetKind.SEGMENTS: None}, summarise(empty), engine) == expected


def test_rows_of_a_dataset_that_the_lab_does_not_have_are_not_looked_at(compute: Compute) -> None:
    report = compute(keys={"requireSegments": False, "requireDemographics": False, "requireEmbeddings": False})
    assert report.segment_statistics is None
    assert report.basic_statistics.segments is None
    assert report.basic_statistics.identifiers.distinct_user_ids == 5


def test_no_dataset_shares_a_user_with_identifiers(compute: Compute) -> None:
    report = compute(
        segments=[(f"x{n}", f"s{n}") for n in range(10)],
        demographics=[("y", "1", "f")],
        embeddings=[("z", "s", 1.0, 1.0)],
    )
    assert codes(report) == ["NO_USER_ID_OVERLAP"] * 3 + ["TOO_FEW_EMBEDDINGS"]
    shown = report.model_dump(mode="json")
    assert shown["segments_activation_potential"]["maid"] == {"reachable_activation_ids": 0}
    assert shown["segment_statistics"]["segment_user_counts"]["hashed_email"]["s0"] == {
        "all_users": {"absolute": 1, "relative": 0.1},
        "matchable_users": {"absolute": 0, "relative": 0.0},
    }


def test_one_segment(compute: Compute) -> None:
    report = compute(segments=[("u1", "only"), ("u2", "only")])
    assert "TOO_FEW_SEGMENTS" in codes(report)
    assert report.segment_statistics is not None
    assert report.segment_statistics.model_dump()["segments_per_user_distribution"]["hashed_email"]["matchable"] == {
        "0": {"absolute": 1, "relative": 1 / 3},
        "1": {"absolute": 2, "relative": 2 / 3},
    }


def test_a_hundred_thousand_segments(compute: Compute) -> None:
    report = compute(segments=[(f"u{n % 7}", f"s{n}") for n in range(100_000)])
    assert codes(report) == ["TOO_MANY_SEGMENTS", "TOO_FEW_EMBEDDINGS"]
    assert report.segment_statistics is not None
    counts = report.segment_statistics.segment_user_counts
    assert counts is not None
    assert len(counts["hashed_email"]) == 100_000


@pytest.mark.parametrize("value", ["🦆", "it's", '"quoted"', "a;--", "line\nbreak", " ", "self", "%s", "?", "e\u0301"])
def test_any_text_may_be_a_name_or_a_value(compute: Compute, value: str) -> None:
    name = value if value.isprintable() and value.strip() else "hem"  # what the name of an identifier may be
    entries = [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": name, "idType": "HASHED_EMAIL", "isMatchingId": True, "isActivationId": True},
    ]
    report = compute(
        keys={"identifiersConfig": entries},
        identifiers=[(value, name, value), ("\u00e9", name, "\u00e9"), ("e\u0301", name, "e\u0301")],
        segments=[(value, value)],
        demographics=[(value, value, value)],
        embeddings=[(value, value, 1.0, 1.0)],
    ).model_dump(mode="json")
    # Composed and decomposed é are different texts: values are compared as code points.
    assert report["identifiers_overview"][name]["distinct_ids"] == (2 if value == "e\u0301" else 3)
    assert report["segment_statistics"]["segment_user_counts"][name][value]["matchable_users"]["absolute"] == 1
    assert report["demographic_statistics"][name]["matchable"][f"{value}||{value}"]["absolute"] == 1
    assert report["remarketing_activation_potential"][name][name] == {
        "reachable_activation_ids": report["identifiers_overview"][name]["distinct_ids"]
    }


def test_ids_shared_by_everybody(compute: Compute) -> None:
    ids = [(f"u{n}", name, "x") for n in range(2000) for name in ("hashed_email", "maid")]
    report = compute(identifiers=ids, segments=[(f"u{n}", f"s{n % 10}") for n in range(1000)])
    assert report.identifiers_overview["maid"].model_dump(exclude={"id_type"}) == {
        "is_matching_id": False,
        "is_activation_id": True,
        "distinct_ids": 1,
        "avg_userids_per_id": 2000.0,
        "max_userids_per_id": 2000,
    }
    assert report.remarketing_activation_potential is not None
    assert report.remarketing_activation_potential["hashed_email"]["maid"].reachable_activation_ids == 1
    assert report.segments_activation_potential is not None
    assert report.segments_activation_potential["maid"].reachable_activation_ids == 1
    assert [warning.code for warning in report.quality_warnings].count("SHARED_ID") == 2


def test_hashes_that_collide_cost_time_but_no_number(
    engine: Engine, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = compute()
    engine.drop("identifiers")
    # Every id has the same hash: all of them are then counted as text.
    engine._run("test", "CREATE OR REPLACE TEMP MACRO xxhash64(text) AS length(text) * 0", ())  # type: ignore[attr-defined]
    try:
        assert compute() == expected
    finally:
        engine._run("test", "CREATE OR REPLACE TEMP MACRO xxhash64(text) AS hash(text)", ())  # type: ignore[attr-defined]


def test_a_damaged_file_is_an_error_without_a_value(
    engine: Engine, make_lab: Callable[..., LabDefinition], tmp_path: Path
) -> None:
    path = tmp_path / "identifiers.parquet"
    pq.write_table(pa.table({"user_id": ["planted"] * 9, "id_name": ["userId"] * 9, "id": ["planted"] * 9}), path)
    path.write_bytes(path.read_bytes()[:-20])
    lab = make_lab(requireSegments=False, requireDemographics=False, requireEmbeddings=False)
    summaries = {DatasetKind.IDENTIFIERS: ValidatedDataset(total_rows=9, valid_rows=9)}
    with pytest.raises(EngineError) as caught:
        compute_statistics(lab, {DatasetKind.IDENTIFIERS: path}, summaries, engine)
    assert "planted" not in str(caught.value)
