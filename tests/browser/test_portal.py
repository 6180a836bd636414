"""The portal in a real browser on a real deployment: from a file to a compared refresh, and what people see of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.registry import LabState
from datalab.registry.accounts import Role
from datalab.sample import write_sample
from tests.browser.conftest import CHROMIUM
from tests.browser.portal_server import CONTRAST, OWNER, Portal, Visit

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium at /usr/bin/chromium (apt-get install it)"),
    pytest.mark.slow,
]
PATIENT = 180_000
PASSWORD = "correct horse battery"
EVIL = "<img src=x onerror=alert(1)>.csv"


@pytest.fixture(scope="module")
def may(tmp_path_factory: pytest.TempPathFactory) -> dict[DatasetKind, Path]:
    """The files of a small lab."""
    return write_sample(tmp_path_factory.mktemp("may"), users=300, seed=1, dirty=0.02).files


@pytest.fixture(scope="module")
def june(may: dict[DatasetKind, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The segments a month later: every user has another segment."""
    rows = may[DatasetKind.SEGMENTS].read_text("utf-8").splitlines()
    users = dict.fromkeys(row.split(",")[0] for row in rows if row.count(",") == 1 and not row.startswith(","))
    path = tmp_path_factory.mktemp("june") / "segments.csv"
    path.write_text("\n".join([*rows, *(f"{user},Summer" for user in users)]) + "\n", "utf-8")
    return path


def upload(page: Any, path: Path, name: str) -> None:
    """Upload a file on the page of the Dataset Portal and wait until it is listed."""
    page.get_by_label("Files", exact=True).set_input_files(path)
    page.get_by_label("Name (optional)").fill(name)
    with page.expect_navigation(timeout=PATIENT):
        page.get_by_role("button", name="Upload").click()
    page.locator("table.datasets").get_by_role("link", name=name, exact=True).wait_for(timeout=PATIENT)


def choose(page: Any, kind: DatasetKind, name: str) -> None:
    """Choose a stored dataset for a slot, in the dialog."""
    page.locator(f"#choose-{kind.value}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="Choose a dataset for").wait_for()
    dialog.get_by_role("radio", name=name).check()
    dialog.get_by_role("button", name="Choose", exact=True).click()
    page.locator(f'tr[data-slot="{kind.value}"] .choose .holds', has_text=name).wait_for()


def validate(page: Any) -> None:
    """Validate the lab that is shown and wait until its page says how it ended."""
    page.get_by_role("button", name="Start validation").click()
    page.get_by_role("heading", name="Validation is running").wait_for()
    page.locator(".state-tag.ready, .state-tag.failed").wait_for(timeout=PATIENT)
    assert page.locator(".state-tag").inner_text() == "Ready", page.locator("main").inner_text()


def test_from_files_to_a_compared_refresh(
    browser: Any, portal: Portal, may: dict[DatasetKind, Path], june: Path
) -> None:
    visit = Visit(browser, portal)
    page = visit.go("/")
    page.get_by_role("heading", name="No Datalab yet").wait_for()
    page.get_by_role("navigation", name="Portal").get_by_role("link", name="Dataset Portal").click()
    for kind in (DatasetKind.IDENTIFIERS, DatasetKind.SEGMENTS):
        upload(page, may[kind], f"{kind.value}-may.csv")
    upload(page, may[DatasetKind.DEMOGRAPHICS], EVIL)

    page.get_by_role("link", name="Datalabs").first.click()
    page.get_by_role("link", name="Create Datalab").first.click()
    page.get_by_label("Embeddings Numeric profiles").wait_for()
    page.locator('input[value="segments"]').uncheck()
    assert "lacking" in (page.locator('[data-asked="segments"]').get_attribute("class") or ""), "asked for at once"
    page.locator('input[value="segments"]').check()
    page.locator('input[value="demographics"]').check()
    page.get_by_role("button", name="Next: identifiers").click()
    page.get_by_role("button", name="Add an identifier").click()
    page.get_by_label("Name of identifier 3").fill("maid")
    page.get_by_label("Type of identifier 3").select_option("MAID")
    page.get_by_label("Identifier 3 is an activation id").check()
    page.get_by_role("button", name="Add an identifier").click()
    page.get_by_label("Name of identifier 4").fill("hashed_phone")
    page.get_by_label("Type of identifier 4").select_option("HASHED_EMAIL")
    page.get_by_label("Identifier 4 is a matching id").check()
    page.get_by_role("button", name="Next: identifiers schema").click()
    page.get_by_role("link", name="Multiple matching IDs cannot have the same type").wait_for()
    page.get_by_label("Type of identifier 4").select_option("HASHED_PHONE_NUMBER")
    page.get_by_role("button", name="Next: identifiers schema").click()
    assert page.get_by_role("radio", name="2 columns").is_disabled()
    page.get_by_role("button", name="Next: name and review").click()
    page.get_by_label("Name of the Datalab").fill("Browser walk")
    page.get_by_role("button", name="Create Datalab").click()

    page.get_by_role("heading", name="Browser walk").wait_for()
    assert page.get_by_role("button", name="Start validation").is_disabled()
    choose(page, DatasetKind.IDENTIFIERS, "identifiers-may.csv")
    page.locator("#choose-segments").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("1–1 of 1").wait_for()  # only what looks like segments
    dialog.get_by_label("Kind").select_option("any")
    dialog.get_by_text("1–3 of 3").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "choose-segments"
    choose(page, DatasetKind.SEGMENTS, "segments-may.csv")
    choose(page, DatasetKind.DEMOGRAPHICS, EVIL)
    page.get_by_role("button", name="Provision", exact=True).click()
    page.get_by_text("Provisioned Identifiers, Segments and Demographics.").wait_for()
    assert page.locator('tr[data-slot="demographics"] .holds').inner_text() == EVIL
    validate(page)
    assert "Users" in page.locator("dl.headline").inner_text()

    page.get_by_role("link", name="Statistics", exact=True).click()
    page.locator("html[data-drawn]").wait_for(state="attached")
    assert page.locator("#chart-segments svg").count() == 1
    page.get_by_role("button", name="Matchable users").click()
    page.get_by_role("button", name="Segments", exact=True).click()
    assert [s.get_attribute("data-dataset") for s in page.locator("section.dataset:visible").all()] == ["segments"]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download JSON").click()
    report = json.loads(Path(download.value.path()).read_text("utf-8"))
    rows = report["basic_statistics"]["segments"]["total_rows"]
    page.get_by_role("link", name="Validation reports").click()
    page.get_by_text("Private.").wait_for()
    page.locator("details.samples summary").first.click()

    page.get_by_role("navigation", name="Portal").get_by_role("link", name="Dataset Portal").click()
    assert page.locator("tr", has_text="segments-may.csv").locator('[data-label="Rows"]').inner_text() == f"{rows:,}"
    upload(page, june, "segments-june.csv")
    page.get_by_role("link", name="Browser walk").first.click()
    page.get_by_role("link", name="Fill all slots").click()
    page.locator('tr[data-slot="segments"] .choose .holds', has_text="segments-june.csv").wait_for()
    page.get_by_role("button", name="Provision", exact=True).click()
    page.get_by_text("The datasets have changed since the last validation.").wait_for()
    page.get_by_role("link", name="its statistics").wait_for()
    validate(page)
    assert "since last time" in page.locator("dl.headline").inner_text()
    page.get_by_role("link", name="History").click()
    page.get_by_role("heading", name="Compared with the previous refresh").wait_for()
    assert page.get_by_text("segments-june.csv, in place of segments-may.csv").is_visible()
    row = (
        page.locator("section[aria-labelledby=title-changes] tr", has_text="Valid rows")
        .filter(has_text="Segments")
        .first
    )
    assert row.locator("td").nth(3).inner_text().startswith("+")
    visit.close(expected=("422",))
    (lab,) = portal.service.labs()
    assert lab.state.state is LabState.READY and len(portal.service.results(lab.id)) == 2


def test_an_upload_that_breaks_off_goes_on_where_it_stopped(browser: Any, portal: Portal, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"user-1234567,segment-12\n" * 1_000_000)
    visit = Visit(browser, portal)
    page = visit.go("/datasets")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    page.route(
        "**/parts/1", lambda route: route.fulfill(status=422, body='{"error": {"message": "The disk is full."}}')
    )
    page.get_by_label("Files", exact=True).set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("The disk is full. What was stored is kept.").wait_for()
    page.unroute("**/parts/1")
    busy = {"status": 503, "headers": {"Retry-After": "1"}, "body": "{}"}
    page.route("**/parts/1", lambda route: route.fulfill(**busy), times=1)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/datalabs")
    page.goto("/datasets")
    page.get_by_role("heading", name="Unfinished uploads").wait_for()
    assert "large.csv" in page.locator("#unfinished").inner_text()
    before = len(sent)
    upload(page, path, "large.csv")
    assert 2 <= len(sent) - before < 4, "only what was not stored is sent, and what is refused once more"
    stored = next(dataset for dataset in portal.service.datasets() if dataset.name == "large.csv")
    assert stored.size == path.stat().st_size
    with portal.service.download_dataset(stored.manifest_hash) as content:
        assert content.read() == path.read_bytes()
    visit.close(expected=("422", "503"))


def test_without_scripts_one_can_provision_and_read(browser: Any, portal: Portal, tmp_path: Path) -> None:
    plain = "".join(f"u{number % 5000},segment {number % 7}\n" for number in range(50_000))
    portal.service.upload_dataset(io.BytesIO(plain.encode()), "plain.csv")
    visit = Visit(browser, portal, java_script_enabled=False)
    page = visit.go("/datasets")
    assert page.get_by_text("datalab dataset upload FILE").is_visible()
    assert not page.get_by_role("button", name="Upload").is_visible()
    lab = portal.service.create_lab(load_lab_of(tmp_path))
    page = visit.go(f"/datalabs/{lab.id}")
    page.locator("#choose-identifiers").click()
    page.get_by_label("Kind").select_option("any")
    page.get_by_label("Search").fill("plain")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("radio", name="plain.csv").check()
    page.get_by_role("button", name="Choose", exact=True).click()
    page.get_by_role("button", name="Provision", exact=True).click()
    page.get_by_text("plain.csv looks like Segments, but you chose it for Identifiers.").wait_for()
    page.get_by_role("button", name="Provision it as it is").click()
    page.get_by_text("Provisioned Identifiers.").wait_for()
    assert portal.service.lab(lab.id).slots[0].dataset_name == "plain.csv"
    visit.close(expected=("409",))


def load_lab_of(folder: Path) -> Any:
    """The definition of a sample lab, with its four datasets."""
    return load_lab(write_sample(folder / "sample", users=20).lab)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_and_can_be_read(browser: Any, portal: Portal, width: int, theme: str) -> None:
    visit = Visit(browser, portal, viewport={"width": width, "height": 800}, color_scheme=theme)
    pages = ["/datalabs", "/datasets", "/datalabs/new", "/login", "/no-such-page"]
    stored = portal.service.datasets()[0].manifest_hash
    pages += [f"/datasets/{stored}", f"/datasets/{stored}/repair"]
    for lab in portal.service.labs():
        pages += [
            f"/datalabs/{lab.id}{tab}"
            for tab in ("", "/choose/segments?kind=any", "/statistics", "/reports", "/history")
        ]
        pages.append(f"/datalabs/{lab.id}/delete")
    for address in pages:
        page = visit.go(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(CONTRAST) == [], address
    visit.close(expected=("404",))


def test_the_keyboard_reaches_everything(browser: Any, portal: Portal) -> None:
    visit = Visit(browser, portal)
    page = visit.go(f"/datalabs/{portal.service.labs()[0].id}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").bounding_box()["height"] > 10, "visible as soon as it has the focus"
    wanted = page.evaluate("[...document.querySelectorAll('main a, main button:enabled, main select')].length")
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "[...document.querySelectorAll('main a, main button, main select')].indexOf(document.activeElement)"
            )
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body")
    assert len(reached - {-1}) == wanted
    visit.close()


def test_a_viewer_sees_no_way_to_reports(browser: Any, portal: Portal) -> None:
    accounts = portal.deployment.registry.accounts
    accounts.add(OWNER, Role.PUBLISHER, password=PASSWORD, by="root@localhost")
    accounts.add("vera@publisher.example", Role.VIEWER, password=PASSWORD, by="root@localhost")
    lab = next(lab for lab in portal.service.labs() if lab.state.state is LabState.READY)
    visit = Visit(browser, portal)
    page = visit.go(f"/datalabs/{lab.id}")
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_label("E-mail address").fill("vera@publisher.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name=lab.name).wait_for()
    assert page.get_by_role("link", name="Validation reports").count() == 0
    assert page.locator("main form").count() == 0
    page = visit.go(f"/datalabs/{lab.id}/reports")
    page.get_by_role("heading", name="This is not for your role").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    visit.close(expected=("403",))
