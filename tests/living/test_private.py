"""Dagster's private names still exist, mean what the graph needs them for, and are imported by one module only."""

from __future__ import annotations

import ast
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RemoteJobOrigin
from dagster._daemon.controller import create_daemons_from_instance
from dagster._daemon.monitoring.run_monitoring import monitor_started_run
from dagster._serdes import deserialize_value, serialize_value
from grimp import ImportGraph
from sqlalchemy import Connection, event, text

from datalab_dagster.graph import private
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.graph.instance import DatalabStorage, open_instance
from datalab_dagster.graph.jobs import VALIDATE
from datalab_dagster.graph.runs import launcher as launcher_module
from datalab_dagster.graph.runs.launcher import ProcessRunLauncher
from resources.process import PROCESS_TAG
from tests.private_names import PrivateNames, private_names

ROOT = Path(__file__).parents[2]
PRIVATE_FILE = "datalab_dagster/graph/private.py"
NEEDED = {
    "AssetDaemon", "CheckRunHealthResult", "ConfigurableClass", "ConfigurableClassData", "DagsterDaemon",
    "EventLogConsumerDaemon", "InstanceRef", "LaunchRunContext", "LoadableTargetOrigin",
    "ManagedGrpcPythonEnvCodeLocationOrigin", "MonitoringDaemon", "NoOpComputeLogManager",
    "QueuedRunCoordinatorDaemon", "ReconstructableJob", "ReconstructableRepository", "RemoteJobOrigin",
    "RemoteRepositoryOrigin", "RunLauncher", "SensorDaemon", "WorkerStatus", "WorkspaceFileTarget",
    "WorkspaceProcessContext", "capture_interrupts", "create_daemons_from_instance",
    "daemon_controller_from_instance", "execute_run_iterator", "setup_interrupt_handlers",
}  # fmt: skip
"""What the file needs of Dagster."""


@pytest.fixture
def instance(url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance({**os.environ, "DATALAB_POSTGRES_URL": url, "DATALAB_HOME": str(tmp_path)}) as instance:
        yield instance


@dg.asset
def made() -> None: ...


def stored_run(instance: dg.DagsterInstance, **options: Any) -> dg.DagsterRun:
    job = dg.Definitions([made]).resolve_implicit_global_asset_job_def()
    return instance.create_run_for_job(job, remote_job_origin=private.origin_of(CODE_LOCATION, VALIDATE), **options)


# ------------------------------------------------------------------------------------------------------ in one place


def uses(*folders: str) -> dict[str, set[str]]:
    """The private names of Dagster in the modules of the folders, by path."""
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 200
    found = {path.relative_to(ROOT).as_posix(): private_names(path.read_text()) for path in files}
    return {path: names for path, names in found.items() if names}


def test_one_module_uses_private_names_and_of_the_tests_this_one_and_its_helpers() -> None:
    assert set(uses("datalab", "datalab_dagster", "assets", "resources", "benchmarks")) == {PRIVATE_FILE}
    of_tests = {f"tests/{name}.py" for name in ("private_names", "living/test_private", "staleness", "heartbeats")}
    assert set(uses("tests")) == of_tests


def test_every_private_name_is_used() -> None:
    """What is in that file is all that an upgrade of Dagster can break."""
    imported = {
        alias.name
        for node in ast.walk(ast.parse((ROOT / PRIVATE_FILE).read_text()))
        if isinstance(node, ast.ImportFrom) and private_names(f"import {node.module}")
        for alias in node.names
    }
    assert imported == NEEDED
    assert all(hasattr(private, name) for name in private.__all__)


@pytest.mark.parametrize("name", ["dagster.yaml", "workspace.yaml", "pyproject.toml", "Makefile", "demo.sh"])
def test_no_other_file_names_one(name: str) -> None:
    assert re.search(r"\bdagster\w*(\.\w+)*\._\w", (ROOT / name).read_text()) is None


@pytest.mark.parametrize(
    "line",
    [
        "from dagster._core.launcher import RunLauncher",
        "import dagster_postgres._utils",
        "from dagster import _check",
        "dg._core.launcher",
        "run('python -m dagster._daemon')",
    ],
)
def test_the_contract_is_broken_by_another_module(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short name, a module in a string, a name from the package itself: all count."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "one.py").write_text("import dagster as dg\ndg.__version__\n")
    monkeypatch.chdir(tmp_path)
    contract = PrivateNames("", {"root_packages": ["ours"]}, {"allowed": "ours.two"})
    assert contract.check(ImportGraph(), verbose=False).kept
    (tmp_path / "ours" / "two.py").write_text(line)
    assert contract.check(ImportGraph(), verbose=False).kept
    (tmp_path / "ours" / "one.py").write_text(line)
    assert not contract.check(ImportGraph(), verbose=False).kept


# ------------------------------------------------------------------------------------------------------- the instance


def test_instance_ref_reads_the_settings_and_takes_our_storage_instead(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.run_launcher, ProcessRunLauncher)
    assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
    assert instance.run_monitoring_enabled
    given = instance.get_ref().custom_instance_class_data, instance.get_ref().storage_data
    assert given[0] is None and given[1] is not None and given[1].class_name == DatalabStorage.__name__
    assert "postgres_url" in given[1].config_yaml


def test_configurable_class_tells_a_launcher_where_it_came_from(instance: dg.DagsterInstance) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, private.ConfiguredLauncher) and launcher.inst_data is not None
    assert (launcher.inst_data.module_name, launcher.inst_data.class_name) == (
        "datalab_dagster.graph.runs.launcher",
        "ProcessRunLauncher",
    )
    assert isinstance(launcher.inst_data.rehydrate(as_type=ProcessRunLauncher), ProcessRunLauncher)


def test_a_launcher_knows_its_instance(instance: dg.DagsterInstance) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, private.ConfiguredLauncher) and launcher.instance is instance


def test_what_steps_print_is_not_kept(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.compute_log_manager, private.NoOpComputeLogManager)


# --------------------------------------------------------------------------------------------------------- its storage


def test_all_storages_have_one_engine_that_keeps_its_connection(instance: dg.DagsterInstance) -> None:
    [engine] = set(private.engines(instance))
    opened: list[str] = []
    event.listen(engine, "connect", lambda *_: opened.append("connect"))
    event.listen(engine, "checkout", lambda *_: opened.append("checkout"))
    for _ in range(3):
        instance.get_runs_count()
        instance.fetch_materializations(dg.AssetKey("made"), limit=1)
        instance.all_instigator_state()
    assert opened.count("checkout") >= 9 and opened.count("connect") <= 1
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "2min"


def test_storing_events_asks_for_no_table_or_column_once_they_are_known(instance: dg.DagsterInstance) -> None:
    run = stored_run(instance)
    asked: list[str] = []

    def listen(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if "pg_catalog" in statement or "information_schema" in statement:
            asked.append(statement)

    def store() -> None:
        instance.report_runless_asset_event(dg.AssetMaterialization("made", tags={"datalab/x": "y"}))
        instance.add_dynamic_partitions("some", ["lab"])
        instance.get_dynamic_partitions("some")
        assert instance.event_log_storage.can_read_asset_status_cache()
        instance.report_engine_event("event", run)

    store()
    [engine] = set(private.engines(instance))
    event.listen(engine, "before_cursor_execute", listen)
    store()
    assert asked == []


# ------------------------------------------------------------------------------------------------------------ its runs


def test_a_launcher_gets_the_run_it_is_to_launch(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def start_process(environment: object, run_id: str) -> None:
        started.append(run_id)
        raise OSError(7, "not today")

    monkeypatch.setattr(launcher_module, "start_process", start_process)
    run = stored_run(instance)
    with pytest.raises(Exception, match="could not be started"):
        instance.launch_run(run.run_id, None)  # type: ignore[arg-type]
    assert started == [run.run_id]


def test_monitoring_fails_a_run_whose_health_is_reported_as_failed(instance: dg.DagsterInstance) -> None:
    run = stored_run(instance, status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: "1:0.00"})
    record = instance.get_run_record_by_id(run.run_id)
    assert record is not None
    monitor_started_run(instance, None, record, dg.get_dagster_logger())  # type: ignore[arg-type]
    after = instance.get_run_by_id(run.run_id)
    assert after is not None and after.status is dg.DagsterRunStatus.FAILURE


def test_a_run_that_was_created_is_executed(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small_location.py").write_text(
        "import dagster as dg\n\n@dg.asset\ndef made(): ...\n\n"
        "defs = dg.Definitions([made], jobs=[dg.define_asset_job('small', [made])])\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])  # Dagster leaves out the first
    job = private.job_in("small_location", "small")
    run = instance.create_run_for_job(job.get_definition(), job_code_origin=job.get_python_origin())
    private.execute(job, run, instance)
    after = instance.get_run_by_id(run.run_id)
    assert after is not None and after.status is dg.DagsterRunStatus.SUCCESS
    assert instance.get_latest_materialization_event(dg.AssetKey("made")) is not None


def test_the_body_of_an_asset_is_the_function_that_was_decorated() -> None:
    def body(taken: int) -> int:
        return taken + 1

    assert private.body_of(dg.asset(body)) is body


def test_a_sensor_that_returns_nothing_has_this_skip_message() -> None:
    sensor = dg.SensorDefinition(name="silent", evaluation_fn=lambda _: [])
    assert sensor.evaluate_tick(dg.build_sensor_context()).skip_message == private.EMPTY_RESULT


def test_the_job_of_the_code_location_is_loaded_once() -> None:
    job = private.job_in(CODE_LOCATION, VALIDATE)
    assert job.get_definition() is private.job_in(CODE_LOCATION, VALIDATE).get_definition()
    pointer = job.get_python_origin().repository_origin.code_pointer
    assert pointer.describe() == f"from {CODE_LOCATION} import defs"


def test_the_origin_of_a_run_names_location_repository_and_job() -> None:
    origin = private.origin_of(CODE_LOCATION, VALIDATE)
    repository = origin.repository_origin
    assert origin.job_name == VALIDATE
    assert repository.code_location_origin.location_name == CODE_LOCATION
    loaded = private.job_in(CODE_LOCATION, VALIDATE).repository.get_definition()
    assert repository.repository_name == loaded.name
    assert deserialize_value(serialize_value(origin), RemoteJobOrigin) == origin


# ------------------------------------------------------------------------------------------------------------ the pages


def test_a_workspace_has_the_locations_of_its_file(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text('{"load_from": []}')
    with private.workspace_of(instance, file) as workspace:
        assert list(workspace.create_request_context().code_location_names) == []


# ----------------------------------------------------------------------------------------------------------- the daemon


class Waited(BaseException):
    """A loop waits."""


class Patience(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        raise Waited


def test_the_loops_that_look_for_work_wait_on_the_event_they_are_given(instance: dg.DagsterInstance) -> None:
    waited: set[str] = set()
    for daemon in create_daemons_from_instance(instance):
        given: list[threading.Event] = []
        end = threading.Event()
        private._waiting(daemon, lambda end, given=given: given.append(end) or Patience())  # type: ignore[misc]
        loop = daemon.core_loop(SimpleNamespace(instance=instance), end)
        if given:
            assert given == [end]
            with pytest.raises(Waited):
                for _ in range(20):
                    next(loop)
            waited.add(daemon.daemon_type())
    assert waited == {"SENSOR", "ASSET", "QUEUED_RUN_COORDINATOR", "MONITORING", "EVENT_LOG_CONSUMER"}
