"""Failed runs and labs: notifications, and what the nightly schedule repeats."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from datalab.deployment.notify import notify
from datalab.home.settings import FailureHooks, Settings
from datalab.registry import LabState, RunState
from datalab_dagster.graph import private
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.graph.jobs import VALIDATE
from datalab_dagster.graph.runs.reconcile import reconcile
from datalab_dagster.graph.schedules import build_schedules
from datalab_dagster.graph.sensors import broken_runs, failed_labs
from resources.process import PROCESS_TAG, this_process
from tests.living.conftest import FILES, IDENTIFIERS, SEGMENTS, Living, segments
from tests.waiting import retry_at_once


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook: its URL and what it was sent."""
    sent: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", sent
    server.shutdown()
    thread.join()
    server.server_close()


def configure(living: Living, text: str) -> None:
    living.deployment.home.mkdir(exist_ok=True)
    (living.deployment.home / "datalab.yaml").write_text(text)


def status_context(living: Living, result: dg.ExecuteInProcessResult, sensor: str, kind: str) -> Any:
    event = next(event for event in result.all_events if event.event_type_value == kind)
    return dg.build_run_status_sensor_context(
        sensor_name=sensor, dagster_event=event, dagster_instance=living.instance, dagster_run=result.dagster_run
    )


def broken(living: Living, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dg.ExecuteInProcessResult]:
    """A lab whose run fails with an error of a library that quotes a row."""
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    with monkeypatch.context() as patched:
        patched.setattr("datalab.statistics.write_users", lambda *_: (_ for _ in ()).throw(ValueError("secret u1")))
        return lab, living.execute(request, raise_on_error=False)


def test_a_failed_run_is_reported_in_the_state_and_to_the_webhook(
    living: Living, monkeypatch: pytest.MonkeyPatch, told: tuple[str, list[dict[str, Any]]]
) -> None:
    url, sent = told
    configure(living, f"onFailure: {{webhook: '{url}'}}\n")
    lab, result = broken(living, monkeypatch)
    broken_runs(status_context(living, result, "broken_runs", "PIPELINE_FAILURE"))
    explained = living.deployment.registry.labs.state(lab.id)
    assert explained.state is LabState.FAILED and "Unexpected ValueError" in explained.reason
    assert "secret" not in explained.reason
    (message,) = sent
    assert (message["event"], message["lab"], message["run"]) == ("RUN_FAILED", lab.id, result.run_id)
    assert "Unexpected ValueError" in message["reason"] and "secret" not in message["reason"]


@pytest.mark.parametrize("tried_again", [True, False])
def test_a_run_whose_process_was_lost_is_reported_if_dagster_does_not_try_it_again(
    living: Living, told: tuple[str, list[dict[str, Any]]], tried_again: bool
) -> None:
    url, sent = told
    configure(living, f"onFailure: {{webhook: '{url}'}}\n")
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    run = living.instance.create_run_for_job(
        dg.job(name="x")(lambda: None), tags={**request.tags, "dagster/partition": lab.partition_key}
    )
    living.deployment.registry.runs.start(lab.id, run.run_id)
    living.instance.report_run_failed(run, "The process died.")
    living.instance.add_run_tags(run.run_id, {"dagster/will_retry": str(tried_again).lower()})
    event = living.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records[0]
    broken_runs(
        dg.build_run_status_sensor_context(
            sensor_name="broken_runs",
            dagster_event=event.event_log_entry.get_dagster_event(),
            dagster_instance=living.instance,
            dagster_run=run,
        )
    )
    ended = living.deployment.registry.runs.get(run.run_id)
    assert (ended.state, ended.reason) == (RunState.FAILED, "The process died.")
    assert [message["reason"] for message in sent] == ([] if tried_again else ["The process died."])


def test_no_notification_for_a_run_whose_data_were_replaced(
    living: Living, told: tuple[str, list[dict[str, Any]]]
) -> None:
    url, sent = told
    configure(living, f"onFailure: {{webhook: '{url}'}}\n")
    lab = living.lab()
    living.provision(lab, FILES)
    (old,) = living.tick()
    living.provision(lab, {SEGMENTS: segments(11)})
    result = living.execute(old, raise_on_error=False)
    broken_runs(status_context(living, result, "broken_runs", "PIPELINE_FAILURE"))
    assert sent == []


def test_a_lab_that_fails_validation_is_reported(living: Living, told: tuple[str, list[dict[str, Any]]]) -> None:
    url, sent = told
    configure(living, f"onFailure: {{webhook: '{url}'}}\n")
    lab = living.lab()
    living.provision(lab, {**FILES, SEGMENTS: "u1\n"})
    result = living.execute(*living.tick())
    failed_labs(status_context(living, result, "failed_labs", "PIPELINE_SUCCESS"))
    assert living.state(lab) is LabState.FAILED
    assert [(message["event"], message["lab"]) for message in sent] == [("LAB_FAILED", lab.id)]


def test_who_cannot_be_reached_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    hooks = FailureHooks.model_validate(
        {
            "webhook": "http://127.0.0.1:9/",
            "email": {"to": ["me@x.example"], "sender": "lab@x.example", "host": "127.0.0.1", "port": 9},
        }
    )
    notify(hooks, "RUN_FAILED", lab="lab", run_id="run", reason="why")
    assert [record.getMessage().split(" about")[0] for record in caplog.records] == ["The webhook", "The e-mail"]


def requests_of_the_night() -> list[dg.RunRequest]:
    """The runs that the nightly schedule asks for."""
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 22, 3, tzinfo=UTC))
    nightly, *_ = build_schedules(Settings())
    answer: Any = nightly(context)
    return [] if isinstance(answer, dg.SkipReason) else answer


class TestNight:
    def test_labs_that_broke_off_or_were_never_validated_are_validated(
        self, living: Living, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lab, _ = broken(living, monkeypatch)
        stale = living.lab()
        living.provision(stale, FILES)
        found = {request.partition_key: request.run_key for request in requests_of_the_night()}
        assert found == {
            lab.partition_key: f"{lab.id}:2:2026-11-22",
            stale.partition_key: f"{stale.id}:4:2026-11-22",
        }
        (again,) = [request for request in requests_of_the_night() if request.partition_key == lab.partition_key]
        assert living.execute(again).success and living.state(lab) is LabState.READY

    def test_labs_that_are_ready_incomplete_or_failed_validation_are_left_alone(self, living: Living) -> None:
        for files in (FILES, {IDENTIFIERS: FILES[IDENTIFIERS]}, {**FILES, SEGMENTS: "u1\n"}):
            living.provision(living.lab(), files)
        for request in living.tick():
            living.execute(request)
        assert requests_of_the_night() == []


class TestReconcile:
    def begun(self, living: Living, status: dg.DagsterRunStatus, **tags: str) -> str:
        lab = living.lab()
        living.provision(lab, FILES)
        run = living.instance.create_run_for_job(
            dg.job(name="x")(lambda: None),
            status=status,
            tags=tags,
            remote_job_origin=private.origin_of(CODE_LOCATION, VALIDATE),
        )
        living.deployment.registry.runs.start(lab.id, run.run_id)
        return run.run_id

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (dg.DagsterRunStatus.CANCELED, RunState.CANCELLED),
            (dg.DagsterRunStatus.SUCCESS, RunState.FINISHED),
            (dg.DagsterRunStatus.QUEUED, RunState.STARTED),
        ],
    )
    def test_the_registry_learns_how_a_run_ended(
        self, living: Living, status: dg.DagsterRunStatus, expected: RunState
    ) -> None:
        run_id = self.begun(living, status)
        reconcile(living.deployment, living.instance)
        assert living.deployment.registry.runs.get(run_id).state is expected

    def test_a_broken_run_is_left_to_its_sensor_for_a_while(self, living: Living) -> None:
        run_id = self.begun(living, dg.DagsterRunStatus.STARTED)
        found = living.instance.get_run_by_id(run_id)
        assert found is not None
        living.instance.report_run_failed(found, "It died.")
        reconcile(living.deployment, living.instance, watched=True)
        assert living.deployment.registry.runs.get(run_id).state is RunState.STARTED
        reconcile(living.deployment, living.instance, watched=False)
        assert living.deployment.registry.runs.get(run_id).state is RunState.FAILED

    def test_a_run_whose_process_died_has_failed_without_a_daemon(self, living: Living) -> None:
        run_id = self.begun(living, dg.DagsterRunStatus.STARTED, **{PROCESS_TAG: "1:0.00"})
        reconcile(living.deployment, living.instance, watched=True)
        assert living.deployment.registry.runs.get(run_id).state is RunState.STARTED
        reconcile(living.deployment, living.instance, watched=False)
        ended = living.deployment.registry.runs.get(run_id)
        assert ended.state is RunState.FAILED and ended.reason and "died" in ended.reason
        found = living.instance.get_run_by_id(run_id)
        assert found is not None and found.status is dg.DagsterRunStatus.FAILURE

    def test_the_time_in_the_queue_does_not_count_as_time_without_a_process(
        self, living: Living, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("datalab_dagster.graph.runs.reconcile._PATIENCE", timedelta(seconds=1))
        start_timeout = "run_monitoring_start_timeout_seconds"  # of Dagster: an image may have to be fetched first
        monkeypatch.setattr(type(living.instance), start_timeout, 600)
        run_id = self.begun(living, dg.DagsterRunStatus.QUEUED)
        time.sleep(1.1)
        launched = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, VALIDATE)
        living.instance.report_dagster_event(launched, run_id)
        reconcile(living.deployment, living.instance)
        assert living.deployment.registry.runs.get(run_id).state is RunState.STARTED, "its process is being started"
        time.sleep(1.1)
        reconcile(living.deployment, living.instance)
        assert living.deployment.registry.runs.get(run_id).state is RunState.STARTED
        monkeypatch.setattr(type(living.instance), start_timeout, 1)
        reconcile(living.deployment, living.instance)
        assert living.deployment.registry.runs.get(run_id).state is RunState.FAILED

    def test_a_run_whose_process_runs_continues(self, living: Living) -> None:
        run_id = self.begun(living, dg.DagsterRunStatus.STARTED, **{PROCESS_TAG: this_process()})
        reconcile(living.deployment, living.instance, watched=False)
        assert living.deployment.registry.runs.get(run_id).state is RunState.STARTED


def test_a_database_that_was_away_for_a_moment_is_waited_for(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    from datalab import statistics
    from datalab.registry.errors import DatabaseUnreachable

    retry_at_once(monkeypatch)
    original, away = statistics.write_users, [DatabaseUnreachable("here"), DatabaseUnreachable("here")]

    def write(*arguments: Any) -> None:
        if away:
            raise away.pop()
        original(*arguments)

    monkeypatch.setattr(statistics, "write_users", write)
    lab = living.lab()
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success and living.state(lab) is LabState.READY


def test_a_full_disk_is_reported_and_nothing_half_written_counts(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("datalab.storage.parquet.ParquetCipher.encrypt_to", full)
        assert not living.execute(request, raise_on_error=False).success
    explained = living.deployment.registry.labs.state(lab.id)
    assert explained.state is LabState.FAILED and "No space left on device" in explained.reason
    assert living.deployment.registry.results.history(lab.id) == []
    assert list(living.deployment.scratch.iterdir()) == []
    again = dg.RunRequest(
        partition_key=request.partition_key, asset_selection=request.asset_selection, tags=request.tags
    )
    assert living.execute(again).success and living.state(lab) is LabState.READY
