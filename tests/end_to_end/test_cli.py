"""The `datalab` command as people run it: what it prints, writes and returns."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datalab.kinds import DatasetKind
from tests.commands import COMMAND, Ended, datalab, datalab_here, end_of, environment, patched_datalab
from tests.labs import MATCHED_USER_ID, wire_lab

KINDS = [kind.value for kind in DatasetKind]
HEAVY = ["pandas", "pyarrow", "dagster", "duckdb", "pandera", "pydantic", "numpy", "yaml", "rich", "chardetng_py"]
NO_PROGRESS = "import math; from datalab_dagster.terminal import checks; checks._SECONDS_BETWEEN_LINES = math.inf"
"""Leaves out the lines that a check prints every five seconds while it runs."""
ONE_COLUMN = json.dumps(wire_lab(MATCHED_USER_ID, numIdentifiersColumns=1))


def file_options(folder: Path, kinds: list[str] = KINDS) -> list[str | Path]:
    return [part for kind in kinds for part in (f"--{kind}", folder / f"{kind}.csv")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dirty lab."""
    folder = tmp_path_factory.mktemp("lab")
    ended = datalab("sample", folder, "--users", "400", "--seed", "3", "--dirty", "0.05")
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in folder.iterdir()) == ["LAB.json", *sorted(f"{kind}.csv" for kind in KINDS)]
    return folder


@pytest.fixture(scope="module")
def preflight(lab: Path) -> Ended:
    words = ("preflight", lab / "LAB.json", *file_options(lab), "--out", lab / "out")
    return end_of(patched_datalab(NO_PROGRESS, *words, cwd=lab.parent))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A lab of one-column identifiers."""
    (tmp_path / "LAB.json").write_text(ONE_COLUMN)
    (tmp_path / "identifiers.csv").write_text("u1\nu2\nu1\n")
    return tmp_path


class TestHelp:
    def test_answers_as_fast_as_an_interpreter_starts(self) -> None:
        def seconds(start: Callable[[], object]) -> float:
            started = time.perf_counter()
            start()
            return time.perf_counter() - started

        bare = [sys.executable, "-c", "import click"]
        pairs = [
            (seconds(lambda: subprocess.run(bare, check=True)), seconds(lambda: datalab("--help"))) for _ in range(5)
        ]
        assert min(ours for _, ours in pairs) < 3 * min(theirs for theirs, _ in pairs), pairs

    def test_imports_nothing_heavy(self) -> None:
        code = f"import sys, datalab_dagster.cli; print([name for name in {HEAVY} if name in sys.modules])"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ended.stdout.strip() == "[]"

    @pytest.mark.parametrize("command", ["preflight", "check", "sample"])
    def test_names_every_command(self, command: str) -> None:
        assert command in datalab("--help").out
        assert "Usage: datalab" in datalab(command, "--help").out


class TestPreflight:
    def test_a_dirty_lab_whose_invalid_rows_are_dropped_passes(self, preflight: Ended) -> None:
        assert (preflight.code, preflight.err) == (0, "")
        assert "PASSED" in preflight.out and "FAILED" not in preflight.out

    def test_says_per_dataset_rows_invalid_reasons_and_where_the_report_lies(self, lab: Path, preflight: Ended) -> None:
        for kind in KINDS:
            report = lab / "out" / kind / "validation-report.json"
            inner = json.loads(report.read_bytes())["report"]
            [row] = [line.split() for line in preflight.out.splitlines() if line.strip().startswith(f"{kind} ")]
            invalid = sum(inner["numInvalidRowsByErrorCode"].values())
            assert row[1] == f"{inner['numRowsTotal']:,}" and row[-1] == inner["outcome"] == "PASSED"
            assert 0 < int(row[3].replace(",", "")) <= invalid
            assert str(report) in preflight.out
            assert all(code in preflight.out for code in inner["numInvalidRowsByErrorCode"])

    def test_writes_the_status_and_four_reports_that_only_their_owner_may_read(
        self, lab: Path, preflight: Ended
    ) -> None:
        assert preflight.code == 0
        out = lab / "out"
        private = sorted(path.relative_to(out).as_posix() for path in out.rglob("validation-report.json"))
        assert private == sorted(f"{kind}/validation-report.json" for kind in KINDS)
        assert not [path for path in private if (out / path).stat().st_mode & 0o077]
        assert (out / "validation-status.json").is_file()
        for name, counts in json.loads((out / "matchable-users.json").read_bytes()).items():
            assert 0 < counts["users_with_own_id"] < counts["matchable_users"], "some households share an id"
            assert f"Matchable by {name}: {counts['matchable_users']:,} users; " in preflight.out
        assert not list(out.rglob("*.parquet"))
        assert not list((lab / "out").glob(".*"))

    def test_the_status_counts_what_the_reports_count(self, lab: Path, preflight: Ended) -> None:
        assert preflight.code == 0
        status = json.loads((lab / "out" / "validation-status.json").read_bytes())
        assert status["status"] == "SUCCESS" and list(status["datasets"]) == KINDS
        for kind in KINDS:
            inner = json.loads((lab / "out" / kind / "validation-report.json").read_bytes())["report"]
            dataset = status["datasets"][kind]
            assert dataset["valid_rows"] + dataset["invalid_rows"] == inner["numRowsTotal"]
            assert dataset["invalid_rows"] == inner.get(
                "numInvalidRowsTotal", inner.get("invalidRows", {}).get("totalInvalidRows")
            )

    def test_only_plain_lines_when_it_is_not_a_terminal(self, preflight: Ended) -> None:
        assert "\x1b" not in preflight.out + preflight.err
        assert "\r" not in preflight.out + preflight.err

    def test_machines_get_json_and_nothing_else(self, lab: Path, tmp_path: Path) -> None:
        ended = datalab_here("preflight", lab / "LAB.json", *file_options(lab), "--out", tmp_path / "out", "--json")
        assert (ended.code, ended.err) == (0, "")
        assert ended.json["status"] == "SUCCESS" and list(ended.json["datasets"]) == KINDS
        for dataset in ended.json["datasets"].values():
            assert dataset["validRows"] + dataset["invalidRows"] == dataset["rows"]
            assert (
                json.loads(Path(dataset["report"]).read_bytes())["report"]["outcome"] == dataset["outcome"] == "PASSED"
            )
        codes = {hint["code"] for hint in ended.json["datasets"]["identifiers"]["hints"]}
        assert codes and all(
            set(h) == {"code", "rows", "message"} for h in ended.json["datasets"]["identifiers"]["hints"]
        )

    def test_a_lab_that_keeps_invalid_rows_fails_on_the_same_files(self, lab: Path, tmp_path: Path) -> None:
        keeping = tmp_path / "lab.yaml"
        keeping.write_text(json.dumps({**json.loads((lab / "LAB.json").read_bytes()), "dropInvalidRows": False}))
        ended = datalab_here("preflight", keeping, *file_options(lab), "--out", tmp_path / "out", "--json")
        assert ended.code == 1
        assert ended.json["status"] == "FAILED"
        assert {kind: dataset["outcome"] for kind, dataset in ended.json["datasets"].items()} == {
            "identifiers": "PASSED",
            "segments": "FAILED",
            "demographics": "FAILED",
            "embeddings": "FAILED",
        }

    def test_a_binary_file_fails_its_dataset_and_says_why(self, small: Path) -> None:
        (small / "identifiers.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
        ended = datalab("preflight", small / "LAB.json", *file_options(small, KINDS[:1]), "--out", small / "out")
        assert ended.code == 1
        assert "image/png" in ended.out and "FAILED" in ended.out
        report = json.loads((small / "out" / "identifiers" / "validation-report.json").read_bytes())
        assert report["report"]["outcome"] == "FAILED"

    def test_a_file_of_a_dataset_that_the_definition_does_not_mention_turns_it_on(self, small: Path) -> None:
        (small / "segments.csv").write_text("u1,s\n")
        ended = datalab(
            "preflight", small / "LAB.json", *file_options(small, KINDS[:2]), "--out", small / "o", "--json"
        )
        found = {kind: dataset["outcome"] for kind, dataset in ended.json["datasets"].items()}
        assert found == {"identifiers": "PASSED", "segments": "PASSED"}


class TestWrongUsage:
    """Exit code 2, one message, nothing written."""

    def run(self, small: Path, *arguments: str | Path) -> str:
        ended = datalab_here(*arguments, cwd=small)
        assert (ended.code, ended.out) == (2, "")
        assert "Traceback" not in ended.err
        assert not (small / "out").exists()
        return ended.err

    def test_a_missing_file(self, small: Path) -> None:
        said = self.run(small, "preflight", "LAB.json", "--identifiers", "none.csv", "--out", "out")
        assert "does not exist" in said and "none.csv" in said

    def test_a_missing_definition(self, small: Path) -> None:
        said = self.run(small, "preflight", "none.json", "--identifiers", "identifiers.csv", "--out", "out")
        assert "does not exist" in said and "none.json" in said

    def test_a_wrong_option_names_the_near_one(self, small: Path) -> None:
        said = self.run(small, "preflight", "LAB.json", "--identifier", "identifiers.csv", "--out", "out")
        assert "--identifiers" in said

    def test_is_exit_code_2_of_the_process_too(self, small: Path) -> None:
        assert datalab("preflight", "LAB.json", "--nothing", cwd=small).code == 2

    def test_a_missing_option(self, small: Path) -> None:
        assert "--out" in self.run(small, "preflight", "LAB.json", "--identifiers", "identifiers.csv")

    def test_a_wrong_definition_lists_all_its_mistakes(self, small: Path) -> None:
        wrong = {"identifiersConfig": [{"idName": "userid", "idType": "STRNG"}], "requireSegment": True}
        (small / "LAB.json").write_text(json.dumps(wrong))
        said = self.run(small, "preflight", "LAB.json", "--identifiers", "identifiers.csv", "--out", "out")
        assert "LAB.json has 4 errors; nothing was done." in said
        for part in ("did you mean 'STRING'", "did you mean 'requireSegments'", "must be a matching ID", "'userId'"):
            assert part in said

    def test_a_file_that_the_definition_needs(self, small: Path) -> None:
        (small / "LAB.json").write_text(json.dumps({**json.loads(ONE_COLUMN), "requireSegments": True}))
        said = self.run(small, "preflight", "LAB.json", "--identifiers", "identifiers.csv", "--out", "out")
        assert "--segments" in said and "requireSegments" in said

    def test_a_file_that_the_definition_rules_out(self, small: Path) -> None:
        (small / "LAB.json").write_text(json.dumps({**json.loads(ONE_COLUMN), "requireSegments": False}))
        (small / "segments.csv").write_text("u1,s\n")
        options = file_options(small, KINDS[:2])
        assert "requireSegments" in self.run(small, "preflight", "LAB.json", *options, "--out", "out")

    def test_embeddings_without_their_number(self, small: Path) -> None:
        (small / "embeddings.csv").write_text("u1,s,1\n")
        options = file_options(small, ["identifiers", "embeddings"])
        assert "numEmbeddings" in self.run(small, "preflight", "LAB.json", *options, "--out", "out")
        assert "--lab" in self.run(small, "check", "embeddings", "embeddings.csv")
        assert "numEmbeddings" in self.run(small, "check", "embeddings", "embeddings.csv", "--lab", "LAB.json")

    def test_an_unknown_dataset_or_command_names_the_near_one(self, small: Path) -> None:
        assert "did you mean 'segments'?" in self.run(small, "check", "segment", "identifiers.csv")
        assert "preflight" in self.run(small, "preflght")

    def test_identifiers_without_a_definition_that_do_not_look_like_it(self, small: Path) -> None:
        (small / "identifiers.csv").write_text("u1;sport\nu2;food\n")
        assert "--lab" in self.run(small, "check", "identifiers", "identifiers.csv")


class TestCheck:
    def test_one_file_with_its_report_and_valid_rows(self, small: Path) -> None:
        report, rows = small / "new" / "report.json", small / "new" / "valid.parquet"
        options = ["--lab", small / "LAB.json", "--report", report, "--valid-rows", rows]
        words = ("check", "identifiers", small / "identifiers.csv", *options)
        ended = end_of(patched_datalab(NO_PROGRESS, *words, cwd=small))
        assert (ended.code, ended.err) == (0, "")
        assert "DUPLICATE_VALUES" in ended.out and str(report) in ended.out
        assert json.loads(report.read_bytes())["report"]["numValidRows"] == 2
        assert pq.read_table(rows).to_pydict() == {
            "user_id": ["u1", "u2"],
            "id_name": ["userId", "userId"],
            "id": ["u1", "u2"],
        }
        assert sorted(path.name for path in (small / "new").iterdir()) == ["report.json", "valid.parquet"]

    def test_segments_need_no_definition(self, tmp_path: Path) -> None:
        (tmp_path / "s.csv").write_text("user_id;segment\nu;s\n")
        ended = datalab_here("check", "segments", "s.csv", "--json", cwd=tmp_path)
        assert (ended.code, ended.err) == (0, "")
        assert (ended.json["rows"], ended.json["validRows"], ended.json["report"]) == (2, 0, None)
        assert [hint["code"] for hint in ended.json["hints"]] == ["POSSIBLE_WRONG_SEPARATOR", "POSSIBLE_HEADER_ROW"]
        assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]

    def test_a_failed_file_is_exit_code_1_and_its_valid_rows_are_none(self, tmp_path: Path) -> None:
        (tmp_path / "s.csv").write_text('{"a": 1}')
        (tmp_path / "v.parquet").write_text("before")
        ended = datalab_here("check", "segments", "s.csv", "--valid-rows", "v.parquet", cwd=tmp_path)
        assert ended.code == 1
        assert "application/json" in ended.out
        assert pq.read_table(tmp_path / "v.parquet").num_rows == 0


def test_a_terminal_gets_a_bar_that_leaves_nothing_behind(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    import os

    (tmp_path / "s.csv").write_text("u,s\n")
    ours, theirs = pty.openpty()
    ended = subprocess.run(
        [COMMAND, "check", "segments", "s.csv", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM="xterm"),
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert ended.returncode == 0 and json.loads(ended.stdout)["rows"] == 1
    assert "segments" in shown and "\x1b[?25h" in shown  # the cursor is back
