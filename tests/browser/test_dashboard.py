"""The page in a real browser, opened from disk without network: what people can do with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from datalab.dashboard import render_dashboard
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResultV2
from datalab.statistics.readiness import readiness

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"
)

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SEGMENTS = 60


def a_lab() -> LabDefinition:
    return LabDefinition.model_validate(
        {
            "name": "Browser publisher",
            "identifiersConfig": [
                {"idName": "userId", "idType": "STRING", "isActivationId": True},
                {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
                {"idName": "maid", "idType": "MAID", "isMatchingId": True},
            ],
            "requireSegments": True,
            "requireDemographics": True,
        }
    )


def value(absolute: int) -> dict[str, Any]:
    return {"absolute": absolute, "relative": absolute / 10_000}


def report(size: int = SEGMENTS) -> StatisticsResultV2:
    rows = {"total_rows": 10_000, "valid_rows": 10_000, "invalid_rows": 0, "distinct_user_ids": 10_000}
    info = {"is_matching_id": True, "is_activation_id": True, "avg_userids_per_id": 1.0, "max_userids_per_id": 1}
    names = [f"Segment {i:02d}" for i in range(size)]
    everyone = {name: value(5000 - 20 * (i % 200)) for i, name in enumerate(names)}
    counts = {
        m: {name: {"all_users": everyone[name], "matchable_users": value(n + i)} for i, name in enumerate(names)}
        for m, n in (("hem", 1000), ("maid", 300))
    }
    buckets = {str(i): value(1000 - 60 * i) for i in range(12)}
    pairs = {f"{age}||{g}": value(900 + 10 * len(g)) for age in ("18-24", "25-34", "65+") for g in ("f", "m", "d")}
    return StatisticsResultV2.model_validate(
        {
            "identifiers_overview": {
                n: {**info, "id_type": "STRING", "distinct_ids": 10_000} for n in ("userId", "hem")
            },
            "basic_statistics": {
                "identifiers": {**rows, "distinct_id_names": 2, "distinct_ids": 20_000},
                "segments": {**rows, "distinct_segments": size},
                "demographics": {**rows, "distinct_ages": 3, "distinct_genders": 3},
            },
            "segment_statistics": {
                "distinct_users_with_segments": 10_000,
                "segment_user_counts": counts,
                "segments_per_user_distribution": {m: {"all_users": buckets, "matchable": buckets} for m in counts},
            },
            "demographic_statistics": {
                "distinct_users_with_demographics": 10_000,
                "all_users": pairs,
                "hem": {"matchable": pairs},
                "maid": {"matchable": pairs},
            },
            "status": "SUCCESS",
        }
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Opened:
    """A page opened from disk; fails when it asks for the network or complains."""

    def __init__(self, browser: Any, folder: Path, statistics: StatisticsResultV2, **context: Any) -> None:
        file = folder / "dashboard.html"
        lab = a_lab()
        ready = readiness(lab, statistics)
        now = datetime(2026, 11, 22, tzinfo=UTC)
        file.write_text(render_dashboard(lab, statistics, status=None, readiness=ready, computed_at=now), "utf-8")
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(offline=True, **context)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        if context.get("java_script_enabled", True):
            self.page.wait_for_function("document.documentElement.dataset.drawn")

    def then_drawn(self, action: Any) -> None:
        before = self.page.evaluate("Number(document.documentElement.dataset.drawn)")
        action()
        self.page.wait_for_function(f"Number(document.documentElement.dataset.drawn) > {before}")

    def shown_segments(self) -> list[str]:
        rows = self.page.locator("#table-segment_user_counts tbody tr:not([hidden]) th")
        return [str(text) for text in rows.all_inner_texts()]

    def close(self) -> None:
        self.context.close()
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith(("file:", "blob:", "data:"))] == []


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    page = Opened(browser, tmp_path, report(), color_scheme="light")
    yield page
    page.close()


def test_charts_are_drawn(opened: Opened) -> None:
    for chart in ("segments", "per_user", "pyramid"):
        assert opened.page.locator(f"#chart-{chart} svg").count() >= 1
    assert opened.page.locator("#chart-pyramid svg").count() == 3


def test_matchable_users_per_matching_id(opened: Opened) -> None:
    page = opened.page
    header = page.locator("#table-segment_user_counts thead th:visible")
    assert header.count() == 3
    opened.then_drawn(lambda: page.get_by_role("button", name="Matchable users").click())
    assert page.get_by_role("button", name="Matchable users").get_attribute("aria-pressed") == "true"
    assert header.count() == 5
    assert opened.shown_segments()[0] == f"Segment {SEGMENTS - 1}", "sorted by matchable users"
    assert "hem" in page.locator("#caption-segment_user_counts").inner_text()
    opened.then_drawn(lambda: page.get_by_label("Matching id of matchable users").select_option("1"))
    assert "maid" in page.locator("#caption-segments_per_user").inner_text()
    assert (
        page.locator("#table-segment_user_counts tbody tr >> nth=0").locator("td:visible").nth(2).inner_text() == "359"
    )


def test_segments_can_be_searched_and_cut(opened: Opened) -> None:
    page = opened.page
    assert len(opened.shown_segments()) == 25
    opened.then_drawn(lambda: page.get_by_label("Show", exact=True).select_option("10"))
    assert len(opened.shown_segments()) == 10
    opened.then_drawn(lambda: page.get_by_label("Search segments").fill("MENT 5"))
    assert all(name.startswith("Segment 5") for name in opened.shown_segments())
    assert "10 of 10 segments found" in page.locator("#said").inner_text()
    opened.then_drawn(lambda: page.get_by_label("Search segments").fill("no such segment"))
    assert opened.shown_segments() == []


def test_one_dataset_alone(opened: Opened) -> None:
    page = opened.page
    opened.then_drawn(lambda: page.get_by_role("button", name="Demographics").click())
    visible = [s.get_attribute("data-dataset") for s in page.locator("section.dataset:visible").all()]
    assert visible == ["demographics"]
    opened.then_drawn(lambda: page.get_by_role("button", name="All datasets").click())
    assert page.locator("section.dataset:visible").count() == 4


def test_theme(opened: Opened) -> None:
    page = opened.page
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    button = page.get_by_role("button", name="Dark theme")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert page.evaluate(colour) == "rgb(20, 23, 26)"
    page.reload()
    assert page.evaluate(colour) == "rgb(20, 23, 26)", "the choice is kept"


def test_follows_the_system(browser: Any, tmp_path: Path) -> None:
    dark = Opened(browser, tmp_path, report(), color_scheme="dark")
    assert dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    assert dark.page.get_by_role("button", name="Dark theme").get_attribute("aria-pressed") == "true"
    dark.close()


@pytest.mark.parametrize("size", [SEGMENTS, 3000], ids=["plain", "compressed"])
def test_the_json_can_be_downloaded(browser: Any, tmp_path: Path, size: int) -> None:
    statistics = report(size)
    opened = Opened(browser, tmp_path, statistics)
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="Download JSON").click()
    assert download.value.suggested_filename == "browser-publisher-statistics.json"
    assert json.loads(Path(download.value.path()).read_text("utf-8")) == json.loads(
        statistics.model_dump_json(by_alias=True)
    )
    opened.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_sideways_scrolling(browser: Any, tmp_path: Path, width: int) -> None:
    opened = Opened(browser, tmp_path, report(), viewport={"width": width, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.close()


def test_can_be_read_without_javascript(browser: Any, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path, report(), java_script_enabled=False)
    assert opened.page.locator("#table-segment_user_counts tbody tr:visible").count() == SEGMENTS
    assert not opened.page.get_by_role("button", name="Download JSON").is_visible()
    opened.close()
