"""`datalab dataset list` and `datalab lab list`: the filters, the order and the pages of the portal and the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from datalab_dagster.service import LabState, OtherLabInfo
from tests.cli.conftest import Datalab
from tests.fakes import MemoryService
from tests.labs import wire_lab

SEGMENT_ROWS = "".join(f"usr{number // 3}x,{('sport', 'food', 'cars')[number % 3]}\n" for number in range(90))


@pytest.fixture
def stored(service: MemoryService, datalab: Datalab, tmp_path: Path) -> list[str]:
    """25 datasets, of which the first and the last look like Segments, and the last is the largest."""
    for number in range(25):
        path = tmp_path / f"file-{number:02}.csv"
        path.write_text(SEGMENT_ROWS * (number // 12 + 1) if number in (0, 24) else f"u{number}\n")
        assert datalab("dataset", "upload", path.name).code == 0
    return [f"file-{number:02}.csv" for number in range(25)]


def names(shown: str) -> list[str]:
    return [word for line in shown.splitlines() for word in line.split() if word.startswith("file-")]


def test_datasets_are_shown_by_page_the_newest_first(datalab: Datalab, stored: list[str]) -> None:
    first = datalab("dataset", "list").out
    assert names(first) == stored[:4:-1] and first.rstrip().endswith("1–20 of 25 datasets. Next: --page 2.")
    second = datalab("dataset", "list", "--page", "2").out
    assert names(second) == stored[4::-1] and second.rstrip().endswith("21–25 of 25 datasets.")
    assert names(datalab("dataset", "list", "--size", "2", "--page", "3", "--sort", "name").out) == stored[4:6]
    beyond = datalab("dataset", "list", "--page", "9").out
    assert names(beyond) == [] and "No dataset is shown: 25 datasets found." in beyond
    assert "Next" not in datalab("dataset", "list", "--size", "25").out


def test_datasets_are_filtered_and_sorted(datalab: Datalab, service: MemoryService, stored: list[str]) -> None:
    shown = datalab("dataset", "list", "--kind", "segments", "--sort", "-size").out
    assert names(shown) == [stored[24], stored[0]] and "2 datasets (of 25 in all)." in shown and "Segments" in shown
    assert names(datalab("dataset", "list", "--text", " FILE-1 ", "--sort", "name").out) == stored[10:20]
    some = service.datasets()[7].manifest_hash
    assert names(datalab("dataset", "list", "--text", some[:20]).out) == [stored[7]]
    assert names(datalab("dataset", "list", "--use", "used").out) == []
    assert len(datalab("dataset", "list", "--use", "unused", "--json").json) == 25


def test_used_datasets_name_their_labs_once(datalab: Datalab, service: MemoryService, full_lab: object) -> None:
    shown = datalab("dataset", "list", "--use", "used").out
    assert shown.count("Spring") == 2
    assert (
        datalab("dataset", "list", "--use", "unused").out.strip()
        == "No dataset is shown: 0 datasets found (of 2 in all)."
    )


def test_machines_get_all_entries_unless_they_ask_for_a_page(datalab: Datalab, stored: list[str]) -> None:
    def listed(*options: str) -> list[str]:
        return [one["name"] for one in datalab("dataset", "list", "--json", *options).json]

    assert listed() == stored[::-1] and listed("--sort", "name") == stored
    assert listed("--page", "2") == stored[4::-1] and listed("--size", "3", "--sort", "name") == stored[:3]
    assert listed("--text", "file-2") == stored[:19:-1]


@pytest.mark.parametrize("options", [["--sort", "colour"], ["--page", "0"], ["--size", "101"], ["--kind", "users"]])
def test_what_a_list_cannot_do_is_refused(datalab: Datalab, options: list[str]) -> None:
    assert datalab("dataset", "list", *options).code == 2
    assert datalab("lab", "list", *options).code == 2


@pytest.fixture
def labs(service: MemoryService, datalab: Datalab, full_lab: object, tmp_path: Path) -> list[str]:
    """The lab with both of its datasets, and 24 empty ones."""
    import json

    for number in range(24):
        (tmp_path / "more.json").write_text(json.dumps(wire_lab(name=f"Lab {number:02}")))
        assert datalab("lab", "create", "more.json").code == 0
    return [lab.id for lab in service.labs()]


def ids(shown: str) -> list[str]:
    return [word for line in shown.splitlines() for word in line.split()[:1] if word.startswith("lab-")]


def test_labs_are_shown_by_page_filtered_and_sorted(datalab: Datalab, service: MemoryService, labs: list[str]) -> None:
    first = datalab("lab", "list").out
    assert ids(first) == labs[:4:-1] and "1–20 of 25 labs. Next: --page 2." in first
    assert ids(datalab("lab", "list", "--page", "2").out) == labs[4::-1]
    assert ids(datalab("lab", "list", "--state", "Stale").out) == labs[:1]
    assert ids(datalab("lab", "list", "--state", "Empty", "--size", "2", "--sort", "created").out) == labs[1:3]
    assert ids(datalab("lab", "list", "--text", "lab 2", "--sort", "-name").out) == labs[24:20:-1]
    assert [one["id"] for one in datalab("lab", "list", "--json").json] == labs[::-1]
    assert [one["id"] for one in datalab("lab", "list", "--json", "--size", "2").json] == labs[:-3:-1]


def test_other_labs_have_the_same_pages(datalab: Datalab, service: MemoryService) -> None:
    assert "datalab lab create" in datalab("lab", "list").out
    service.others = [
        OtherLabInfo(
            id=f"other-{n}", name=f"Other {n}", state=LabState.EMPTY, title="Empty", owners=["o@other.example"]
        )
        for n in range(3)
    ]
    shown = datalab("lab", "list", "--size", "2").out
    assert "other-0" in shown and "other-2" not in shown and "1–2 of 3 other labs. Next: --page 2." in shown
    assert "datalab lab create" not in shown
    assert "other-2" in datalab("lab", "list", "--text", "other 2").out
