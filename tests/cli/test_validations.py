"""`datalab validate`, `status`, `results`, `runs`, `run`: what people see while a lab is validated, and afterwards."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datalab.registry.errors import DatabaseUnreachable
from datalab_dagster.service import LabInfo, RunInfo
from tests.cli.conftest import Datalab
from tests.fakes import STEPS, MemoryService

ROOT = Path(__file__).parents[1]
CASE = ROOT / "conformance" / "statistics" / "p03-three-columns-everything" / "expected"
FILES: dict[str, Any] = {
    "statistics.json": json.loads((CASE / "statistics.json").read_bytes()),
    "validation-status.json": json.loads((CASE / "validation-status.json").read_bytes()),
}
SUMMARY = {"identifiers.valid_rows": 1234567, "segments.valid_rows": 20, "segments.distinct_segments": 7}


def ends_soon(verdict: str = "SUCCESS") -> Callable[[MemoryService], None]:
    """A run makes a step at every look, and ends after the last."""

    def look(service: MemoryService) -> None:
        for run in service._runs.values():
            if run.is_complete:
                continue
            if any(step.state == "PENDING" for step in run.steps):
                service.end_step(run.run_id)
            else:
                service.end_run(run.run_id, verdict, FILES, SUMMARY)  # type: ignore[arg-type]

    return look


@pytest.fixture
def run(service: MemoryService, full_lab: LabInfo) -> RunInfo:
    """A run that is active."""
    return service.validate(full_lab.id)


class TestValidate:
    def test_starts_a_run_and_returns_at_once(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo
    ) -> None:
        ended = datalab("validate", full_lab.id)
        [run] = service.runs(full_lab.id)
        assert ended.code == 0 and run.run_id[:12] in ended.out and not run.is_complete

    @pytest.mark.parametrize(("verdict", "code"), [("SUCCESS", 0), ("FAILED", 1)])
    def test_waiting_tells_steps_verdict_numbers_and_exit_code(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, verdict: str, code: int
    ) -> None:
        service.before_poll = ends_soon(verdict)
        ended = datalab("validate", full_lab.id, "--wait")
        assert ended.code == code
        assert [line.split()[0] for line in ended.err.splitlines() if " done in " in line] == list(STEPS)
        assert verdict in ended.out and "1,234,567" in ended.out
        assert ("Ready" if code == 0 else "Failed") in ended.out

    def test_machines_get_json_and_nothing_else(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo
    ) -> None:
        service.before_poll = ends_soon()
        ended = datalab("validate", full_lab.id, "--wait", "--json")
        assert (ended.code, ended.err) == (0, "")
        assert ended.json["run"]["state"] == "FINISHED" and ended.json["result"]["status"] == "SUCCESS"

    @pytest.mark.parametrize(("verdict", "code"), [("SUCCESS", 0), ("FAILED", 1)])
    def test_a_run_that_breaks_off_after_its_verdict_says_why_and_the_verdict_decides(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo, verdict: str, code: int
    ) -> None:
        service.end_run(run.run_id, verdict, FILES, SUMMARY)  # type: ignore[arg-type]
        service.before_poll = lambda service: service.break_run(run.run_id, "the dashboard could not be drawn")
        service._runs[run.run_id] = run
        ended = datalab("validate", full_lab.id, "--wait")
        assert ended.code == code and verdict in ended.out and "the dashboard could not be drawn" in ended.out

    def test_a_run_that_breaks_off_says_why(self, service: MemoryService, datalab: Datalab, full_lab: LabInfo) -> None:
        service.before_poll = lambda service: (
            [service.break_run(run.run_id, "the disk is full") for run in service.runs(full_lab.id)] and None
        )
        ended = datalab("validate", full_lab.id, "--wait")
        assert ended.code == 1 and "the disk is full" in ended.out

    def test_a_run_whose_data_are_replaced_gives_no_verdict(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, files: Path
    ) -> None:
        def replaced(service: MemoryService) -> None:
            service.before_poll = ends_soon()
            datalab("provision", full_lab.id, "--segments", "segments.csv")

        service.before_poll = replaced
        ended = datalab("validate", full_lab.id, "--wait")
        assert ended.code == 4 and "stopped" in ended.out and "Out of date" in ended.out

    def test_what_was_validated_is_only_done_again_when_asked(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo
    ) -> None:
        service.end_run(run.run_id)
        assert datalab("validate", full_lab.id, "--wait").code == 0
        assert "Nothing to do: these datasets were validated" in datalab("validate", full_lab.id).out
        assert len(service.runs(full_lab.id)) == 1
        assert datalab("validate", full_lab.id, "--again").code == 0
        assert len(service.runs(full_lab.id)) == 2

    def test_an_incomplete_lab_names_what_is_missing(self, datalab: Datalab, lab: LabInfo) -> None:
        ended = datalab("validate", lab.id)
        assert ended.code == 2 and "identifiers and segments are not provisioned" in ended.err

    def test_ctrl_c_says_that_the_validation_goes_on(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo
    ) -> None:
        def interrupt(service: MemoryService) -> None:
            raise KeyboardInterrupt

        service.before_poll = interrupt
        ended = datalab("validate", full_lab.id, "--wait")
        assert ended.code == 130 and "the validation is still running" in ended.err
        assert not service.runs(full_lab.id)[0].is_complete

    def test_a_database_that_comes_back_is_waited_for(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo
    ) -> None:
        away = iter([True, True, True])

        def look(service: MemoryService) -> None:
            if next(away, False):
                raise DatabaseUnreachable("here", lost=True)
            ends_soon()(service)

        service.before_poll = look
        assert datalab("validate", full_lab.id, "--wait").code == 0
        assert not list(away)

    def test_a_database_that_stays_away_ends_the_wait_with_its_own_error(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def look(service: MemoryService) -> None:
            raise DatabaseUnreachable("here", lost=True)

        service.before_poll = look
        monkeypatch.setattr("datalab_dagster.terminal.waiting.PATIENCE_SECONDS", 0.1)
        ended = datalab("validate", full_lab.id, "--wait")
        assert ended.code == 3 and str(DatabaseUnreachable("here", lost=True)) in ended.err


class TestStatus:
    def test_a_lab_that_is_being_validated(self, datalab: Datalab, full_lab: LabInfo, run: RunInfo) -> None:
        ended = datalab("status", full_lab.id)
        assert ended.code == 4
        assert "Validating" in ended.out and "Wait (`datalab status" in ended.out
        assert run.run_id[:12] in ended.out and all(step in ended.out for step in STEPS)
        assert "identifiers.csv" in ended.out

    @pytest.mark.parametrize(("verdict", "code"), [("SUCCESS", 0), ("FAILED", 1)])
    def test_a_lab_with_a_verdict(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo, verdict: Any, code: int
    ) -> None:
        service.end_run(run.run_id, verdict, FILES, SUMMARY)
        ended = datalab("status", "Spring")
        assert ended.code == code and "1,234,567" in ended.out
        plain = datalab("status", "Spring", "--json")
        assert plain.code == code and plain.json["run"]["state"] == "FINISHED" and plain.json["id"] == full_lab.id

    def test_an_empty_lab_is_undecided(self, datalab: Datalab, lab: LabInfo) -> None:
        ended = datalab("status", lab.id)
        assert ended.code == 4 and "Empty" in ended.out and "not provisioned" in ended.out

    def test_without_a_lab_all_are_listed(self, datalab: Datalab, lab: LabInfo, full_lab: LabInfo) -> None:
        assert datalab("status").code == 0
        assert [listed["id"] for listed in datalab("status", "--json").json] == [lab.id]
        assert datalab("status", "--watch").code == 2

    def test_the_list_says_why_a_lab_is_not_ready(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo
    ) -> None:
        status = json.loads(json.dumps(FILES["validation-status.json"]))
        status["status"] = status["datasets"]["segments"]["status"] = "FAILED"
        errors = [{"code": "NO_USER_ID_OVERLAP", "message": "segments: 0 of 19007 users are in identifiers"}]
        status["statistics"] = {"status": "FAILED", "data_errors": errors}
        service.end_run(run.run_id, "FAILED", {"validation-status.json": status})
        shown = " ".join(datalab("status").out.split())
        assert "Spring: Not ready: none of the 19,007 users in Segments is in Identifiers." in shown

    def test_watching_tells_every_change_once_and_ends_with_the_verdict(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo
    ) -> None:
        service.before_poll = ends_soon()
        ended = datalab("status", full_lab.id, "--watch")
        assert ended.code == 0
        states = [line.split(":")[0] for line in ended.out.splitlines() if line.startswith(("Validating", "Ready"))]
        assert states == ["Validating", "Ready", "Ready"]  # the last one heads the whole status
        assert [line.split()[0] for line in ended.err.splitlines()] == list(STEPS)

    def test_a_run_that_ends_between_two_polls_is_shown_with_all_its_steps(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo
    ) -> None:
        looks = iter(range(100))

        def ends_at_once(service: MemoryService) -> None:
            if next(looks) == 2:
                for _ in STEPS:
                    service.end_step(run.run_id)
                service.end_run(run.run_id, "SUCCESS", FILES, SUMMARY)

        service.before_poll = ends_at_once
        assert [line.split()[0] for line in datalab("status", full_lab.id, "--watch").err.splitlines()] == list(STEPS)
        assert datalab("status", full_lab.id, "--watch").err == "", "what ended before is not told again"

    def test_watching_as_json_is_a_line_per_change(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo
    ) -> None:
        service.before_poll = ends_soon("FAILED")
        ended = datalab("status", full_lab.id, "--watch", "--json")
        states = [json.loads(line)["state"]["state"] for line in ended.out.splitlines()]
        assert (ended.code, ended.err, states) == (1, "", ["Validating", "Failed"])


class TestResults:
    @pytest.fixture
    def finished(self, service: MemoryService, run: RunInfo) -> RunInfo:
        service.end_run(run.run_id, "SUCCESS", FILES, SUMMARY)
        return run

    def test_shows_verdict_findings_numbers_and_history(
        self, datalab: Datalab, full_lab: LabInfo, finished: RunInfo
    ) -> None:
        ended = datalab("results", full_lab.id)
        assert ended.code == 0
        for part in ("SUCCESS", "1,234,567", "statistics.json", finished.run_id[:12], "current"):
            assert part in ended.out

    def test_a_failed_lab_says_what_is_wrong(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo
    ) -> None:
        failed = json.loads(json.dumps(FILES["validation-status.json"]))
        failed["status"] = failed["datasets"]["segments"]["status"] = "FAILED"
        failed["datasets"]["segments"]["errors"] = [{"code": "NO_VALID_ROWS", "message": "No row of segments is valid"}]
        fell = {
            "changes": [],
            "warnings": [
                {"code": "HEADLINE_DROP", "message": "segments.valid_rows: from 9 to 0, -100.0% (limit -20.0%)"}
            ],
        }
        service.end_run(run.run_id, "FAILED", {"validation-status.json": failed, "comparison.json": fell})
        shown = datalab("results", full_lab.id).out
        assert "segments: NO_VALID_ROWS: No row of segments is valid" in shown
        assert "HEADLINE_DROP: Valid rows (Segments) fell from 9 to 0 (−100.0%)." in shown

    def test_writes_the_files_of_aggregates_and_reports_only_when_asked(
        self, datalab: Datalab, full_lab: LabInfo, finished: RunInfo, tmp_path: Path
    ) -> None:
        assert datalab("results", full_lab.id, "--out", "out").code == 0
        written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.json")}
        assert written == {"statistics.json", "validation-status.json"}
        assert json.loads((tmp_path / "out" / "statistics.json").read_bytes()) == FILES["statistics.json"]
        assert datalab("results", full_lab.id, "--out", "out", "--reports", "--run", finished.run_id[:8]).code == 0
        report = tmp_path / "out" / "segments" / "validation-report.json"
        assert json.loads(report.read_bytes())["of"] == "segments" and stat.S_IMODE(report.stat().st_mode) == 0o600
        assert not list((tmp_path / "out").rglob(".*"))

    def test_reports_need_a_place(self, datalab: Datalab, full_lab: LabInfo) -> None:
        assert "--out" in datalab("results", full_lab.id, "--reports").err

    def test_a_lab_without_result_says_what_to_do(self, datalab: Datalab, full_lab: LabInfo) -> None:
        ended = datalab("results", full_lab.id)
        assert ended.code == 0 and "no result yet" in ended.out
        assert datalab("results", full_lab.id, "--run", "0badcafe").code == 2

    def test_two_results_are_compared(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, finished: RunInfo
    ) -> None:
        fewer = json.loads(json.dumps(FILES))
        basic = fewer["statistics.json"]["basic_statistics"]["identifiers"]
        before, basic["valid_rows"] = basic["valid_rows"], 1
        again = service.validate(full_lab.id, again=True)
        service.end_run(again.run_id, "SUCCESS", fewer)
        ended = datalab("results", full_lab.id, "--compare", finished.run_id[:8], again.run_id[:8])
        assert ended.code == 0
        [row] = [line.split() for line in ended.out.splitlines() if line.split()[:1] == ["identifiers.valid_rows"]]
        assert row[1:3] == [f"{before:,}", "1"]
        assert "HEADLINE_DROP" in ended.out
        same = datalab("results", full_lab.id, "--compare", again.run_id, again.run_id)
        assert "Nothing changed" in same.out

    def test_report_prints_the_panels_of_the_current_result(
        self, datalab: Datalab, full_lab: LabInfo, finished: RunInfo
    ) -> None:
        ended = datalab("report", "Spring")
        assert ended.code == 0 and "Identifiers overview" in ended.out
        assert ended.out == datalab("report", CASE).out


class TestRuns:
    def test_are_listed_shown_and_cancelled_by_the_beginning_of_their_id(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, run: RunInfo
    ) -> None:
        assert run.run_id[:12] in datalab("runs", "Spring").out and "Validation" in datalab("runs", "Spring").out
        service.add_assets(run.run_id, ["segments_per_user"])
        assert "Segments-per-user counts" in datalab("runs", "Spring").out
        assert "Segments-per-user counts, running" in datalab("run", "show", run.run_id[:8]).out
        assert all(step in datalab("run", "show", run.run_id[:8]).out for step in STEPS)
        assert datalab("run", "cancel", run.run_id[:8], "--yes").code == 0
        assert service.run(run.run_id).state.value == "CANCELLED"
        [listed] = datalab("runs", full_lab.id, "--json").json
        assert listed["state"] == "CANCELLED" and listed["reason"] == "cancelled by hand"

    def test_an_unknown_run(self, datalab: Datalab, run: RunInfo) -> None:
        assert datalab("run", "show", "0badcafe").code == 2
        assert datalab("run", "show", "0").code == 2


def test_a_login_without_a_name_is_asked_to_say_who(
    datalab: Datalab, lab: LabInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_name() -> str:
        raise KeyError("uid")

    monkeypatch.delenv("DATALAB_USER")
    monkeypatch.setattr("getpass.getuser", no_name)
    ended = datalab("lab", "list")
    assert ended.code == 2 and "--user" in ended.err
