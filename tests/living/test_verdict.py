"""The verdict is what `validation_status` hands over; whatever becomes of the dashboard, the verdict stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from datalab.deployment.addresses import result as at_result
from datalab.home.settings import Settings
from datalab.registry import Lab, LabState, RunState
from datalab_dagster.graph.sensors import broken_runs
from resources import DeploymentRun
from tests.living.conftest import FILES, SEGMENTS, Living, segments
from tests.living.test_by_hand import materialise
from tests.living.test_failures import configure, requests_of_the_night, status_context, told

__all__ = ["told"]

Notifications = tuple[str, list[dict[str, Any]]]
BAD = {**FILES, SEGMENTS: "u1\n"}
REASON = "Unexpected ValueError"


@pytest.fixture
def no_dashboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Dashboards cannot be drawn, until the patch is undone; the library's text quotes a value."""
    with monkeypatch.context() as patched:
        patched.setattr("assets.results.render_dashboard", failing)
        yield patched


def failing(*_: object, **__: object) -> str:
    raise ValueError("secret u1")


def executed(living: Living, files: Any) -> tuple[Lab, dg.ExecuteInProcessResult]:
    lab = living.lab()
    living.provision(lab, files)
    (request,) = living.tick()
    return lab, living.execute(request, raise_on_error=False)


@pytest.mark.parametrize(("files", "state", "verdict"), [(FILES, "Ready", "SUCCESS"), (BAD, "Failed", "FAILED")])
def test_a_lab_has_its_verdict_although_its_dashboard_cannot_be_drawn(
    living: Living, no_dashboard: pytest.MonkeyPatch, files: Any, state: str, verdict: str
) -> None:
    lab, result = executed(living, files)
    assert [event.step_key for event in result.get_step_failure_events()] == ["dashboard"]

    explained = living.deployment.registry.labs.state(lab.id)
    assert explained.state.value == state and f"The run failed after its verdict: {REASON}" in explained.reason
    (run,) = living.deployment.registry.runs.history(lab.id)
    assert run.state is RunState.FAILED and REASON in (run.reason or "") and "secret" not in (run.reason or "")

    current = living.deployment.registry.results.current(lab.id)
    assert current is not None and (current.run_id, current.status) == (run.run_id, verdict)
    assert sorted(current.paths) == ["matchable-users.json", "statistics.json", "validation-status.json"]
    assert current.summary["identifiers.valid_rows"] == 3


def test_the_verdict_counts_while_the_dashboard_is_drawn(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    from datalab.dashboard import render_dashboard

    lab = living.lab()
    seen: list[tuple[LabState, int]] = []

    def render(*arguments: Any, **options: Any) -> str:
        seen.append((living.state(lab), len(living.deployment.registry.runs.in_flight())))
        return render_dashboard(*arguments, **options)

    monkeypatch.setattr("assets.results.render_dashboard", render)
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success and seen == [(LabState.READY, 1)]
    (result,) = living.deployment.registry.results.history(lab.id)
    assert "dashboard.html" in result.paths and living.deployment.registry.runs.in_flight() == []


def test_a_failed_dashboard_is_reported_once_with_its_reason_and_not_tried_again(
    living: Living, no_dashboard: pytest.MonkeyPatch, told: Notifications
) -> None:
    url, sent = told
    configure(living, f"onFailure: {{webhook: '{url}'}}\n")
    lab, result = executed(living, FILES)
    assert isinstance(broken_runs(status_context(living, result, "broken_runs", "PIPELINE_FAILURE")), dg.SkipReason)
    (message,) = sent
    assert (message["event"], message["lab"], message["run"]) == ("RUN_FAILED", lab.id, result.run_id)
    assert REASON in message["reason"]
    assert living.tick() == [] and requests_of_the_night() == []


def test_a_lab_that_failed_validation_is_reported_also_without_its_dashboard(
    living: Living, no_dashboard: pytest.MonkeyPatch, told: Notifications
) -> None:
    url, sent = told
    configure(living, f"onFailure: {{webhook: '{url}'}}\n")
    lab, result = executed(living, BAD)
    broken_runs(status_context(living, result, "broken_runs", "PIPELINE_FAILURE"))
    assert [(message["event"], message["lab"]) for message in sent] == [("LAB_FAILED", lab.id), ("RUN_FAILED", lab.id)]
    assert "The validation of these datasets failed" in sent[0]["reason"]
    assert living.tick() == [] and requests_of_the_night() == [], "only better data help"


def test_a_dashboard_drawn_by_hand_joins_the_result(living: Living, no_dashboard: pytest.MonkeyPatch) -> None:
    lab, first = executed(living, FILES)
    assert not materialise(living, lab, "dashboard").success and living.state(lab) is LabState.READY
    no_dashboard.undo()
    assert materialise(living, lab, "dashboard").success

    (result,) = living.deployment.registry.results.history(lab.id)
    assert result.run_id == first.run_id and "dashboard.html" in result.paths
    drawn = living.deployment.folders.place(lab.id).read(at_result(result.run_id, "dashboard.html"))
    assert drawn.startswith(b"<!doctype html>") and living.stored(lab, "results") == [result.run_id]
    explained = living.deployment.registry.labs.state(lab.id)
    assert explained.state is LabState.READY and "failed" not in explained.reason


def test_the_next_refresh_is_compared_with_a_result_without_dashboard(
    living: Living, no_dashboard: pytest.MonkeyPatch
) -> None:
    lab, _ = executed(living, FILES)
    no_dashboard.undo()
    living.provision(lab, {SEGMENTS: segments(11)})
    assert living.execute(*living.tick()).success
    newest, before = living.deployment.registry.results.history(lab.id)
    assert "comparison.json" in newest.paths and "dashboard.html" not in before.paths
    living.deployment.settings = Settings(keep_results=1)
    living.deployment.sweep()
    assert [result.run_id for result in living.deployment.registry.results.history(lab.id)] == [newest.run_id]
    assert living.stored(lab, "results", before.run_id) == []


def test_statistics_and_status_by_hand_are_a_verdict_and_one_of_them_alone_is_none(living: Living) -> None:
    lab, _ = executed(living, FILES)
    history = living.deployment.registry.results.history
    assert materialise(living, lab, "validation_status").success and len(history(lab.id)) == 1
    assert materialise(living, lab, "statistics_report", "validation_status").success
    assert [sorted(result.paths) for result in history(lab.id)] == [
        ["matchable-users.json", "statistics.json", "validation-status.json"],
        ["dashboard.html", "matchable-users.json", "statistics.json", "validation-status.json"],
    ]
    assert living.state(lab) is LabState.READY


def test_a_run_whose_data_are_replaced_after_its_verdict_is_history(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    first = living.deployment.registry.provisioning.datasets(lab.id)
    (request,) = living.tick()
    hand_over = DeploymentRun.hand_over

    def replaced_afterwards(run: DeploymentRun, *arguments: Any, **options: Any) -> None:
        hand_over(run, *arguments, **options)
        living.provision(lab, {SEGMENTS: segments(11)})

    with monkeypatch.context() as patched:
        patched.setattr(DeploymentRun, "hand_over", replaced_afterwards)
        assert not living.execute(request, raise_on_error=False).success
    (run,) = living.deployment.registry.runs.history(lab.id)
    assert run.state is RunState.SUPERSEDED and living.state(lab) is LabState.STALE
    living.deployment.registry.provisioning.provision(lab.id, first, by="me@publisher.example")
    assert living.state(lab) is LabState.READY


class TestKilled:
    """A process that was killed after the verdict records nothing itself: for the registry the run is still active."""

    def killed(
        self, living: Living, monkeypatch: pytest.MonkeyPatch, files: Any = FILES
    ) -> tuple[Lab, dg.ExecuteInProcessResult]:
        with monkeypatch.context() as patched:
            patched.setattr(DeploymentRun, "end", lambda _: None)
            return executed(living, files)

    def answer(self, living: Living, result: dg.ExecuteInProcessResult) -> Any:
        return broken_runs(status_context(living, result, "broken_runs", "PIPELINE_FAILURE"))

    @pytest.mark.parametrize(("files", "state"), [(FILES, LabState.READY), (BAD, LabState.FAILED)])
    def test_only_the_dashboard_is_drawn_again_and_joins_the_result(
        self,
        living: Living,
        no_dashboard: pytest.MonkeyPatch,
        monkeypatch: pytest.MonkeyPatch,
        files: Any,
        state: LabState,
    ) -> None:
        lab, result = self.killed(living, monkeypatch, files)
        assert living.state(lab) is state
        with monkeypatch.context() as patched:  # the next attempt is killed as well
            patched.setattr(DeploymentRun, "end", lambda _: None)
            assert not living.retry(result.run_id).success
        [second, *_] = living.instance.get_runs(limit=1)
        no_dashboard.undo()
        again = living.retry(second.run_id)
        assert again.success and {event.step_key for event in again.get_step_success_events()} == {"dashboard"}
        (kept,) = living.deployment.registry.results.history(lab.id)
        assert "dashboard.html" in kept.paths and living.state(lab) is state
        assert (kept.run_id, living.deployment.registry.runs.in_flight()) == (result.run_id, [])
        causes = [run.cause for run in living.deployment.registry.runs.history(lab.id)]
        assert ["another attempt" in cause for cause in causes] == [True, True, False]

    def test_a_run_that_was_killed_before_its_verdict_continues_with_the_statistics_of_the_last_attempt(
        self, living: Living, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: Any) -> None:
            raise SystemError

        with monkeypatch.context() as patched:
            patched.setattr("datalab.statistics.validation_status", killed)
            patched.setattr(DeploymentRun, "end", lambda _: None)
            lab, result = executed(living, FILES)
        assert not result.success and living.deployment.registry.results.history(lab.id) == []
        again = living.retry(result.run_id)
        assert {event.step_key for event in again.get_step_success_events()} == {"validation_status", "dashboard"}
        (kept,) = living.deployment.registry.results.history(lab.id)
        assert kept.run_id == again.run_id and living.state(lab) is LabState.READY
        assert living.stored(lab, "results") == [again.run_id]
        assert living.stored(lab, "results", again.run_id) == sorted(kept.paths)

    def test_a_run_that_cannot_start_is_not_tried_again(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        (request,) = living.tick()
        living.provision(lab, {SEGMENTS: segments(11)})
        result = living.execute(request, raise_on_error=False)
        stored = living.instance.get_run_by_id(result.run_id)
        assert not result.success and stored is not None and stored.tags["dagster/max_retries"] == "0"

    def test_no_notification_for_a_run_that_had_completed_its_result(
        self, living: Living, monkeypatch: pytest.MonkeyPatch, told: Notifications
    ) -> None:
        url, sent = told
        configure(living, f"onFailure: {{webhook: '{url}'}}\n")
        lab, result = self.killed(living, monkeypatch)
        assert result.success
        found = living.instance.get_run_by_id(result.run_id)
        assert found is not None
        living.instance.report_run_failed(found, "The process died.")
        event = living.instance.get_records_for_run(result.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records[0]
        answer = broken_runs(
            dg.build_run_status_sensor_context(
                sensor_name="broken_runs",
                dagster_event=event.event_log_entry.get_dagster_event(),
                dagster_instance=living.instance,
                dagster_run=found,
            )
        )
        assert isinstance(answer, dg.SkipReason) and sent == [] and living.state(lab) is LabState.READY
