"""What the provisioning sensor makes of events: one run per lab of what lies downstream, none lost, none twice."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from datalab.registry import LabState, RunState
from datalab.registry.errors import RegistryError
from datalab_dagster.graph.sensors import provisioning
from tests.living.conftest import DEMOGRAPHICS, FILES, IDENTIFIERS, SEGMENTS, Living, names, segments
from tests.unit.registry.conftest import ME

DOWNSTREAM_OF_SEGMENTS = {
    "segments",
    "segments_validation_report",
    "valid_segments",
    "users",
    "id_profiles",
    "identifiers_overview",
    "basic_statistics",
    "remarketing_activation_potential",
    "segments_activation_potential",
    "segment_user_counts",
    "segments_per_user",
    "demographic_user_counts",
    "embeddings_activation_potential",
    "matchable_embeddings_users",
    "statistics_report",
    "validation_status",
    "dashboard",
}


class TestEvents:
    def test_several_events_of_a_lab_are_one_run(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
        living.provision(lab, {SEGMENTS: FILES[SEGMENTS]}, cause="weekly refresh")
        (request,) = living.tick()
        assert request.run_key == f"{lab.id}:2" and request.partition_key == lab.partition_key
        assert names(request) == DOWNSTREAM_OF_SEGMENTS | {
            "identifiers",
            "identifiers_validation_report",
            "valid_identifiers",
        }
        assert {key: request.tags[f"datalab/{key}"] for key in ("lab", "datasets", "cause", "by", "sequence")} == {
            "lab": "mine",
            "datasets": "identifiers, segments",
            "cause": "weekly refresh",
            "by": ME,
            "sequence": "2",
        }
        assert living.tick() == []

    def test_each_lab_has_its_run(self, living: Living) -> None:
        labs = [living.lab(), living.lab()]
        for lab in labs:
            living.provision(lab, FILES)
        requests = living.tick()
        assert {request.partition_key for request in requests} == {lab.partition_key for lab in labs}
        cause = f"automatic, after {ME} provisioned Identifiers and Segments"
        assert {request.tags["datalab/cause"] for request in requests} == {cause}

    def test_a_change_reruns_only_what_lies_downstream_of_it(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        (first,) = living.tick()
        assert living.execute(first).success and living.state(lab) is LabState.READY
        living.provision(lab, {SEGMENTS: segments(11)})
        assert living.state(lab) is LabState.STALE
        (second,) = living.tick()
        assert names(second) == DOWNSTREAM_OF_SEGMENTS
        assert living.execute(second).success and living.state(lab) is LabState.READY
        results = living.deployment.registry.results.history(lab.id)
        assert [result.summary["segments.valid_rows"] for result in results] == [11, 12]
        assert "comparison.json" in results[0].paths

    def test_what_a_stopped_run_left_undone_is_made_up_for(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        assert len(living.tick()) == 1  # never executed
        living.provision(lab, {SEGMENTS: segments(11)})
        (request,) = living.tick()
        assert "valid_identifiers" in names(request)

    def test_an_incomplete_lab_is_validated_as_far_as_it_goes(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
        (request,) = living.tick()
        assert names(request) == {"identifiers", "identifiers_validation_report", "valid_identifiers"}
        assert living.execute(request).success and living.state(lab) is LabState.INCOMPLETE
        living.provision(lab, {SEGMENTS: FILES[SEGMENTS]})
        (request,) = living.tick()
        assert names(request) == DOWNSTREAM_OF_SEGMENTS
        assert living.execute(request).success and living.state(lab) is LabState.READY

    def test_there_is_nothing_to_compute_after_a_deprovision(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        living.execute(*living.tick())
        living.deployment.registry.provisioning.deprovision(lab.id, SEGMENTS, by=ME)
        assert living.tick() == [] and living.state(lab) is LabState.INCOMPLETE

    def test_what_was_validated_by_hand_meanwhile_is_answered(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        (request,) = living.tick()
        living.cursor = None  # as when the sensor sees the deployment for the first time
        living.execute(request)
        assert living.tick() == []

    def test_going_back_to_earlier_data_makes_their_result_count_and_starts_nothing(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        living.execute(*living.tick())
        earlier = living.deployment.registry.provisioning.datasets(lab.id)
        living.provision(lab, {SEGMENTS: segments(11)})
        living.execute(*living.tick())
        living.deployment.registry.provisioning.provision(lab.id, earlier, by=ME)
        assert living.tick() == [] and living.state(lab) is LabState.READY

    def test_a_failed_tick_loses_nothing(self, living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        with monkeypatch.context() as broken:
            broken.setattr(
                "datalab_dagster.graph.provisioning.assets_of", lambda *_: (_ for _ in ()).throw(RegistryError("gone"))
            )
            with pytest.raises(RegistryError):
                living.tick()
        assert [request.run_key for request in living.tick()] == [f"{lab.id}:2"]

    def test_a_repeated_tick_asks_for_the_same_run(self, living: Living) -> None:
        living.provision(living.lab(), FILES)
        first = living.tick()
        living.cursor = None  # the daemon died before it kept the cursor
        assert [request.run_key for request in living.tick()] == [request.run_key for request in first]

    def test_the_new_version_of_a_dataset_is_shown(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        shown = living.evaluate(provisioning).asset_events
        now = living.deployment.registry.provisioning.datasets(lab.id)
        assert {
            (event.asset_key.to_user_string(), event.partition, event.tags["dagster/data_version"]) for event in shown
        } == {(kind.value, lab.partition_key, manifest_hash) for kind, manifest_hash in now.items()}


class TestDeletedLabs:
    def test_their_events_start_nothing(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        living.deployment.registry.labs.delete(lab.id, by=ME)
        assert living.tick() == []


class TestReplacedData:
    def test_a_run_that_was_asked_for_other_data_does_not_begin(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        (old,) = living.tick()
        living.provision(lab, {SEGMENTS: segments(11)})
        result = living.execute(old, raise_on_error=False)
        assert not result.success
        assert living.deployment.registry.results.history(lab.id) == []
        (new,) = living.tick()
        assert living.execute(new).success and living.state(lab) is LabState.READY

    def test_a_run_stops_when_its_data_are_replaced(self, living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        (request,) = living.tick()
        during(monkeypatch, lambda: living.provision(lab, {SEGMENTS: segments(11)}))
        result = living.execute(request, raise_on_error=False)
        failed = [event.step_key for event in result.get_step_failure_events()]
        assert not result.success and failed and not {"users", "statistics_report"} & set(failed)
        (run,) = living.deployment.registry.runs.history(lab.id)
        assert run.state is RunState.SUPERSEDED and living.state(lab) is LabState.STALE
        (again,) = living.tick()
        assert living.execute(again).success and living.state(lab) is LabState.READY

    def test_a_dataset_that_is_deleted_during_a_run_ends_it(
        self, living: Living, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        (request,) = living.tick()
        provisioned = living.deployment.registry.provisioning.datasets(lab.id)[SEGMENTS]
        during(monkeypatch, lambda: living.deployment.datasets.delete(provisioned, by=ME, force=True))
        assert not living.execute(request, raise_on_error=False).success
        assert living.state(lab) is LabState.INCOMPLETE
        assert living.deployment.registry.runs.in_flight() == []

    def test_an_outdated_run_that_waits_is_cancelled(self, living: Living) -> None:
        lab = living.lab()
        living.provision(lab, FILES)
        waiting = living.instance.create_run_for_job(
            dg.job(name="anything")(lambda: None), tags={"dagster/partition": lab.partition_key}
        )
        living.deployment.registry.runs.start(lab.id, waiting.run_id)
        living.provision(lab, {SEGMENTS: segments(11)})
        living.tick()
        found = living.instance.get_run_by_id(waiting.run_id)
        assert found is not None and found.status is dg.DagsterRunStatus.CANCELED
        assert living.deployment.registry.runs.get(waiting.run_id).state is RunState.SUPERSEDED


class TestTwoDaemons:
    def test_only_the_one_of_up_answers(self, living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
        living.provision(living.lab(), FILES)
        with up_runs(living.deployment.home):
            assert isinstance(living.evaluate(provisioning), dg.SkipReason)
            monkeypatch.setenv("DATALAB_UP", "1")
            assert len(living.tick()) == 1


def during(monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
    """Let something happen once, in the middle of the statistics."""
    from datalab import statistics

    original = statistics.write_users
    left = [happens]

    def write(*arguments: Any) -> None:
        original(*arguments)
        while left:
            left.pop()()

    monkeypatch.setattr(statistics, "write_users", write)


class up_runs:  # noqa: N801 - reads as what it stands for
    """Pretends that `datalab up` runs on a home directory."""

    def __init__(self, home: Path) -> None:
        from datalab.home.up import UpRecord, write_record

        self._lock = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT)
        os.write(self._lock, b"4242\n")
        write_record(home, UpRecord(pid=4242, dagster_url="http://127.0.0.1:3000", portal_url=None))

    def __enter__(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)


def test_segments_of_a_lab_without_them_are_no_slot(living: Living) -> None:
    lab = living.lab(requireSegments=False)
    living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
    (request,) = living.tick()
    assert not {"valid_segments", DEMOGRAPHICS.value} & names(request)
    assert living.execute(request).success and living.state(lab) is LabState.READY
