"""What scripts write while something happens reads as what the server writes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from datalab import formats
from datalab_dagster.portal.pages import files

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"
)
SIZES = [0, 1, 2, 999, 1000, 1234, 99_949, 999_949, 999_950, 1_500_000, 24_000_000, 999_950_000, 5_000_000_000_000]


def test_the_upload_writes_sizes_as_the_server_does() -> None:
    script = (Path(files.__file__).parents[1] / "static" / "upload.js").read_text(encoding="utf-8")
    found = re.search(r"function size\(bytes\) \{.*?\n  \}", script, re.DOTALL)
    assert found
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        code = f"([units, sizes]) => {{ {found[0]}; return sizes.map(size); }}"
        written = browser.new_page().evaluate(code, [list(formats.SIZE_UNITS), SIZES])
        browser.close()
    assert written == [formats.size(size) for size in SIZES]
