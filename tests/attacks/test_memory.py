"""Nothing that a file or a definition says decides how much memory is used (docs/security.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.attacks.hostile import (
    LIMIT,
    MIB,
    Measured,
    Text,
    measured,
    write_gzip,
    write_text,
    write_utf_16,
    write_zip,
)

pytestmark = pytest.mark.attack

GIB = 1 << 30
ROWS: Text = [(b"u1,s1\nu2,s2\nu3,s3\n", 1)]
ONE_LINE: Text = [*ROWS, (b"a" * MIB, 1024)]
OPEN_QUOTE: Text = [*ROWS, (b'"', 1), (b"u4,s4\n" * (MIB // 6), 1024)]
EMPTY_LINES: Text = [*ROWS, (b"\n" * MIB, 700)]
BLANK_LINES: Text = [*ROWS, (b"  \t\n" * (MIB // 4), 300)]


def with_returns(text: Text) -> Text:
    return [(piece.replace(b"\n", b"\r"), times) for piece, times in text]


def zstd(path: Path, text: Text) -> Path:
    return write_zip(path, text, zstd=True)


def returns(path: Path, text: Text) -> Path:
    return write_text(path, with_returns(text))


WAYS: list[Callable[[Path, Text], Path]] = [write_text, write_zip, zstd, write_gzip, write_utf_16, returns]


def check(path: Path, *more: str | Path, dataset: str = "segments") -> Measured:
    found = measured("check", dataset, path, "--json", *more)
    assert found.peak < LIMIT, f"{found.peak >> 20} MiB: {found.err}"
    return found


def message(found: Measured, code: str, tmp_path: Path) -> str:
    """The message of the only error of a report on the whole file."""
    assert found.code == 1, found.err
    report = json.loads((tmp_path / "report.json").read_text())["report"]
    assert report["outcome"] == "FAILED"
    [error] = report["schema"]["recordedErrors"]
    assert (error["code"], error["row"]) == (code, 0)
    return str(error["message"])


@pytest.mark.parametrize("text", [ONE_LINE, OPEN_QUOTE], ids=["one line", "open quote"])
@pytest.mark.parametrize("write", WAYS)
def test_a_record_without_end_fails_the_file(write: Callable[[Path, Text], Path], text: Text, tmp_path: Path) -> None:
    path = write(tmp_path / "input", text)
    found = check(path, "--report", tmp_path / "report.json", "--valid-rows", tmp_path / "valid.parquet")
    assert message(found, "RECORD_TOO_LONG", tmp_path) == (
        "Record 3 is longer than 16 MiB. Most often a quote is never closed; look near row 3."
    )
    assert pq.read_metadata(tmp_path / "valid.parquet").num_rows == 0


def test_the_end_of_21_gigabytes_is_not_waited_for(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "input", [(b"a" * MIB, 20 * 1024)])
    assert path.stat().st_size < 32 * MIB
    found = check(path, "--report", tmp_path / "report.json")
    assert "Record 0 is longer" in message(found, "RECORD_TOO_LONG", tmp_path)


@pytest.mark.parametrize("text", [EMPTY_LINES, BLANK_LINES], ids=["empty", "white space"])
@pytest.mark.parametrize("write", WAYS)
def test_blank_lines_at_the_end_are_no_rows(write: Callable[[Path, Text], Path], text: Text, tmp_path: Path) -> None:
    found = check(write(tmp_path / "input", text))
    assert (found.code, found.json["rows"]) == (0, 3), found.err
