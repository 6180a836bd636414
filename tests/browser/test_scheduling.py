"""The schedule of a lab in a real browser: set, refused, changed and removed, on a wide and on a narrow screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datalab.lab import load_lab
from datalab.sample import write_sample
from tests.browser.conftest import CHROMIUM
from tests.browser.portal_server import CONTRAST, Portal, Visit

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"),
    pytest.mark.slow,
]


@pytest.mark.parametrize("width", [390, 1280])
def test_set_refused_changed_and_removed(browser: Any, portal: Portal, tmp_path: Path, width: int) -> None:
    lab = portal.service.create_lab(load_lab(write_sample(tmp_path / "sample", users=20).lab))
    visit = Visit(browser, portal, viewport={"width": width, "height": 800})
    page = visit.go(f"/datalabs/{lab.id}")
    page.get_by_label("When").fill("0 2 * * mon-fri")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Set schedule").click()
    page.get_by_text("has a schedule. Next validation: 20").wait_for()
    assert page.get_by_label("When").input_value() == "0 2 * * mon-fri"

    page.get_by_label("When").fill("0 25 * * *")
    page.get_by_role("button", name="Change schedule").click()
    page.get_by_text("'25' is not an hour; write 0 to 23, or * for every").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width and page.evaluate(CONTRAST) == []
    assert (found := portal.service.schedules.of(lab.id)) and found.cron == "0 2 * * mon-fri"

    page.get_by_role("button", name="Remove schedule").click()
    page.get_by_text("has no schedule any more.").wait_for()
    assert portal.service.schedules.of(lab.id) is None
    visit.close(expected=("422",))
