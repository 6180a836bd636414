"""Which files are parts of one export, and which are versions."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.connectors.parts import FileGroup, groups_of, is_data, key_of, shown
from datalab.connectors.protocol import Entry

UUID = "04f5a9e4-0c5e-4f0e-9d1a-6b7c8d9e0f10"
TOGETHER = [
    ["part-0000.csv", "part-0001.csv"],
    ["part-00000", "part-00010"],
    ["part-r-00000.gz", "part-r-00001.gz"],
    [f"part-00000-{UUID}-c000.snappy.parquet", f"part-00001-{UUID}-c000.snappy.parquet"],
    [f"part-00000-{UUID}-c000.csv", f"part-00000-{UUID}-c001.csv"],
    [f"part-00000-tid-214-{UUID}-12-1-c000.csv", f"part-00001-tid-214-{UUID}-13-1-c000.csv"],
    ["segments-part-00000.csv", "segments-part-00001.csv"],
    ["data_0_0_0.csv.gz", "data_0_1_0.csv.gz", "data_1_0_0.csv.gz"],
    [f"data_{UUID}_0_0_0.parquet", f"data_{UUID}_0_2_0.parquet"],
    ["0000_part_00", "0000_part_01", "0001_part_00"],
    ["segments_202611260000_part_00.parquet", "segments_202611260001_part_00.parquet"],
    ["segments-00000-of-00010.csv", "segments-00009-of-00010.csv"],
    ["segments000000000000.csv.gz", "segments000000000001.csv.gz"],
    ["segments-000000000000", "segments-000000000012"],
]
APART = [
    ["segments-1.csv", "segments-2.csv"],
    ["segments-2026-11-26.csv", "segments-2026-11-27.csv"],
    ["part-2026-11-26.csv", "part-2026-11-27.csv"],
    ["part-20261126.csv", "part-20261127.csv"],
    ["data_2026_11_26.csv", "data_2026_11_27.csv"],
    ["segments-202611260100.csv", "segments-202611270100.csv"],
    ["part-0000.csv", "part-0001.csv.gz"],
    [f"part-00000-{UUID}-c000.csv", f"part-00001-{UUID.replace('0', '1')}-c000.csv"],
    ["segments-00000-of-00010.csv", "segments-00001-of-00011.csv"],
    ["spart-0000.csv", "spart-0001.csv"],
    ["part-*.csv", "part-0000.csv"],
    ["a/part-0000.csv", "b/part-0001.csv"],
]


def entry(name: str, *, size: int | None = 3, modified: float = 0.0) -> Entry:
    return Entry(f"file:///drop/{name}", size, "1", datetime.fromtimestamp(modified, UTC))


def names(groups: list[FileGroup]) -> list[list[str]]:
    return [[one.url.removeprefix("file:///drop/") for one in group.entries] for group in groups]


@pytest.mark.parametrize("files", TOGETHER, ids=lambda files: files[0])
def test_parts_are_one_group_in_the_order_of_their_names(files: list[str]) -> None:
    listed = [entry(name) for name in files]
    random.Random(1).shuffle(listed)
    assert names(groups_of(listed)) == [sorted(files)]


@pytest.mark.parametrize("files", APART, ids=lambda files: files[0])
def test_versions_are_groups_of_their_own(files: list[str]) -> None:
    assert sorted(names(groups_of(map(entry, files)))) == sorted([name] for name in files)


@pytest.mark.parametrize("name", ["_SUCCESS", ".part-0000.csv.crc", "part-0000.csv.crc", ".~lock.a.csv#", "a.csv.lock"])
def test_what_is_never_data(name: str) -> None:
    assert not is_data(name) and groups_of([entry(name)]) == []


def test_missing_parts_are_counted() -> None:
    def missing(*numbers: int, total: int = 3) -> int:
        (group,) = groups_of(entry(f"s-{number:05}-of-{total:05}.csv") for number in numbers)
        return group.missing

    assert [missing(0, 1, 2), missing(1, 2, 3), missing(0, 2), missing(1, 2), missing(2)] == [0, 0, 1, 1, 2]
    assert missing(0, 1, 3) == 1  # the last one is none of three
    assert missing(0, total=0) == 1 and missing(0, total=10**12) == 10**12 - 1
    (group,) = groups_of([entry("part-0000.csv"), entry("part-0002.csv")])
    assert group.missing == 0  # nothing says how many there are


def test_a_group_is_named_after_the_files_that_have_content() -> None:
    (group,) = groups_of([entry("part-0.csv", size=0), entry("part-1.csv"), entry("part-2.csv", size=None)])
    assert (group.name, group.title) == ("part-1.csv and 1 more.zip", "part-*.csv (3 parts)")
    (group,) = groups_of([entry("part-0.csv", size=0), entry("part-1.csv")])
    assert group.name == "part-1.csv"
    (group,) = groups_of([entry("a\nb.csv")])
    assert group.title == "a\\nb.csv" and shown("a\udcff.csv") == "a\\xff.csv"


def test_the_fingerprint_of_one_part_is_that_of_its_file_and_of_parts_changes_with_each() -> None:
    (one,) = groups_of([entry("part-0.csv")])
    assert one.fingerprint == entry("part-0.csv").fingerprint
    (two,) = groups_of([entry("part-0.csv"), entry("part-1.csv")])
    (changed,) = groups_of([entry("part-0.csv"), entry("part-1.csv", size=4)])
    assert len({one.fingerprint, two.fingerprint, changed.fingerprint}) == 3


NAMES = st.one_of(
    st.sampled_from([name for files in TOGETHER + APART for name in files if "/" not in name]),
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20),
    st.from_regex(r"[a-z]{0,3}[-_.]?(part-|data_)?[0-9_-]{1,12}(-of-[0-9]{1,5})?(\.csv|\.gz)?", fullmatch=True),
)


@given(st.lists(NAMES, unique=True, max_size=12), st.randoms())
def test_every_file_that_may_be_data_is_in_exactly_one_group(files: list[str], order: random.Random) -> None:
    groups = groups_of(map(entry, files))
    found = [one.name for group in groups for one in group.entries]
    assert sorted(found) == sorted(filter(is_data, files))
    shuffled = order.sample(files, len(files))
    assert groups_of(map(entry, shuffled)) == groups
    for group in groups:
        assert [one.url for one in group.entries] == sorted(one.url for one in group.entries)


@given(NAMES, NAMES)
def test_files_belong_together_only_if_they_are_equal_without_digits(one: str, other: str) -> None:
    if one != other and key_of(one) == key_of(other):
        assert "".join(filter(_no_digit, one)) == "".join(filter(_no_digit, other))


def _no_digit(character: str) -> bool:
    return character not in "0123456789"


@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=20, unique=True), st.sampled_from(["{}", "x-{}-y.csv"]))
def test_numbers_of_parts_never_divide_a_group(numbers: list[int], template: str) -> None:
    listed = [entry(template.format(f"part-{number:05}")) for number in numbers]
    (group,) = groups_of(listed)
    assert len(group.entries) == len(numbers)
    assert [one.name for one in group.entries] == [template.format(f"part-{number:05}") for number in sorted(numbers)]
