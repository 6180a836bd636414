"""The page as a file: what stands in it, what must not, and that it needs nothing beside it."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from datalab.dashboard import bundle, disclosure, render_dashboard, shareable, tables
from datalab.lab import LabDefinition
from datalab.results.statistics import (
    DemographicStatistics,
    DistributionValue,
    Finding,
    SegmentsPerUserDistribution,
    StatisticsResultV2,
)
from datalab.results.status import DatasetStatus, StatisticsStatus, ValidationStatus
from datalab.statistics import PANELS, VIEWS, Panel
from datalab.statistics.compare import Comparison, compare_statistics
from datalab.statistics.readiness import readiness
from tests.new_panel import two_segment_users

HOSTILE = [
    '</script><script>alert("x")</script>',
    '<img src=x onerror="alert(1)">',
    'O\'Neil & "Söhne" 🎯',
    "{{ 7*7 }}",
]
MINIMUM = 10


def a_lab(**changes: Any) -> LabDefinition:
    wire = {
        "name": "Test publisher",
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING", "isActivationId": True},
            {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
            {"idName": "maid", "idType": "MAID", "isMatchingId": True, "isActivationId": True},
        ],
        "requireSegments": True,
        "requireDemographics": True,
        "requireEmbeddings": True,
        "numEmbeddings": 16,
    }
    return LabDefinition.model_validate(wire | changes)


def basic(users: int, **extra: int) -> dict[str, Any]:
    rows = {"total_rows": users + 40, "valid_rows": users, "invalid_rows": 40, "distinct_user_ids": users}
    return {**rows, "invalid_rows_by_reason": {"EMPTY_CELL": 28, "DUPLICATE_VALUES": 12}, **extra}


def value(absolute: int, whole: int = 1000) -> dict[str, Any]:
    return {"absolute": absolute, "relative": absolute / whole}


def statistics(segments: dict[str, tuple[int, int]] | None = None, **changes: Any) -> StatisticsResultV2:
    """A report with every panel; `segments` gives (all, matchable) users."""
    counts = {"Sports": (600, 400), "Travel": (300, 200)} if segments is None else segments
    cells = {n: {"all_users": value(a), "matchable_users": value(m, 700)} for n, (a, m) in counts.items()}
    per_user = {
        "all_users": {"0": value(100), "1": value(700), "2": value(200)},
        "matchable": {"0": value(50, 700), "1": value(500, 700), "2": value(150, 700)},
    }
    pairs = {"18-24||f": value(300), "18-24||m": value(250), "25-34||f": value(250), "n/a||n/a": value(200)}
    reach = {"userId": {"reachable_activation_ids": 900}, "maid": {"reachable_activation_ids": 640}}
    info = {"is_matching_id": True, "is_activation_id": True, "avg_userids_per_id": 1.25, "max_userids_per_id": 14}
    embedded = {"matchable_users": 700, "users_with_embeddings": 400, "matchable_users_with_embeddings": 280}
    report = {
        "identifiers_overview": {
            "userId": {**info, "id_type": "STRING", "distinct_ids": 1000},
            "hem": {**info, "id_type": "HASHED_EMAIL", "distinct_ids": 1720},
            "maid": {**info, "id_type": "MAID", "distinct_ids": 660},
        },
        "basic_statistics": {
            "identifiers": basic(1000, distinct_id_names=3, distinct_ids=3380),
            "segments": basic(900, distinct_segments=len(counts)),
            "demographics": basic(1000, distinct_ages=2, distinct_genders=2),
            "embeddings": basic(400, distinct_scopes=1),
        },
        "remarketing_activation_potential": {"hem": reach, "maid": reach},
        "segments_activation_potential": reach,
        "embeddings_activation_potential": reach,
        "segment_statistics": {
            "distinct_users_with_segments": 900,
            "segment_user_counts": {"hem": cells, "maid": cells},
            "segments_per_user_distribution": {"hem": per_user, "maid": per_user},
        },
        "demographic_statistics": {
            "distinct_users_with_demographics": 1000,
            "all_users": pairs,
            "hem": {"matchable": {key: value(cell["absolute"] // 2, 500) for key, cell in pairs.items()}},
            "maid": {"matchable": {key: value(cell["absolute"] // 2, 500) for key, cell in pairs.items()}},
        },
        "embeddings_statistics": {"hem": embedded, "maid": embedded},
        "status": "SUCCESS",
    }
    return StatisticsResultV2.model_validate(report | changes)


def render(lab: LabDefinition | None = None, report: StatisticsResultV2 | None = None, **options: Any) -> str:
    lab, report = lab or a_lab(), report or statistics()
    given = {
        "status": None,
        "computed_at": datetime(2026, 11, 22, 9, 5, tzinfo=UTC),
        "readiness": readiness(lab, report),
    }
    return render_dashboard(lab, report, **{**given, **options})


class Page(HTMLParser):
    """Tags with attributes, the text people read, and what stands in the report's script element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.report_text = ""
        self._inside = ""
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in ("script", "style"):
            self._inside = given.get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "statistics":
            self.report_text += data
        elif not self._inside:
            self.words.append(data)

    def values(self, attribute: str) -> list[str]:
        return [given[attribute] or "" for _, given in self.tags if attribute in given]

    @property
    def report(self) -> Any:
        if self.values("data-encoding") == ["gzip"]:
            return json.loads(gzip.decompress(base64.b64decode(self.report_text)))
        return json.loads(self.report_text)


def own_parts(html: str) -> str:
    """The page without the charting library, whose code is the same in every page."""
    return html.replace(bundle.static_text("vega-bundle.js"), "")


def test_needs_no_network() -> None:
    html = render()
    page = Page(html)
    assert "default-src 'none'" in page.values("content")[0]
    assert not page.values("src")
    assert all(link.startswith(("#", "data:")) for link in page.values("href"))
    assert not re.search(r"https?://|@import|url\(", own_parts(html))
    assert len(html.encode()) < 3_000_000


def test_every_unlocked_panel_is_there_under_its_question() -> None:
    page = Page(render())
    assert page.values("data-panel") == [view.key for view in VIEWS]
    assert not page.values("data-absent")
    for view in VIEWS:
        assert view.title in page.text
        assert view.question in page.text


def test_locked_panels_are_absent_with_the_reason() -> None:
    lab = a_lab(requireEmbeddings=False, collaborationTypes=["OVERLAP", "REMARKETING"])
    segments = {"distinct_users_with_segments": 900}
    nothing = dict.fromkeys(
        ("segments_activation_potential", "embeddings_activation_potential", "demographic_statistics")
    )
    report = statistics(segment_statistics=segments, embeddings_statistics=None, **nothing)
    report.basic_statistics.embeddings = None
    page = Page(render(lab, report))
    shown, absent = page.values("data-panel"), page.values("data-absent")
    assert "remarketing_activation_potential" in shown
    assert {"segment_user_counts", "segments_per_user", "basic_embeddings"} <= set(absent)
    assert sorted(shown + absent) == sorted(view.key for view in VIEWS)
    assert "Shown when the lab supports Insights; it does not." in page.text
    assert "Shown when the lab supports AI lookalike or Rule-based audiences; it supports neither." in page.text
    assert "This lab has no embeddings dataset." in page.text


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text(name: str) -> None:
    html = render(a_lab(name=name), statistics({name: (600, 400), "Sports": (20, 11)}))
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 4
    assert not any(tag == "img" or "onerror" in given for tag, given in page.tags)
    assert name in page.words
    assert name in page.report["segment_statistics"]["segment_user_counts"]["hem"]


@pytest.mark.parametrize("size", [2, 4000])
def test_the_json_is_the_report(size: int) -> None:
    report = statistics({f"Segment {i}": (500 + i, 300 + i) for i in range(size)})
    assert Page(render(report=report)).report == json.loads(report.model_dump_json(by_alias=True))


def test_a_hundred_thousand_segments() -> None:
    report = statistics({f"Segment number {i}": (i, i // 3) for i in range(100_000)})
    html = render(report=report)
    page = Page(html)
    assert len(html.encode()) < 3_000_000
    assert "The largest 2,000 of 100,000 rows are shown." in page.text
    assert "Segment number 99999" in page.words
    assert "98,000 smallest segments" in page.text
    assert len(page.report["segment_statistics"]["segment_user_counts"]["hem"]) == 2000


def test_ten_matching_ids_and_two_thousand_segments_stay_small() -> None:
    report = statistics({f"Segment number {i}": (5000 + i, 3000 + i) for i in range(2000)})
    assert report.segment_statistics is not None and report.segment_statistics.segment_user_counts is not None
    cells = report.segment_statistics.segment_user_counts["hem"]
    report.segment_statistics.segment_user_counts = {f"id number {i}": cells for i in range(10)}
    assert len(render(report=report).encode()) < 3_000_000


def test_an_empty_lab() -> None:
    lab = a_lab(requireSegments=False, requireDemographics=False, requireEmbeddings=False, collaborationTypes=[])
    zero = {"total_rows": 0, "valid_rows": 0, "invalid_rows": 0, "distinct_user_ids": 0}
    info = {"is_matching_id": True, "is_activation_id": False, "distinct_ids": 0}
    overview = {"userId": {**info, "id_type": "STRING", "avg_userids_per_id": 0.0, "max_userids_per_id": 0}}
    report = StatisticsResultV2.model_validate(
        {
            "identifiers_overview": overview,
            "basic_statistics": {"identifiers": {**zero, "distinct_id_names": 0, "distinct_ids": 0}},
            "status": "FAILED",
            "data_errors": [{"code": "EMPTY_DATASET", "message": "identifiers: 0 valid rows (at least 1 needed)"}],
        }
    )
    for minimum in (0, MINIMUM):
        html = render(lab, report, minimum_count=minimum, computed_at=None)
        assert "This lab is not ready for a Media DCR: 1 data error must be corrected first." in Page(html).text
        assert len(html) < 100_000, "a page without charts does not carry the charting library"


def test_findings_say_what_to_do() -> None:
    report = statistics(
        status="FAILED",
        data_errors=[{"code": "NO_MATCHING_IDS", "message": "hem: 0 ids of this matching id (at least 1 needed)"}],
        quality_warnings=[
            {"code": "HIGH_INVALID_SHARE", "message": "segments: 1500 of 20000 rows are invalid (limit 0.05)"}
        ],
    )
    broken = DatasetStatus(
        status="FAILED", errors=[Finding(code="GZIP_DECODE_ERROR", message="not gzip")], valid_rows=0, invalid_rows=0
    )
    block = StatisticsStatus(status="FAILED", data_errors=report.data_errors)
    status = ValidationStatus(status="FAILED", datasets={"embeddings": broken}, statistics=block)
    text = Page(render(report=report, status=status)).text
    assert "2 data errors must be corrected first" in text
    assert "A matching id has no values" in text and "Check the spelling of the id name" in text
    assert "segments: 1,500 of 20,000 rows are invalid (limit 5%)" in text
    assert "A gzip file is damaged" in text


def test_readiness_by_collaboration_type() -> None:
    lab = a_lab(requireSegments=False, requireDemographics=False)
    report = statistics(segment_statistics=None, demographic_statistics=None)
    report.basic_statistics.segments = report.basic_statistics.demographics = None
    text = Page(render(lab, report)).text
    assert "Insights Describe those users by segment and demographics No Needs a segments dataset" in text
    assert "Remarketing Reach the advertiser's own users again Yes Nothing" in text
    assert "AI lookalike Find users who resemble the advertiser's Yes Nothing Better with demographics" in text
    assert "Not enabled Nothing; the lab's definition does not allow it" in text
    assert "data for 3 of its 5 collaboration types" in text


def test_changes_since_last_time() -> None:
    before = statistics()
    before.basic_statistics.identifiers.distinct_user_ids = 2000
    comparison = compare_statistics(before, statistics())
    text = Page(render(comparison=comparison)).text
    assert "Distinct userIds Identifiers 2,000 1,000 −1,000 −50.0%" in text
    assert "−1,000 since last time" in text
    assert "headline numbers stayed the same" in text
    assert "A number fell sharply since last time" in text
    unchanged = compare_statistics(statistics(), statistics())
    assert "stayed the same" in Page(render(comparison=unchanged)).text


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


def test_can_be_read_without_javascript_and_by_screen_readers() -> None:
    page = Page(render())
    tags = [tag for tag, _ in page.tags]
    assert {"main", "header", "footer", "nav", "h1", "h2", "h3", "caption"} <= set(tags)
    assert tags.count("h1") == 1
    assert sum(given.get("class") == "chart" for _, given in page.tags) == 3
    for _, given in page.tags:
        if given.get("class") == "chart":
            assert given["data-table"] in page.values("id")
    assert all(given.get("scope") in ("col", "row") for tag, given in page.tags if tag == "th")
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_the_library_is_the_one_that_vl_convert_makes() -> None:
    pytest.importorskip("vl_convert", reason="vl-convert-python is only needed to renew the charting library")
    notice = bundle.static_text("vega-bundle.js").splitlines()[0]
    assert notice == bundle.make_bundle().splitlines()[0], "run python -m datalab.dashboard.bundle"


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


def test_endless_names_and_thousands_of_ages_stay_small() -> None:
    report = statistics({f"{i}" + "🎯ü<" * 3000: (i, i) for i in range(3000)})
    pairs = {f"{i}{'x' * 100}||{i % 7}": value(i) for i in range(20_000)}
    assert report.demographic_statistics is not None
    report.demographic_statistics.all_users = DemographicStatistics.model_validate(
        {"distinct_users_with_demographics": 1, "all_users": pairs}
    ).all_users
    html = render(report=report)
    assert len(html.encode()) < 3_000_000
    assert "The JSON in this page leaves out" in Page(html).text


def test_columns_follow_the_lab_not_the_report() -> None:
    report = statistics()
    assert report.segment_statistics is not None and report.segment_statistics.segment_user_counts is not None
    counts = report.segment_statistics.segment_user_counts
    first = counts["hem"]["Sports"].model_copy(
        update={"matchable_users": DistributionValue(absolute=111, relative=0.5)}
    )
    report.segment_statistics.segment_user_counts = {"maid": counts["maid"], "hem": {**counts["hem"], "Sports": first}}
    words = [word.strip() for word in Page(render(report=report)).words if word.strip()]
    at = words.index("Sports")
    assert words[at : at + 7] == ["Sports", "600", "60.0%", "111", "50.0%", "400", "57.1%"]
