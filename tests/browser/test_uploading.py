"""Several files at once in a real browser: all are stored, or refused by name, and what they look like is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import CHROMIUM
from tests.browser.portal_server import Portal, Visit

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"),
    pytest.mark.slow,
]


def test_several_files_at_once_are_all_stored_or_refused_by_name(browser: Any, portal: Portal, tmp_path: Path) -> None:
    lines = {"several-1.csv": "u{0},segment {1}\n", "several-2.csv": "u{0},{2},f\n"}
    for name, line in lines.items():
        text = "".join(line.format(number, number % 7, 20 + number % 9) for number in range(500))
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "holiday.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    visit = Visit(browser, portal)
    page = visit.go("/datasets")
    page.get_by_label("Files", exact=True).set_input_files([tmp_path / name for name in lines])
    assert page.get_by_label("Name (optional)").is_disabled(), "one name for two files"
    page.get_by_role("button", name="Upload").click()
    page.locator("#stored", has_text="several-1.csv").wait_for()
    said = page.locator("#stored li").all_inner_texts()
    assert sorted(text.partition(":")[0] for text in said) == [f"Stored {name}" for name in lines]
    assert any("looks like Demographics: 3 columns, no header" in text for text in said)
    page.reload()
    page.get_by_role("heading", name="Stored datasets").wait_for()
    assert page.locator("#stored").count() == 0, "said once"
    first = tmp_path / "several-3.csv"
    first.write_text((tmp_path / "several-1.csv").read_text("utf-8"), "utf-8")
    page.get_by_label("Files", exact=True).set_input_files([tmp_path / "holiday.png", first])
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="Show what is stored").click()
    page.locator("#stored", has_text="several-3.csv").wait_for()
    visit.close(expected=("422",))
