"""An open page of a lab shows what others do; what was filled in is kept, and the news are offered."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.sample import write_sample
from tests.browser.conftest import CHROMIUM
from tests.browser.portal_server import OWNER, Portal, Visit

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"),
    pytest.mark.slow,
]


def test_an_open_page_follows_what_others_do(browser: Any, portal: Portal, tmp_path: Path) -> None:
    made = write_sample(tmp_path / "sample", users=40, seed=2)
    lab = portal.service.create_lab(load_lab(made.lab))
    hashes = {}
    for kind, path in made.files.items():
        hashes[kind] = portal.service.upload_dataset(io.BytesIO(path.read_bytes()), f"{kind.value}.csv").manifest_hash
    visit = Visit(browser, portal)
    page = visit.go(f"/datalabs/{lab.id}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/now?" in request.url else None)
    portal.service.change(lab.id, {DatasetKind.IDENTIFIERS: hashes[DatasetKind.IDENTIFIERS]})
    page.locator('tr[data-slot="identifiers"] .holds', has_text="identifiers.csv").wait_for(timeout=30_000)
    page.get_by_label("Another owner").fill("otto@publisher.example")
    portal.service.change(lab.id, {DatasetKind.SEGMENTS: hashes[DatasetKind.SEGMENTS]})
    page.get_by_text(f"{OWNER} provisioned Segments.").wait_for(timeout=30_000)
    assert page.get_by_label("Another owner").input_value() == "otto@publisher.example", "what was filled in is kept"
    assert asked and page.locator('tr[data-slot="segments"] .missing').is_visible()
    page.get_by_role("button", name="Show it").click()
    page.locator('tr[data-slot="segments"] .holds', has_text="segments.csv").wait_for()
    visit.close()
