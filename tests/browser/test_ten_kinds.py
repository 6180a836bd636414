"""Ten kinds of files that go wrong: the first sentence names dataset and cause, and the repair makes the lab Ready.

In a real browser, with JavaScript and without. The kinds are those of `tests.ten_kinds`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from datalab.deployment.errors import NotADataset
from datalab.kinds import DatasetKind
from datalab.lab import lab_from_dict
from datalab.registry import LabState
from tests.browser.conftest import CHROMIUM
from tests.browser.portal_server import CONTRAST, Portal, Visit
from tests.ten_kinds import LAB, MADE, PNG, SENTENCES

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
PATIENT = 180_000
IDENTIFIERS, SEGMENTS = DatasetKind.IDENTIFIERS, DatasetKind.SEGMENTS


class Offered(NamedTuple):
    """The buttons at the first sentence, the filled one first."""

    buttons: tuple[str, ...]
    repairs: tuple[str, ...] = ()
    """The datasets that are repaired in turn until the lab is Ready and nothing is said of its files."""


REPAIR_IDENTIFIERS = ("Repair Identifiers", "Replace Identifiers")
REPAIR_SEGMENTS = ("Repair Segments", "Replace Segments")
OFFERED = {
    "swapped slots": Offered(("Swap Identifiers and Segments",)),
    "header by other names": Offered(REPAIR_IDENTIFIERS, ("Identifiers", "Segments")),
    "99.9% semicolons": Offered(REPAIR_SEGMENTS, ("Segments",)),
    "upper-case hashes": Offered(REPAIR_IDENTIFIERS, ("Identifiers",)),
    "JSON arrays": Offered(REPAIR_SEGMENTS, ("Segments",)),
    "windows-1252": Offered(REPAIR_SEGMENTS, ("Segments",)),
    "wide identifiers": Offered(REPAIR_IDENTIFIERS, ("Identifiers",)),
    "other userIds": Offered(REPAIR_SEGMENTS[::-1]),
}
REFUSED = {
    "empty": "empty.csv: not stored: the file is empty (0 bytes). Export it again.",
    "PNG": "PNG.csv: not stored: this is a picture, not a dataset.",
}
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


class Kept(NamedTuple):
    """A lab that was validated, and the files that were provisioned to it first."""

    lab: str
    hashes: Mapping[DatasetKind, str]


@pytest.fixture(scope="module")
def labs(portal: Portal) -> Iterator[dict[str, Kept]]:
    """Validate a lab of each kind that is stored at all."""
    made = {}
    for name in SENTENCES:
        lab = portal.service.create_lab(lab_from_dict({**LAB, "name": name})).id
        hashes = {
            kind: portal.service.upload_dataset(io.BytesIO(content), f"{name} {kind.value}.csv").manifest_hash
            for kind, content in MADE[name]().items()
        }
        portal.service.change(lab, hashes)
        portal.service.validate(lab)
        made[name] = Kept(lab, hashes)
    for kept in made.values():
        ended(portal, kept.lab)
    yield made


def ended(portal: Portal, lab: str) -> LabState:
    """Wait until a lab is Ready or Failed."""
    until = time.monotonic() + PATIENT / 1000
    while (state := portal.service.lab(lab).state.state) not in (LabState.READY, LabState.FAILED):
        assert time.monotonic() < until, state
        time.sleep(0.2)
    return state


@pytest.fixture
def visit(browser: Any, portal: Portal, scripts: bool) -> Iterator[Visit]:
    visit = Visit(browser, portal, java_script_enabled=scripts)
    visit.context.set_default_timeout(PATIENT)
    yield visit
    visit.close(expected=("422",))


def test_there_are_ten_kinds() -> None:
    assert {*SENTENCES, *REFUSED} == set(MADE) and len(MADE) == 10 and set(OFFERED) == set(SENTENCES)


@SCRIPTS
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_dataset_is_refused_by_name_with_the_cause(
    visit: Visit, portal: Portal, scripts: bool, name: str, tmp_path: Path
) -> None:
    (file := tmp_path / f"{name}.csv").write_bytes({"empty": b"", "PNG": PNG}[name])
    page = visit.go("/datasets")
    if scripts:
        page.get_by_label("Files", exact=True).set_input_files([file])
        page.get_by_role("button", name="Upload").click()
        page.get_by_text(REFUSED[name].partition(": ")[2].partition(". ")[0]).wait_for()
        assert f"{name}.csv" in page.locator("main").inner_text()
    else:  # the page names the command
        assert "datalab dataset upload" in page.locator("main").inner_text()
        with file.open("rb") as source, pytest.raises(NotADataset) as refused:
            portal.service.upload_dataset(source, file.name)
        assert str(refused.value).startswith(REFUSED[name])


@SCRIPTS
@pytest.mark.parametrize("name", SENTENCES)
def test_the_first_sentence_names_dataset_and_cause(
    visit: Visit, labs: dict[str, Kept], scripts: bool, name: str
) -> None:
    page = visit.go(f"/datalabs/{labs[name].lab}")
    assert first_sentence(page) == SENTENCES[name]
    assert buttons(page) == [*OFFERED[name].buttons, "Validate again"]
    filled = page.locator(".standing-actions .primary")
    assert filled.all_inner_texts() == [OFFERED[name].buttons[0]]
    if scripts:
        assert page.evaluate(CONTRAST) == []
    visit.go("/datalabs")
    row = page.get_by_role("row", name=name)
    assert SENTENCES[name].startswith("Ready") == (row.locator(".state-tag").inner_text() == "Ready")
    assert row.locator("[data-label='Next step'] a").inner_text().startswith(("Fix ", "Swap "))


@pytest.mark.long
@SCRIPTS
@pytest.mark.parametrize("name", [name for name, offered in OFFERED.items() if offered.repairs])
def test_the_repair_that_is_offered_makes_the_lab_ready(
    visit: Visit, portal: Portal, labs: dict[str, Kept], scripts: bool, name: str
) -> None:
    del scripts
    lab, hashes = labs[name]
    portal.service.change(lab, hashes)  # as they were before another test; their result is known
    page = visit.go(f"/datalabs/{lab}")
    assert first_sentence(page) == SENTENCES[name]
    for title in OFFERED[name].repairs:
        page.get_by_role("link", name=f"Repair {title}").click()
        page.get_by_text("corrects the finding").first.wait_for()
        page.get_by_role("button", name="Store a repaired copy").click()
        page.get_by_role("button", name="Replace in this lab").click()
        page.get_by_text("Replaced the original by").wait_for()
        validated(page)
    assert_ready(page, portal, lab)


@pytest.mark.long
@SCRIPTS
def test_swapped_datasets_change_places_in_one_press(
    visit: Visit, portal: Portal, labs: dict[str, Kept], scripts: bool
) -> None:
    del scripts
    lab, hashes = labs["swapped slots"]
    portal.service.change(lab, hashes)
    page = visit.go(f"/datalabs/{lab}")
    page.get_by_role("button", name="Swap Identifiers and Segments").click()
    page.get_by_text("Provisioned Identifiers and Segments").wait_for()
    validated(page)
    assert_ready(page, portal, lab)


def first_sentence(page: Any) -> str:
    return str(page.locator("#title-standing").inner_text())


def buttons(page: Any) -> list[str]:
    """Return the words of the buttons at the first sentence."""
    found: list[str] = page.locator(".standing-actions").locator("a, button").all_inner_texts()
    return found


def validated(page: Any) -> None:
    """Validate the datasets of the lab that is shown, unless their result is known, and wait for it."""
    start = page.get_by_role("button", name="Start validation")
    if start.count():
        start.click()
    page.get_by_role("button", name="Validate again").wait_for()


def assert_ready(page: Any, portal: Portal, lab: str) -> None:
    assert portal.service.lab(lab).state.state is LabState.READY
    assert first_sentence(page) == "Both datasets passed validation."
    assert page.locator(".standing.ready:not(.doubtful)").count() == 1
