"""`datalab sample` replaces its own files only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.commands import datalab_here

SMALL = ("--users", "20")


def test_files_of_a_publisher_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "identifiers.csv").write_text("mine")
    ended = datalab_here("sample", tmp_path, *SMALL)
    assert ended.code == 2
    assert "identifiers.csv exists and was not made by `datalab sample`; choose another folder" in ended.err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"identifiers.csv": "mine"}


def test_a_definition_of_a_publisher_is_no_marker(tmp_path: Path) -> None:
    (tmp_path / "LAB.json").write_text('{"name": "My lab"}')
    (tmp_path / "segments.csv").symlink_to(tmp_path / "elsewhere.csv")
    ended = datalab_here("sample", tmp_path, *SMALL)
    assert ended.code == 2
    assert "LAB.json, segments.csv exist and were not made by `datalab sample`" in ended.err


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    assert datalab_here("sample", tmp_path, *SMALL).code == 0
    before = (tmp_path / "identifiers.csv").read_bytes()
    (tmp_path / "segments.csv").unlink()
    assert datalab_here("sample", tmp_path, "--users", "30").code == 0
    assert (tmp_path / "identifiers.csv").read_bytes() != before
    assert (tmp_path / "segments.csv").exists()


@pytest.mark.parametrize("age", [0, 10**17], ids=["written now", "moved there, and older than the sample"])
def test_a_file_that_took_the_place_of_a_sample_is_not_replaced(tmp_path: Path, age: int) -> None:
    datalab_here("sample", tmp_path, *SMALL)
    own = tmp_path / "demographics.csv"
    own.write_text("mine")
    if age:
        os.utime(own, ns=(age, age))
    ended = datalab_here("sample", tmp_path, *SMALL)
    assert ended.code == 2 and own.read_text() == "mine"
    assert "demographics.csv exists" in ended.err and "identifiers" not in ended.err


def test_force_replaces_all(tmp_path: Path) -> None:
    (tmp_path / "identifiers.csv").write_text("mine")
    assert datalab_here("sample", tmp_path, *SMALL, "--force").code == 0
    assert (tmp_path / "identifiers.csv").read_text() != "mine"
