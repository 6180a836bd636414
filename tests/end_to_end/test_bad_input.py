"""Whatever is wrong with a file, a disk or the moment: a clear message, an exit code, and nothing half-written."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datalab.errors import InputChanged
from datalab.kinds import DatasetKind
from datalab.validation.stream import validate
from datalab_dagster.graph.preflight import preflight
from tests.commands import Ended, datalab, datalab_here, end_of, patched_datalab
from tests.labs import MATCHED_USER_ID, Checked, make_lab, wire_lab

NOBODY = 65534
ROWS = "".join(f"user-{row},segment-{row % 7}\n" for row in range(60_000))

SLOW = """
import os, time
from datalab.ingest.text import TextMember
from datalab.validation import check
TextMember.chunks.__defaults__ = (4096,)
failures = check.failures
def slow(*arguments):
    os.write(1, b"checking\\n")  # in one piece: two threads check at the same time
    time.sleep(0.2)
    return failures(*arguments)
check.failures = slow
"""
"""Says when the first rows are checked, and takes very long for all of them."""

GROWING = """
from datalab.validation import check
failures = check.failures
def growing(*arguments):
    with open("segments.csv", "a") as file:
        file.write("late,row\\\\n")
    return failures(*arguments)
check.failures = growing
""".replace("\\\\n", "\\n")
"""Lets the file grow while its rows are checked."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lab with one-column identifiers and segments, and the results of an earlier run."""
    (tmp_path / "LAB.json").write_text(json.dumps(wire_lab(MATCHED_USER_ID, numIdentifiersColumns=1)))
    (tmp_path / "identifiers.csv").write_text("u1\n")
    (tmp_path / "segments.csv").write_text(ROWS)
    (tmp_path / "valid.parquet").write_text("before")
    (tmp_path / "report.json").write_text("before")
    (tmp_path / "out" / "segments").mkdir(parents=True)
    (tmp_path / "out" / "segments" / "validation-report.json").write_text("before")
    (tmp_path / "out" / "validation-status.json").write_text("before")
    return tmp_path


CHECK = ["check", "segments", "segments.csv", "--report", "report.json", "--valid-rows", "valid.parquet"]
PREFLIGHT = ["preflight", "LAB.json", "--identifiers", "identifiers.csv", "--segments", "segments.csv", "--out", "out"]
BOTH = pytest.mark.parametrize("arguments", [CHECK, PREFLIGHT], ids=["check", "preflight"])


@contextmanager
def as_anybody() -> Iterator[None]:
    """Without the rights of root, for whom every file is readable."""
    user = os.geteuid()
    if user != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_nothing_happened(before: dict[str, bytes], folder: Path, ended: Ended, code: int) -> None:
    after = contents(folder)
    assert ended.code == code, ended.err
    assert ended.out.replace("checking\n", "") == ""
    assert "Traceback" not in ended.err and "user-" not in ended.err
    assert {name: after[name] for name in before if name != "segments.csv"} == {
        name: content for name, content in before.items() if name != "segments.csv"
    }
    assert set(after) == set(before)
    assert not list(folder.rglob(".*"))


class TestInputs:
    """What a file can be; each is a report, exit code 1, and no valid rows."""

    @pytest.mark.parametrize(
        ("content", "code", "said"),
        [
            (gzip.compress(ROWS.encode())[:-20], "GZIP_DECODE_ERROR", "truncated"),
            (gzip.compress(os.urandom(1 << 20).hex().encode() + b"\n")[:-8], "GZIP_DECODE_ERROR", "truncated"),
            (b"\x01\x02\x03" * 99, "INVALID_FILE_TYPE", "binary content"),
            (b"PK\x03\x04 and then nothing", "ZIP_DECODE_ERROR", "zip archive"),
            (b"PAR1 and nothing more PAR1", "PARQUET_READ_ERROR", "Parquet"),
            (b'{"user_id": "u1", "segment": "s"}', "INVALID_FILE_TYPE", "application/json"),
        ],
        ids=["truncated gzip", "gzip truncated late", "binary", "zip", "parquet", "json"],
    )
    def test_a_file_that_is_no_data(
        self, content: bytes, code: str, said: str, check: Callable[..., Checked], tmp_path: Path
    ) -> None:
        checked = check("segments", content)
        [error] = checked.report["schema"]["recordedErrors"]
        assert (checked.report["outcome"], error["code"], checked.report["numRowsTotal"]) == ("FAILED", code, 0)
        assert said in error["message"]
        assert checked.rows == [["user_id", "segment"]]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["input", "invalid.parquet", "valid.parquet"]

    def test_a_truncated_gzip_through_the_command(self, folder: Path) -> None:
        (folder / "segments.csv").write_bytes(gzip.compress(ROWS.encode())[:-20])
        ended = datalab_here(*CHECK, cwd=folder)
        assert (ended.code, ended.err) == (1, "")
        assert "GZIP_DECODE_ERROR" in ended.out
        assert json.loads((folder / "report.json").read_bytes())["report"]["outcome"] == "FAILED"
        assert pq.read_table(folder / "valid.parquet").num_rows == 0

    def test_a_directory(self, folder: Path) -> None:
        ended = datalab_here("check", "segments", "out", cwd=folder)
        assert ended.code == 1
        assert "FILE_TYPE_DETECTION_FAILED" in ended.out

    def test_a_file_that_only_its_owner_may_read(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            Path(place).chmod(0o755)
            path = Path(place, "segments.csv")
            path.write_text("u,s\n")
            assert validate(path, DatasetKind.SEGMENTS, make_lab()).facts.rows == 1
            path.chmod(0o000)
            with as_anybody():
                outcome = validate(path, DatasetKind.SEGMENTS, make_lab()).report.report
        [error] = outcome.schema_.recorded_errors
        assert (outcome.outcome, error.code) == ("FAILED", "FILE_TYPE_DETECTION_FAILED")
        assert "Permission denied" in error.message

    def test_an_empty_file_passes_but_a_lab_without_a_valid_segment_does_not(self, folder: Path) -> None:
        (folder / "segments.csv").write_bytes(b"")
        ended = datalab_here(*PREFLIGHT, "--json", cwd=folder)
        assert ended.code == 1
        assert ended.json["datasets"]["segments"]["outcome"] == "PASSED"
        status = json.loads((folder / "out" / "validation-status.json").read_bytes())
        assert status["datasets"]["segments"]["errors"][0]["code"] == "EMPTY_DATASET"

    @BOTH
    def test_a_missing_file(self, arguments: list[str], folder: Path) -> None:
        (folder / "segments.csv").unlink()
        before = contents(folder)
        ended = datalab_here(*arguments, cwd=folder)
        assert_nothing_happened(before, folder, ended, code=2)
        assert "does not exist: " in ended.err and "segments.csv" in ended.err

    def test_the_wrong_dataset(self, check: Callable[..., Checked]) -> None:
        """Segments given as demographics: every row is too narrow, and the report says so."""
        report = check("demographics", "u1,s\nu2,s\n").report
        assert report["numInvalidRowsByErrorCode"] == {"NOT_ENOUGH_COLUMNS_PROVIDED": 2}


class TestChanges:
    """A file that changes while it is read: exit code 3, nothing written."""

    def test_a_growing_file(self, folder: Path) -> None:
        before = contents(folder)
        ended = end_of(patched_datalab(GROWING, *PREFLIGHT, cwd=folder))
        assert_nothing_happened(before, folder, ended, code=3)
        assert "changed while it was being checked" in ended.err

    @pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced", "disappears", "is rewritten"])
    def test_every_change_is_noticed(self, change: str, tmp_path: Path) -> None:
        path, rows = tmp_path / "segments.csv", tmp_path / "valid.parquet"
        path.write_text(ROWS)
        rows.write_text("before")

        def happen(*_: int) -> None:
            if change == "grows":
                path.write_text(ROWS + "u,s\n")
            elif change == "shrinks":
                os.truncate(path, 1000)
            elif change == "is rewritten":
                path.write_text(ROWS[::-1])
            elif change == "disappears":
                path.unlink(missing_ok=True)
            else:
                (tmp_path / "new").write_text(ROWS)
                (tmp_path / "new").replace(path)

        with pytest.raises(InputChanged, match="run again"):
            validate(path, DatasetKind.SEGMENTS, make_lab(), valid_rows=rows, progress=happen)
        assert rows.read_text() == "before"
        assert {path.name for path in tmp_path.iterdir()} <= {"segments.csv", "valid.parquet"}

    def test_a_gzip_that_is_still_being_written_has_changed_and_is_not_called_damaged(self, tmp_path: Path) -> None:
        path = tmp_path / "segments.csv.gz"
        whole = gzip.compress("".join(f"{os.urandom(16).hex()},s\n" for _ in range(90_000)).encode(), 1)
        path.write_bytes(whole[: len(whole) * 9 // 10])

        def grow(*_: int) -> None:
            path.write_bytes(whole)

        from datalab.ingest.text import TextMember

        with pytest.MonkeyPatch.context() as patch, pytest.raises(InputChanged):
            patch.setattr(TextMember.chunks, "__defaults__", (1 << 18,))
            validate(path, DatasetKind.SEGMENTS, make_lab(), progress=grow)

    def test_a_change_is_noticed_through_the_graph(self, folder: Path) -> None:
        class Growing:
            def update(self, kind: DatasetKind, rows: int, bytes_read: int, size: int) -> None:
                if kind is DatasetKind.SEGMENTS:
                    (folder / "segments.csv").write_text("u,s\n")

        before = contents(folder)
        lab = make_lab(MATCHED_USER_ID, numIdentifiersColumns=1)
        files = {kind: folder / f"{kind}.csv" for kind in (DatasetKind.IDENTIFIERS, DatasetKind.SEGMENTS)}
        with pytest.raises(InputChanged):
            preflight(lab, files, folder / "out", Growing())
        assert {**contents(folder), "segments.csv": b""} == {**before, "segments.csv": b""}


class TestDisks:
    """No room for a result: exit code 3, what was there before stays."""

    @BOTH
    def test_no_file_may_grow_as_large_as_needed(self, arguments: list[str], folder: Path) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))

        before = contents(folder)
        ended = datalab(*arguments, cwd=folder, preexec_fn=limit)
        assert_nothing_happened(before, folder, ended, code=3)
        assert "cannot be written" in ended.err and "File too large" in ended.err

    @BOTH
    def test_a_full_disk(self, arguments: list[str], folder: Path, tiny_disk: Path) -> None:
        for name, content in contents(folder).items():
            if name != "segments.csv":
                (tiny_disk / name).parent.mkdir(parents=True, exist_ok=True)
                (tiny_disk / name).write_bytes(content)
        before = contents(tiny_disk)
        there = [str(folder / part) if part == "segments.csv" else part for part in arguments]
        ended = datalab_here(*there, cwd=tiny_disk)
        assert_nothing_happened(before, tiny_disk, ended, code=3)
        assert "cannot be written" in ended.err and "No space left on device" in ended.err

    def test_a_report_that_cannot_be_written(self, folder: Path) -> None:
        ended = datalab_here("check", "segments", "segments.csv", "--report", "LAB.json/report.json", cwd=folder)
        assert ended.code == 3
        assert "cannot be written" in ended.err and "Traceback" not in ended.err

    def test_an_output_that_is_a_file(self, folder: Path) -> None:
        ended = datalab_here(*PREFLIGHT[:-1], "identifiers.csv", cwd=folder)
        assert ended.code == 3
        assert "cannot be written" in ended.err and "Traceback" not in ended.err
        assert (folder / "identifiers.csv").read_text() == "u1\n"


@pytest.mark.parametrize("option", ["--report", "--valid-rows"])
def test_a_result_never_replaces_the_input(option: str, folder: Path) -> None:
    ended = datalab_here(
        "check", "segments", "segments.csv", option, folder / "out" / ".." / "segments.csv", cwd=folder
    )
    assert (folder / "segments.csv").read_text() == ROWS
    assert ended.code == 2


@pytest.fixture
def tiny_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 200 KiB."""
    place = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk can be mounted only by root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


class TestInterruption:
    """Ctrl-C and a kind kill: nothing written, no scratch left."""

    @pytest.mark.parametrize("arguments", [CHECK, PREFLIGHT], ids=["check", "preflight"])
    def test_ctrl_c(self, arguments: list[str], folder: Path) -> None:
        before = contents(folder)
        process = patched_datalab(SLOW, *arguments, cwd=folder)
        assert process.stdout and process.stdout.readline() == "checking\n"
        process.send_signal(signal.SIGINT)
        ended = end_of(process)
        assert_nothing_happened(before, folder, ended, code=130)
        assert ended.err.strip() == "Interrupted: nothing was written."

    def test_what_a_killed_run_left_is_swept_by_the_next(self, folder: Path) -> None:
        process = patched_datalab(SLOW, *CHECK, cwd=folder)
        assert process.stdout and process.stdout.readline() == "checking\n"
        process.kill()
        end_of(process)
        assert (folder / "valid.parquet").read_text() == "before"
        assert list(folder.glob(".datalab-scratch-*"))
        with suppress(FileNotFoundError):
            (folder / "valid.parquet").unlink()
        assert datalab_here(*CHECK, cwd=folder).code == 0
        assert not list(folder.glob(".*"))


class TestTheMemoryOfTheEngine:
    def test_a_text_that_is_no_size_is_refused_before_anything_is_read(self, folder: Path) -> None:
        before = contents(folder)
        ended = datalab_here(*PREFLIGHT, "--memory", "lots", cwd=folder)
        assert_nothing_happened(before, folder, ended, code=2)
        assert "'lots' is not a size of memory; write a number and a unit" in ended.err

    def test_too_little_of_it_fails_and_says_what_to_give(self, folder: Path) -> None:
        ended = datalab_here(*PREFLIGHT, "--memory", "1MiB", cwd=folder)
        assert ended.code != 0 and "--memory" in ended.err
        assert datalab_here(*PREFLIGHT, "--memory", "200MiB", cwd=folder).code in (0, 1)
