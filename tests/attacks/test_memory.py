"""Nothing that a file or a definition says decides how much memory is used (docs/security.md#what-a-file-may-cost).

What needs hundreds of megabytes is `long`. The same rules with small limits are tested where they are made:
`test_long_records.py`, `test_blank.py` and `test_containers.py` of `tests/unit/ingest/`,
`tests/unit/validation/test_key_spool.py`, `tests/unit/test_lab_limits.py`, `tests/service/test_stored_labs.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from datalab.ingest.limits import RECORD_BYTES
from tests.attacks.hostile import (
    MIB,
    Checker,
    Text,
    write_gzip,
    write_returns,
    write_text,
    write_utf_16,
    write_zip,
    write_zstd,
)
from tests.commands import datalab_here

pytestmark = pytest.mark.attack

Write = Callable[[Path, Text], Path]
ROWS: Text = [(b"u1,s1\nu2,s2\nu3,s3\n", 1)]
ONE_LINE: Text = [*ROWS, (b"a" * MIB, 1024)]
OPEN_QUOTE: Text = [*ROWS, (b'"', 1), (b"u4,s4\n" * (MIB // 6), 1024)]
EMPTY_LINES: Text = [*ROWS, (b"\n" * MIB, 700)]
BLANK_LINES: Text = [*ROWS, (b"  \t\n" * (MIB // 4), 300)]
TOO_LONG = "Record 3 is longer than 16 MiB. Most often a quote is never closed; look near row 3."
WAYS: list[Write] = [write_text, write_zip, write_zstd, write_gzip, write_utf_16, write_returns]
LONG_VALUE = b"v" * (RECORD_BYTES - 100)


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker() as checker:
        yield checker


def test_a_command_says_that_a_record_is_too_long(tmp_path: Path) -> None:
    path = write_text(tmp_path / "input", [*ROWS, (b'"', 1), (b"u4,s4\n" * (MIB // 6), 17)])
    ended = datalab_here("check", "segments", path, "--report", tmp_path / "report.json")
    assert ended.code == 1, "not 3: another attempt would end in the same way"
    assert (
        TOO_LONG in json.loads((tmp_path / "report.json").read_text())["report"]["schema"]["recordedErrors"][0].values()
    )
    assert TOO_LONG in " ".join(ended.out.split())


@pytest.mark.long
@pytest.mark.parametrize("text", [ONE_LINE, OPEN_QUOTE], ids=["one line", "open quote"])
@pytest.mark.parametrize("write", WAYS)
def test_a_record_without_end_fails_the_file(checker: Checker, write: Write, text: Text, tmp_path: Path) -> None:
    assert checker.check(write(tmp_path / "input", text)).only_error == ("RECORD_TOO_LONG", 0, TOO_LONG)


@pytest.mark.long
def test_the_end_of_21_gigabytes_is_not_waited_for(checker: Checker, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "input", [(b"a" * MIB, 20 * 1024)])
    assert path.stat().st_size < 32 * MIB
    found = checker.check(path)
    assert found.only_error[0] == "RECORD_TOO_LONG" and found.seconds < 10


@pytest.mark.long
@pytest.mark.parametrize(
    ("write", "text"),
    [
        *(pytest.param(write, EMPTY_LINES, id=f"{write.__name__}-empty") for write in WAYS),
        *(pytest.param(write, BLANK_LINES, id=f"{write.__name__}-white space") for write in WAYS[:-1]),
    ],
)
def test_blank_lines_at_the_end_are_no_rows(checker: Checker, write: Write, text: Text, tmp_path: Path) -> None:
    found = checker.check(write(tmp_path / "input", text))
    assert (found.report["outcome"], found.report["numRowsTotal"], found.rows) == ("PASSED", 3, 3)


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "total", "valid"),
    [
        pytest.param([(b"u1,%b\n" % LONG_VALUE, 20)], 20, 1, id="long values"),
        pytest.param([(b'u1,"%b"\n' % (b'""' * (RECORD_BYTES // 2 - 100)), 8)], 8, 1, id="quotes"),
        pytest.param([(b'u1,a""%b\n' % LONG_VALUE[:-20], 8)], 8, 1, id="quotes inside"),
        pytest.param([(b"," * (RECORD_BYTES - 100) + b"\n", 10)], 10, 0, id="commas"),
        pytest.param([(b"a\n" * MIB, 50)], 50 * MIB, 0, id="short rows"),
        pytest.param([(b"u1,s1\n" * MIB, 12)], 12 * MIB, 1, id="identical rows"),
        pytest.param([(b"u1,s1\r", 1), (b"  \t\r" * MIB, 10)], 10 * MIB + 1, 1, id="white space before CR is a row"),
    ],
)
def test_what_is_within_the_limits_is_read(
    checker: Checker, text: Text, total: int, valid: int, tmp_path: Path
) -> None:
    found = checker.check(write_zip(tmp_path / "input", text))
    assert (found.report["numRowsTotal"], found.rows) == (total, valid)


@pytest.mark.long
def test_the_widest_rows_are_read(checker: Checker, tmp_path: Path) -> None:
    path = write_text(tmp_path / "input", [(b"u1,a%b\n" % (b",0.25" * 10_000), 1500)])
    found = checker.check(path, "embeddings", requireEmbeddings=True, numEmbeddings=10_000)
    assert (found.report["numRowsTotal"], found.rows) == (1500, 1)
