"""From a file of upper-case hashes to a Ready lab in a real browser: upload, repair, replace, validate."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from datalab.kinds import DatasetKind
from datalab.lab import lab_from_dict
from datalab.registry import LabState
from tests.browser.conftest import CHROMIUM
from tests.browser.portal_server import CONTRAST, Portal, Visit
from tests.recognised_files import text_of

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"),
    pytest.mark.slow,
]
PATIENT = 180_000
USERS = [f"usr{number}x" for number in range(300)]
LAB = {
    "name": "Upper case",
    "identifiersConfig": [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
    ],
    "numIdentifiersColumns": 3,
}


@pytest.mark.parametrize("scripts", [True, False])
def test_upper_case_hashes_are_repaired_and_the_lab_is_ready(browser: Any, portal: Portal, scripts: bool) -> None:
    rows = [[user, "hem", hashlib.sha256(user.encode()).hexdigest().upper()] for user in USERS]
    name = f"upper-{scripts}.csv"
    stored = portal.service.upload_dataset(io.BytesIO(text_of(rows).encode()), name)
    lab = portal.service.create_lab(lab_from_dict(LAB))
    portal.service.change(lab.id, {DatasetKind.IDENTIFIERS: stored.manifest_hash})
    visit = Visit(browser, portal, java_script_enabled=scripts)
    visit.context.set_default_timeout(PATIENT)
    page = visit.go(f"/datalabs/{lab.id}")
    validate(page, "Failed")
    page.get_by_role("link", name="Repair Identifiers").click()
    page.get_by_role("checkbox", name="Write hashes and e-mail addresses in lower case").wait_for()
    if scripts:
        assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Store a repaired copy").click()
    page.get_by_text("300 of 300 rows are valid; of the original, 0 of 300.").wait_for()
    if scripts:
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.get_by_role("button", name="Replace in this lab").click()
    page.get_by_text(f"Replaced the original by {name} (repaired) in Upper case.").wait_for()
    validate(page, "Ready")
    visit.close()
    assert portal.service.lab(lab.id).state.state is LabState.READY


def validate(page: Any, verdict: str) -> None:
    """Validate the lab that is shown and wait until its page, which follows the run, shows the verdict."""
    page.get_by_role("button", name="Start validation").click()
    page.locator(".state-tag", has_text=verdict).wait_for(timeout=PATIENT)
