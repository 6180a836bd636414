"""`automation: conditions`: runs are started by the condition of assets, with what runs of the sensor have."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from assets import COMPUTED, DATASETS
from datalab.home.directory import home_directory
from datalab.home.settings import Settings, load_settings
from datalab.registry import LabState, RunState
from datalab.results.files import STATISTICS
from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph import provisioning as provisioning_module
from datalab_dagster.graph.access import STARTS_RUNS
from datalab_dagster.graph.catalogue import catalogue
from datalab_dagster.graph.sensors import build_sensors, provisioned, provisioning
from resources.attempts import RETRIES
from resources.run import DeploymentRun
from tests.living.conditions import Conditions, conditions, provisioned_lab
from tests.living.conftest import FILES, IDENTIFIERS, SEGMENTS, names, segments
from tests.living.test_sensors import up_runs
from tests.ticks import counted_statements
from tests.unit.registry.conftest import ME

__all__ = ["conditions"]


def evaluated(definitions: dg.Definitions, instance: dg.DagsterInstance, cursor: Any = None) -> Any:
    """Return what Dagster requests when it evaluates the conditions without a sensor."""
    selection = dg.AssetSelection.assets(*COMPUTED)
    return dg.evaluate_automation_conditions(definitions, instance, asset_selection=selection, cursor=cursor)


class TestDefinitions:
    def test_conditions_are_on_what_is_computed_and_only_if_they_are_wanted(self, conditions: Conditions) -> None:
        graph = conditions.repository.asset_graph
        computed = {key for assets in COMPUTED for key in assets.keys}
        datasets = {key for assets in DATASETS for key in assets.keys}
        assert all(graph.get(key).automation_condition is not None for key in computed)
        assert all(graph.get(key).automation_condition is None for key in datasets)
        (conditions.living.deployment.home / "datalab.yaml").unlink()
        graph = build_definitions().get_repository_def().asset_graph
        assert all(graph.get(key).automation_condition is None for key in computed)

    def test_one_sensor_starts_runs(self) -> None:
        for automation, name in STARTS_RUNS.items():
            sensors = {sensor.name: sensor for sensor in build_sensors(Settings(automation=automation))}
            chosen = [sensors[one] for one in STARTS_RUNS.values() if one in sensors]
            assert [one.name for one in chosen if one.targets or one.asset_selection] == [name]
            assert sensors[name].default_status is dg.DefaultSensorStatus.RUNNING
            assert "provisioning" in sensors

    def test_no_sensor_of_dagster_is_added(self, conditions: Conditions) -> None:
        wanted = {sensor.name for sensor in build_sensors(load_settings(home_directory()))}
        assert {sensor.name for sensor in conditions.repository.sensor_defs} == wanted


class TestRuns:
    def test_a_change_has_one_run_which_has_what_a_run_of_the_sensor_has(self, conditions: Conditions) -> None:
        living = conditions.living
        lab = provisioned_lab(living)
        expected = living.evaluate(provisioning).run_requests[0]
        living.report(provisioned)
        (request,) = conditions.tick()
        assert (request.run_key, request.partition_key) == (expected.run_key, lab.partition_key)
        assert names(request) == names(expected) - {"identifiers", "segments"}
        cause = f"automation condition, after {ME} provisioned Identifiers and Segments"
        told = {key: value for key, value in request.tags.items() if key != "dagster/sensor_name"}
        assert told == {**expected.tags, **RETRIES, "datalab/cause": cause}
        assert conditions.tick() == []

        assert living.execute(request).success and living.state(lab) is LabState.READY
        (run,) = living.deployment.registry.runs.history(lab.id)
        assert (run.state, run.cause, run.sequence) == (RunState.FINISHED, cause, int(request.tags["datalab/sequence"]))
        assert conditions.tick() == []

    def test_the_results_are_those_of_the_sensor(self, conditions: Conditions) -> None:
        living = conditions.living
        one, other = provisioned_lab(living), provisioned_lab(living)
        for request in living.tick():
            if request.partition_key == one.partition_key:
                living.execute(request)
        for request in conditions.tick():
            assert request.partition_key == other.partition_key, "the change of the first lab is answered"
            living.execute(request)
        found = []
        for lab in (one, other):
            current = living.deployment.registry.results.current(lab.id)
            assert current is not None
            place = living.deployment.folders.place(lab.id).root
            found.append((place / current.paths[STATISTICS.name]).read_text())
        assert found[0] == found[1]

    def test_only_what_lies_downstream_of_a_change_is_computed(self, conditions: Conditions) -> None:
        living = conditions.living
        lab = provisioned_lab(living)
        living.execute(*conditions.tick())
        living.provision(lab, {SEGMENTS: segments(11)})
        (request,) = conditions.tick()
        assert "valid_identifiers" not in names(request) and {"valid_segments", "dashboard"} <= names(request)
        assert living.execute(request).success and living.state(lab) is LabState.READY

    def test_a_lab_that_waits_for_datasets_starts_nothing_of_several(self, conditions: Conditions) -> None:
        living = conditions.living
        lab = living.lab()
        living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
        (request,) = conditions.tick()
        assert names(request) == {"valid_identifiers", "identifiers_validation_report"}
        assert living.execute(request).success and conditions.tick() == []
        living.provision(lab, {SEGMENTS: FILES[SEGMENTS]})
        (request,) = conditions.tick()
        assert "valid_identifiers" not in names(request)
        assert living.execute(request).success and living.state(lab) is LabState.READY

    def test_labs_that_change_together_have_a_run_each(self, conditions: Conditions) -> None:
        labs = [provisioned_lab(conditions.living) for _ in range(3)]
        requests = conditions.tick()
        assert {request.partition_key for request in requests} == {lab.partition_key for lab in labs}
        conditions.living.execute(requests[0])
        assert [conditions.living.state(lab) for lab in labs].count(LabState.READY) == 1

    def test_a_change_that_a_person_validates_has_no_second_run(self, conditions: Conditions) -> None:
        living = conditions.living
        conditions.tick()
        lab = provisioned_lab(living)
        living.deployment.registry.runs.start(lab.id, "by-hand")
        assert conditions.evaluate().skip_message == "mine: answered by run by-hand."

    def test_a_run_that_finds_its_change_answered_ends_without_harm(self, conditions: Conditions) -> None:
        living = conditions.living
        lab = provisioned_lab(living)
        (late,) = conditions.tick()
        living.provision(lab, {SEGMENTS: segments(11)})
        (request,) = conditions.tick()
        assert living.execute(request).success
        assert not living.execute(late, raise_on_error=False).success
        assert living.state(lab) is LabState.READY
        assert [run.state for run in living.deployment.registry.runs.history(lab.id)] == [
            RunState.SUPERSEDED,
            RunState.FINISHED,
        ]

    def test_a_dataset_that_is_replaced_while_a_run_validates_it(
        self, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The identifiers of the run that was stopped are validated by the next one, though they have not changed."""
        living, replaced = conditions.living, []
        note, lab = DeploymentRun.note_rows, provisioned_lab(living)

        def replace(run: DeploymentRun, *arguments: Any) -> None:
            note(run, *arguments)
            if not replaced:
                replaced.append(lab)
                living.provision(lab, {SEGMENTS: segments(11)})
                run.ensure_current(now=True)

        monkeypatch.setattr(DeploymentRun, "note_rows", replace)
        assert not living.execute(*conditions.tick(), raise_on_error=False).success
        (request,) = conditions.tick()
        assert {"valid_identifiers", "valid_segments"} <= names(request)
        assert living.execute(request).success and living.state(lab) is LabState.READY


class TestDagster:
    def test_the_other_sensor_shows_datasets_and_labs_and_starts_nothing(self, conditions: Conditions) -> None:
        living = conditions.living
        lab = provisioned_lab(living)
        answer = living.report(provisioned)
        assert answer.run_requests == [] and "automation: conditions" in str(answer.skip_reason.skip_message)
        assert living.instance.get_dynamic_partitions("data_labs") == [lab.partition_key]
        held = living.deployment.registry.provisioning.datasets(lab.id)
        for kind in FILES:
            shown = living.instance.get_latest_materialization_event(dg.AssetKey(kind.value))
            assert shown is not None and shown.asset_materialization is not None
            assert (shown.asset_materialization.tags or {})["dagster/data_version"] == held[kind]

    def test_many_datasets_are_shown_in_several_ticks(
        self, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(provisioning_module, "_REQUESTS", 2)
        labs = [provisioned_lab(conditions.living) for _ in range(5)]
        shown = []
        for _ in range(3):
            answer = conditions.living.report(provisioned)
            conditions.living.cursor = answer.cursor
            shown.append([(event.partition, event.asset_key.to_user_string()) for event in answer.asset_events])
        wanted = sorted((lab.partition_key, kind.value) for lab in labs for kind in FILES)
        assert sorted(one for tick in shown for one in tick) == wanted
        assert [len(tick) for tick in shown] == [5, 4, 1]

    def test_dagster_evaluates_the_condition_alone(self, conditions: Conditions) -> None:
        lab = provisioned_lab(conditions.living)
        conditions.living.report(provisioned)
        found = evaluated(build_definitions(), conditions.living.instance)
        assert found.get_requested_partitions(dg.AssetKey("validation_status")) == {lab.partition_key}
        assert found.get_requested_partitions(dg.AssetKey("valid_embeddings")) == set()
        conditions.living.execute(*conditions.tick())
        found = evaluated(build_definitions(), conditions.living.instance)
        assert found.total_requested == 0

    def test_an_idle_tick_says_why_and_costs_what_one_of_the_sensor_does(self, conditions: Conditions) -> None:
        conditions.tick()
        provisioned_lab(conditions.living)
        conditions.living.execute(*conditions.tick())
        with counted_statements() as counter:
            idle = conditions.evaluate()
        assert idle.skip_message == "Nothing new since provisioning event 2." and counter.total() == 1

    def test_another_daemon_answers_while_up_runs(
        self, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provisioned_lab(conditions.living)
        with up_runs(conditions.living.deployment.home):
            found = conditions.evaluate()
            assert "datalab up" in str(found.skip_message) and not found.run_requests and found.cursor is None
            monkeypatch.setenv("DATALAB_UP", "1")
            assert len(conditions.evaluate().run_requests) == 1

    def test_what_dagster_did_not_store_is_requested_again_under_the_same_key(self, conditions: Conditions) -> None:
        provisioned_lab(conditions.living)
        (lost,) = conditions.evaluate().run_requests
        (request,) = conditions.tick()
        assert request.run_key == lost.run_key and not conditions.evaluate().run_requests
        conditions.start_again()
        (again,) = conditions.evaluate().run_requests
        assert again.run_key == request.run_key, "it may not have been made: Dagster makes no second one"

    @pytest.mark.parametrize("cursor", ["forged", "0forged", str(10**30)])
    def test_a_cursor_that_somebody_has_set_changes_nothing(self, conditions: Conditions, cursor: str) -> None:
        for is_idle in (False, True):
            provisioned_lab(conditions.living)
            conditions.cursor = cursor
            assert len(conditions.tick()) == 1
            conditions.cursor = cursor if is_idle else conditions.cursor
            assert conditions.tick() == []

    def test_at_most_so_many_runs_per_tick_and_none_is_lost(
        self, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(provisioning_module, "_REQUESTS", 2)
        labs = [provisioned_lab(conditions.living) for _ in range(5)]
        ticks = [conditions.tick() for _ in range(4)]
        assert [len(tick) for tick in ticks] == [2, 2, 1, 0]
        keys = [lab.partition_key for lab in labs]
        asked = [{str(request.partition_key) for request in tick} for tick in ticks]
        assert asked == [set(keys[:2]), set(keys[2:4]), set(keys[4:]), set()]


def test_eager_would_leave_labs_without_a_result(conditions: Conditions) -> None:
    """Why the condition is not `eager()`; if this changes, so does ADR 10."""
    eager = catalogue(Settings(), condition=dg.AutomationCondition.eager())
    lab, instance = provisioned_lab(conditions.living), conditions.living.instance
    instance.add_dynamic_partitions("data_labs", [lab.partition_key])
    found = evaluated(eager, instance)
    conditions.living.report(provisioned)
    found = evaluated(eager, instance, cursor=found.cursor)
    requested = {asset for asset in ("valid_identifiers", "valid_segments", "validation_status") if asked(found, asset)}
    assert requested == {"valid_identifiers", "valid_segments"}, "the lab has no embeddings: their rows are missing"
    replaced = dg.AssetMaterialization("segments", partition=lab.partition_key)
    instance.report_runless_asset_event(replaced)
    found = evaluated(eager, instance, cursor=found.cursor)
    assert not asked(found, "valid_segments"), "what is replaced before the tick after a request is lost"
    instance.report_runless_asset_event(replaced)
    found = evaluated(eager, instance, cursor=found.cursor)
    requested = {asset for asset in ("valid_identifiers", "valid_segments") if asked(found, asset)}
    assert requested == {"valid_segments"}, "if the first run was stopped, no run validates the identifiers"


def asked(found: Any, asset: str) -> bool:
    return found.get_requested_partitions(dg.AssetKey(asset)) != set()
