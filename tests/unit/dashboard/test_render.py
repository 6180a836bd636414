"""The page as a file: what it contains, what it must not, and that it needs no other file."""

from __future__ import annotations

import json
import re

import pytest

from datalab.dashboard import bundle, charts
from datalab.results.statistics import (
    DemographicStatistics,
    DistributionValue,
    Finding,
    StatisticsResultV2,
)
from datalab.results.status import DatasetStatus, StatisticsStatus, ValidationStatus
from datalab.statistics import VIEWS
from datalab.statistics.compare import compare_statistics
from tests.unit.dashboard.pages import HOSTILE, MINIMUM, Page, a_lab, own_parts, render, statistics, value


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
        assert "Not ready: Identifiers has no valid row." in Page(html).text
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
    assert "Not ready: Embeddings cannot be read: a gzip file is damaged." in text
    assert "No valid hem is left in Identifiers" in text and "Check the spelling of the id name" in text
    assert "1,500 of 20,000 rows in Segments are invalid (7.5%; up to 5% is usual)" in text
    assert "Embeddings cannot be read: a gzip file is damaged Compress and upload it again" in text


def test_readiness_by_collaboration_type() -> None:
    lab = a_lab(requireSegments=False, requireDemographics=False)
    report = statistics(segment_statistics=None, demographic_statistics=None)
    report.basic_statistics.segments = report.basic_statistics.demographics = None
    text = Page(render(lab, report)).text
    assert "Insights Describe those users by segment and demographics No Needs a segments dataset" in text
    assert "Remarketing Reach the advertiser's own users again Yes 900 userId Nothing" in text
    assert (
        "AI lookalike Find users who resemble the advertiser's Yes 900 userId Nothing Better with demographics" in text
    )
    assert "Not enabled Nothing; the lab's definition does not allow it" in text
    assert "Data for 3 of its 5 collaboration types." in text


def test_nothing_can_be_used_in_a_lab_that_is_not_ready() -> None:
    error = Finding(
        code="NO_USER_ID_OVERLAP", message="segments: 0 of 3434 users are in identifiers (at least 1 needed)"
    )
    page = Page(render(report=statistics(status="FAILED", data_errors=[error.model_dump()])))
    assert page.text.count("No Segments has a data error Nothing") == 5 and "Yes" not in page.text.split()
    assert not [given for _, given in page.tags if given.get("class") == "tag ready"]


def test_changes_since_last_time() -> None:
    before = statistics()
    before.basic_statistics.identifiers.distinct_user_ids = 2000
    comparison = compare_statistics(before, statistics())
    text = Page(render(comparison=comparison)).text
    assert "Distinct userIds Identifiers 2,000 1,000 −1,000 −50.0%" in text
    assert "−1,000 since last time" in text
    assert "headline numbers stayed the same" in text
    assert "Distinct userIds (Identifiers) fell from 2,000 to 1,000 (−50.0%)" in text
    unchanged = compare_statistics(statistics(), statistics())
    assert "stayed the same" in Page(render(comparison=unchanged)).text


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


def test_the_stored_charts_are_those_that_are_declared() -> None:
    assert charts.specs() == charts.make_specs(), "run python -m datalab.dashboard.charts"


def test_the_library_is_the_one_that_vl_convert_makes() -> None:
    pytest.importorskip("vl_convert", reason="vl-convert-python is only needed to renew the charting library")
    notice = bundle.static_text("vega-bundle.js").splitlines()[0]
    assert notice == bundle.make_bundle().splitlines()[0], "run python -m datalab.dashboard.bundle"


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
