"""What statistics, pages and terminal show of names: the cases that say so, and further files of the same kinds."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.results.files import DASHBOARD, STATISTICS, VALIDATION_STATUS
from tests.cases.test_cases import HERE, cases, files
from tests.commands import Ended, datalab_here

WITH_TEXTS = [name for name, case in cases().items() if case["command"] == "preflight" and "files" in case]
LAB = HERE / "15-quote-swallows-rows" / "LAB.json"
IDENTIFIERS = HERE / "15-quote-swallows-rows" / "identifiers.csv"
USERS = [f"usr{n}x" for n in range(1000, 1060)]
ROWS = [(user, f"segment {n % 12}") for n, user in enumerate(USERS)]


def preflight(out: Path, lab: Path, *options: str | Path) -> tuple[Ended, dict[str, str]]:
    """Return the ended command, and what the result files and both commands that print a result show."""
    ended = datalab_here("preflight", lab, *options, "--out", out)
    shown = {
        name: (out / name).read_text("utf-8") for name in (STATISTICS.name, VALIDATION_STATUS.name, DASHBOARD.name)
    }
    printed = datalab_here("report", out)
    assert printed.code == 0, printed.err
    return ended, {**shown, "terminal": ended.out + ended.err + printed.out + printed.err}


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", [name for name in WITH_TEXTS if {"must_show", "must_not_show"} & set(cases()[name])])
def test_a_case_shows_what_it_must_and_hides_what_it_must_not(name: str, version: str, tmp_path: Path) -> None:
    case: dict[str, Any] = cases()[name]
    options = [word for kind, path in files(name, case).items() for word in (f"--{kind.value}", path)]
    ended, shown = preflight(tmp_path, HERE / name / "LAB.json", *options, "--statistics-version", version)
    assert ended.code == case["exit"]
    for file, texts in case.get("must_not_show", {}).items():
        assert [text for text in texts if text in shown[file]] == []
    for file, texts in case.get("must_show", {}).items():
        assert [text for text in texts if text not in shown[file]] == []
    status = json.loads(shown[VALIDATION_STATUS.name])["statistics"]
    is_withheld = [error["code"] for error in status["data_errors"]].count("NAMES_WITHHELD")
    assert is_withheld == ("must_not_show" in case) and ("withheld-1" in shown[STATISTICS.name]) == bool(is_withheld)


def csv(rows: list[tuple[str, ...]]) -> bytes:
    return "".join(",".join(row) + "\n" for row in rows).encode()


def swallowed() -> bytes:
    return csv(ROWS[:20]) + b'usr1001x,"Sports\n' + csv(ROWS[20:])


def parquet(rows: list[tuple[str, str]]) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table({"user_id": [row[0] for row in rows], "segment": [row[1] for row in rows]}), written)
    return written.getvalue()


def in_zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("part-1.csv", swallowed())
        archive.writestr("part-2.csv", csv([(user, "more") for user in USERS]))
    return packed.getvalue()


SWALLOWING = {
    "open to the end": swallowed(),
    "closed inside a later row": csv(ROWS[:20])
    + b'usr1001x,"Sports\n'
    + csv(ROWS[20:40])
    + b'usr1001x,5" tv\n'
    + csv(ROWS[40:]),
    "closed by the next name in quotes": csv(ROWS[:20])
    + b'usr1001x,"Sports\n'
    + csv(ROWS[20:40])
    + b'usr1001x,"Tea"\n',
    "CRLF": swallowed().replace(b"\n", b"\r\n"),
    "in UTF-16": swallowed().decode().encode("utf-16"),
    "a member of a zip": in_zip(),
    "Parquet": parquet([*ROWS, ("usr1001x", "Sports\nusr1002x,food\nusr1003x,tea")]),
}


@pytest.mark.parametrize("what", SWALLOWING)
def test_no_user_id_is_shown_of_rows_that_became_a_name(what: str, tmp_path: Path) -> None:
    segments = tmp_path / "segments.csv"
    segments.write_bytes(SWALLOWING[what])
    ended, shown = preflight(tmp_path / "out", LAB, "--identifiers", IDENTIFIERS, "--segments", segments)
    assert ended.code == 1
    for file, text in shown.items():
        assert [user for user in USERS if user in text] == [], file
        assert "withheld-1" in text or file == VALIDATION_STATUS.name
    assert "1 name in Segments holds ids of users or is one, and is not shown." in shown["terminal"]


def test_no_id_is_shown_of_swapped_columns(tmp_path: Path) -> None:
    segments = tmp_path / "segments.csv"
    segments.write_bytes(csv([(segment, user) for user, segment in ROWS]))
    ended, shown = preflight(tmp_path / "out", LAB, "--identifiers", IDENTIFIERS, "--segments", segments)
    assert ended.code == 1
    for file, text in shown.items():
        assert [user for user in USERS if user in text] == [], file
    assert "withheld-60" in shown[STATISTICS.name]
    assert shown["terminal"].count("no: ") == 0 and shown["terminal"].count("No: Segments has a data error") == 3


@pytest.mark.parametrize(
    "more",
    [
        b'usr1001x,"Sports, outdoor\nusr, climbing"\n',
        b'usr1001x,"a ""quoted"" name\nwith, commas"\n',
        b'usr1001x,5" tv\nusr1002x,7" tv\n',
        b'usr1001x,"closed"badly\n',
    ],
)
def test_right_names_are_shown_and_the_lab_is_ready(more: bytes, tmp_path: Path) -> None:
    segments = tmp_path / "segments.csv"
    segments.write_bytes(csv(ROWS) + more)
    ended, shown = preflight(tmp_path / "out", LAB, "--identifiers", IDENTIFIERS, "--segments", segments)
    assert ended.code == 0, ended.out
    assert "Yes, 60 users with segments" in ended.out and "No: " not in ended.out
    assert "withheld" not in shown[STATISTICS.name]


def test_nothing_is_written_for_sharing_where_names_cannot_be_compared_with_all_user_ids(tmp_path: Path) -> None:
    lab, segments, people = tmp_path / "LAB.json", tmp_path / "segments.csv", tmp_path / "demographics.csv"
    lab.write_text(json.dumps({**json.loads(LAB.read_text()), "requireDemographics": True}))
    segments.write_bytes(csv(ROWS) + b'usr1001x,"Sports, outdoor\nHiking, climbing"\n')
    people.write_text("usr1001x;18-24;f\n")
    command = ("preflight", lab, "--identifiers", IDENTIFIERS, "--segments", segments, "--demographics", people)
    refused = datalab_here(*command, "--out", tmp_path / "shared", "--for-sharing")
    assert refused.code not in (0, 1) and "1 name of segments with line breaks" in refused.err
    assert not list((tmp_path / "shared").rglob("*.*"))
    own = datalab_here(*command, "--out", tmp_path / "own")
    assert own.code == 1 and "Hiking" in (tmp_path / "own" / STATISTICS.name).read_text()
    people.write_text("usr1001x,18-24,f\n")
    assert datalab_here(*command, "--out", tmp_path / "shared", "--for-sharing").code == 0
