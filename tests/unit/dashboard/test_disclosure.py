"""What a page for sharing must not give away: small counts, and what reveals them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from datalab.dashboard import disclosure, shareable, tables
from datalab.lab import LabDefinition
from datalab.results.statistics import (
    Finding,
    SegmentsPerUserDistribution,
    StatisticsResultV2,
)
from datalab.statistics import PANELS, VIEWS, Panel
from datalab.statistics.compare import Comparison, compare_statistics
from tests.new_panel import two_segment_users
from tests.unit.dashboard.pages import MINIMUM, Page, a_lab, render, statistics, value


def small_numbers() -> tuple[StatisticsResultV2, Comparison]:
    """A report whose small counts, and counts that reveal them, are numbers that stand nowhere else."""
    report = statistics({"Sports": (600, 400), "Rare": (7, 3), "Nearly all": (500, 493)})
    assert report.segment_statistics is not None and report.demographic_statistics is not None
    distributions = report.segment_statistics.segments_per_user_distribution or {}
    for distribution in distributions.values():
        distribution.all_users["2"].absolute = distribution.matchable["2"].absolute = 6
    report.demographic_statistics.all_users["25-34||f"].absolute = 4
    report.basic_statistics.segments.invalid_rows = 8  # type: ignore[union-attr]
    report.basic_statistics.segments.invalid_rows_by_reason = {"EMPTY_CELL": 8}  # type: ignore[union-attr]
    report.identifiers_overview["maid"].distinct_ids = 643
    message = "segments: 9 of 900 users are not in identifiers (limit 0.001)"
    report.quality_warnings = [Finding(code="USERS_NOT_IN_IDENTIFIERS", message=message)]
    before = report.model_copy(deep=True)
    before.basic_statistics.embeddings.distinct_user_ids = 405  # type: ignore[union-attr]
    return report, compare_statistics(before, report)


def numbers_in(node: Any) -> set[float]:
    if isinstance(node, dict):
        return set().union(*(numbers_in(child) for key, child in node.items() if key != "minimum_count"))
    if isinstance(node, list):
        return set().union(*(numbers_in(child) for child in node))
    return {node} if isinstance(node, int | float) and not isinstance(node, bool) else set()


@pytest.fixture
def new_panel(monkeypatch: pytest.MonkeyPatch) -> Callable[[Panel[Any]], str]:
    """Puts a panel into the list; returns its name."""

    def put(panel: Panel[Any]) -> str:
        monkeypatch.setattr(disclosure, "PANELS", (*PANELS, panel))
        monkeypatch.setattr(tables, "VIEWS", (*VIEWS, *panel.shown))
        return panel.name

    return put


SHARED = a_lab(shareStatistics=True)


@pytest.mark.parametrize(("lab", "minimum"), [(a_lab(), MINIMUM), (SHARED, 0), (SHARED, MINIMUM)])
def test_a_new_panel_is_shared_only_if_it_has_a_guard(
    new_panel: Callable[[Panel[Any]], str], lab: LabDefinition, minimum: int
) -> None:
    def without_small(value: Any, least: int) -> Any:
        return type(value)({name: users for name, users in value.root.items() if users >= least})

    counts = {"all users": 28, "hem": 7}
    name = new_panel(two_segment_users.PANEL)
    report = statistics().with_further_panels({name: counts})
    whole = Page(render(report=report))
    assert name in whole.values("data-panel") and whole.report["panels"] == {name: counts}
    page = Page(render(lab, report, minimum_count=minimum))
    assert name in page.values("data-absent") and name not in page.values("data-panel")
    assert "panels" not in page.report

    new_panel(replace(two_segment_users.PANEL, guard=without_small))
    page = Page(render(lab, report, minimum_count=minimum))
    assert name in page.values("data-panel")
    assert page.report["panels"] == {name: {"all users": 28} if minimum else counts}


def test_a_panel_that_is_not_known_is_not_shared() -> None:
    report = statistics().with_further_panels({"of_another_version": {"users": 1}})
    assert Page(render(report=report)).report["panels"]
    assert "panels" not in Page(render(SHARED, report)).report


def test_small_counts_are_nowhere_in_a_page_for_sharing() -> None:
    report, comparison = small_numbers()
    html = render(report=report, comparison=comparison, minimum_count=MINIMUM)
    page = Page(html)
    categories = {1, 2, 3, 1.25}
    shown = {n for n in numbers_in(page.report) if n > 1 or n == 0}
    assert {n for n in shown if n < MINIMUM} <= categories | {0}
    cells = [word.strip() for word in page.words]
    for hidden in ("4", "6", "7", "8", "9", "493", "405", "643 "):
        assert hidden not in cells
    rare = page.report["segment_statistics"]["segment_user_counts"]["hem"]["Rare"]
    assert rare == {
        "all_users": {"absolute": "< 10", "relative": None},
        "matchable_users": {"absolute": "< 10", "relative": None},
    }
    assert "9 of 900" not in html and "figures below 10 are withheld" in page.text
    assert "< 10" in page.text and "made for sharing" in page.text


def test_counts_that_reveal_a_small_one_are_hidden_too() -> None:
    report, _ = small_numbers()
    shared = shareable(report, MINIMUM)
    nearly_all = shared["segment_statistics"]["segment_user_counts"]["hem"]["Nearly all"]
    assert nearly_all["matchable_users"] == {"absolute": "hidden", "relative": None}
    assert nearly_all["all_users"]["absolute"] == 500
    per_user = shared["segment_statistics"]["segments_per_user_distribution"]["hem"]["all_users"]
    assert per_user["2"]["absolute"] == "< 10"
    assert per_user["0"]["absolute"] == "hidden", "the next smallest: else the rest of the total gives 2 away"
    assert per_user["1"]["absolute"] == 700
    pairs = shared["demographic_statistics"]["all_users"]
    assert [pairs[key]["absolute"] for key in ("25-34||f", "n/a||n/a", "18-24||m")] == ["< 10", "hidden", 250]
    assert shared["basic_statistics"]["segments"]["total_rows"] == "hidden"
    reach = shared["segments_activation_potential"]
    assert reach["maid"]["reachable_activation_ids"] == "hidden", "643 ids in all, 3 of them not reachable"
    assert reach["userId"]["reachable_activation_ids"] == 900


def test_a_group_missing_among_matchable_users_does_not_read_as_none() -> None:
    report = statistics()
    assert report.demographic_statistics is not None and report.demographic_statistics.model_extra is not None
    del report.demographic_statistics.model_extra["hem"]["matchable"]["18-24||m"]
    shared = shareable(report, MINIMUM)
    assert shared["demographic_statistics"]["hem"]["matchable"]["18-24||m"]["absolute"] == "< 10"


def test_hidden_segments_come_last_by_name() -> None:
    report = statistics({"b": (3, 1), "a": (2, 1), "c": (8, 1), "big": (600, 300)})
    page = Page(render(report=report, minimum_count=MINIMUM))
    positions = [page.words.index(name) for name in ("big", "a", "b", "c")]
    assert positions == sorted(positions)


def test_without_a_minimum_nothing_is_hidden() -> None:
    report, _ = small_numbers()
    assert shareable(report) == report.model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize("seed", range(40))
def test_no_total_less_what_is_shown_gives_a_small_count_away(seed: int) -> None:
    draw = random.Random(seed)
    report = statistics()
    assert report.segment_statistics is not None
    keys = [str(i) for i in range(draw.randint(1, 6))]
    everyone = {key: draw.choice([1, 3, 9, 12, 60, 400]) for key in keys}
    inside = {key: draw.choice([0, n, n - 1, n // 2]) for key, n in everyone.items()}
    report.segment_statistics.segments_per_user_distribution = {
        "hem": SegmentsPerUserDistribution.model_validate(
            {
                "all_users": {key: value(n) for key, n in everyone.items()},
                "matchable": {key: value(n) for key, n in inside.items() if n},
            }
        )
    }
    shared = shareable(report, MINIMUM)["segment_statistics"]["segments_per_user_distribution"]["hem"]
    for name, counts in (("all_users", everyone), ("matchable", inside)):
        cells = {key: shared[name][key]["absolute"] for key in keys}
        assert all(isinstance(cells[key], str) for key in keys if counts[key] < MINIMUM)
        assert all(cells[key] == counts[key] for key in keys if isinstance(cells[key], int))
        hidden = [key for key in keys if isinstance(cells[key], str)]
        if hidden and len(hidden) < len(keys):
            assert len(hidden) >= 2
            assert sum(counts[key] for key in hidden) >= MINIMUM
    for key in keys:
        both = [shared[name][key]["absolute"] for name in ("all_users", "matchable")]
        if all(isinstance(cell, int) for cell in both):
            assert not 0 < everyone[key] - inside[key] < MINIMUM
