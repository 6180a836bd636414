"""A run whose process is killed before its first event is restarted at once; none is lost and none doubled."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psutil
import pytest

from datalab.registry import LabState, RunState
from datalab_dagster.graph.runs import lost
from datalab_dagster.graph.runs.launcher import ProcessRunLauncher
from datalab_dagster.graph.runs.lost import LAUNCHER_TAG, launcher_tag, report_unwatched
from datalab_dagster.graph.runs.processes import WAIT
from datalab_dagster.service import LabInfo
from datalab_dagster.service.runs import LocalRuns
from resources.process import DIED, PROCESS_TAG, this_process
from resources.run import PARTITION_TAG
from tests.living.conftest import FILES, Living, living
from tests.living.world import ME, World, eventually
from tests.unit.registry.conftest import server, url

__all__ = ["living", "server", "url"]

pytestmark = pytest.mark.attack

STARTING, CANCELING = dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING
FAILURE, CANCELED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED
NO_PROCESS = "1:0.00"


class Ended:
    """A process that has ended."""

    def wait(self, timeout: float | None = None) -> int:
        return -9


OURS = {"module": "datalab_dagster.graph.runs.launcher", "class": "ProcessRunLauncher"}
DAGSTERS = {"module": "dagster", "class": "DefaultRunLauncher"}


@contextlib.contextmanager
def instance_with(launcher: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(overrides={"run_launcher": launcher}) as instance:
        yield instance


def new_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, **tags: str) -> str:
    return instance.create_run_for_job(dg.job(name="x")(lambda: None), status=status, tags=tags).run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def follow(instance: dg.DagsterInstance, run_id: str) -> None:
    launcher = ProcessRunLauncher()
    launcher.register_instance(instance)
    launcher._follow(Ended(), run_id)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (STARTING, FAILURE),
        (dg.DagsterRunStatus.NOT_STARTED, FAILURE),
        (CANCELING, CANCELED),
        (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTED),  # the daemon watches these
        (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.SUCCESS),
        (FAILURE, FAILURE),
        (CANCELED, CANCELED),
    ],
)
def test_the_launcher_reports_a_process_that_ended_before_its_first_event(
    status: dg.DagsterRunStatus, after: dg.DagsterRunStatus
) -> None:
    with instance_with(OURS) as instance:
        run_id = new_run(instance, status)
        for _ in range(2):
            follow(instance, run_id)
        assert status_of(instance, run_id) is after
        said = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
        messages = [record.event_log_entry.get_dagster_event().message for record in said]
        assert messages == ([DIED] if after is FAILURE and status is not FAILURE else []), "one report, so one restart"


def test_a_report_waits_for_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "_SECONDS", 0)
    with dg.DagsterInstance.ephemeral() as instance:
        run_id, real, away = new_run(instance, STARTING), instance.get_run_by_id, [OSError("away"), OSError("away")]

        def get(wanted: str) -> dg.DagsterRun | None:
            if away:
                raise away.pop()
            return real(wanted)

        monkeypatch.setattr(instance, "get_run_by_id", get)
        follow(instance, run_id)
        assert status_of(instance, run_id) is FAILURE


def test_a_sensor_reports_what_the_launching_process_cannot_report_any_more() -> None:
    with instance_with(OURS) as instance:

        def of_dead_launcher(status: dg.DagsterRunStatus, process: str) -> str:
            run_id = new_run(instance, status, **{PROCESS_TAG: process})
            instance.add_run_tags(run_id, {LAUNCHER_TAG: f"{NO_PROCESS}:{run_id}"})
            return run_id

        ended, cancelled = of_dead_launcher(STARTING, NO_PROCESS), of_dead_launcher(CANCELING, NO_PROCESS)
        runs, started = (
            of_dead_launcher(STARTING, this_process()),
            of_dead_launcher(dg.DagsterRunStatus.STARTED, NO_PROCESS),
        )
        followed = new_run(instance, STARTING, **{PROCESS_TAG: NO_PROCESS})
        instance.add_run_tags(followed, launcher_tag(followed))
        copied = new_run(instance, STARTING, **{PROCESS_TAG: NO_PROCESS, LAUNCHER_TAG: f"{NO_PROCESS}:{ended}"})
        assert set(report_unwatched(instance)) == {ended, cancelled}
        assert (status_of(instance, ended), status_of(instance, cancelled)) == (FAILURE, CANCELED)
        assert {status_of(instance, one) for one in (runs, followed, copied)} == {STARTING}
        assert status_of(instance, started) is dg.DagsterRunStatus.STARTED
        assert report_unwatched(instance) == []


def test_a_sensor_reports_what_a_killed_code_server_would_have_reported() -> None:
    """Dagster's own launcher cannot be asked whether a process lives, so monitoring does not look at started runs."""
    started = dg.DagsterRunStatus.STARTED
    with instance_with(DAGSTERS) as instance:
        lost_ones = [
            new_run(instance, status, **{PROCESS_TAG: NO_PROCESS}) for status in (STARTING, started, CANCELING)
        ]
        alive, elsewhere = (
            new_run(instance, started, **{PROCESS_TAG: process}) for process in (this_process(), f"{NO_PROCESS}@a-pod")
        )
        unmarked = new_run(instance, STARTING)
        assert set(report_unwatched(instance)) == set(lost_ones)
        assert [status_of(instance, one) for one in lost_ones] == [FAILURE, FAILURE, CANCELED]
        assert {status_of(instance, one) for one in (alive, elsewhere)} == {started}
        assert status_of(instance, unmarked) is STARTING, "Dagster's timeout ends it"
        assert report_unwatched(instance) == []


@pytest.mark.parametrize("created", [False, True])
def test_without_a_daemon_the_service_that_began_the_run_records_its_end(
    living: Living, monkeypatch: pytest.MonkeyPatch, created: bool
) -> None:
    def killed(*_: object) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", ""], text=True)

    monkeypatch.setattr("datalab_dagster.service.runs.begin_process", killed)
    run_id = uuid.uuid4()
    monkeypatch.setattr("datalab_dagster.service.runs.uuid", SimpleNamespace(uuid4=lambda: run_id))
    access: Any = SimpleNamespace(instance=living.instance, is_poll_due=lambda: False)
    runs, registry = LocalRuns(living.deployment, access, {}), living.deployment.registry
    lab = living.lab()
    living.provision(lab, FILES)
    if created:
        living.instance.create_run_for_job(dg.job(name="x")(lambda: None), run_id=str(run_id))
    run = runs.validate(lab, again=False, by=ME)
    assert eventually(lambda: registry.runs.get(run.run_id).ended_at is not None, 20)
    ended, explained = registry.runs.get(run.run_id), registry.labs.state(lab.id)
    assert (ended.state, ended.reason) == (RunState.FAILED, DIED)
    assert explained.state is LabState.FAILED and "start it again" in explained.next_step
    monkeypatch.undo()
    assert registry.runs.start_alone(lab.id, "again").state is RunState.STARTED


def processes_of(world: World, lab: LabInfo) -> Iterator[psutil.Process]:
    for run in world.instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: lab.partition_key})):
        if (mark := run.tags.get(PROCESS_TAG)) and not run.is_finished:
            with contextlib.suppress(psutil.NoSuchProcess):
                yield psutil.Process(int(mark.split(":")[0]))


def kill_spares(world: World) -> None:
    """Kill the processes that wait for a run, so that the next one starts cold: that takes seconds."""
    for process in psutil.Process(world.child("dagster-daemon").pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if WAIT in process.cmdline():
                process.kill()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [20])
def test_killed_at_many_moments_of_its_start(kills: int) -> None:
    world = World(users=300)
    try:
        world.start()
        hashes = {kind: world.upload(kind) for kind in world.definition.datasets}

        def ready_after(kill_after: float | None) -> float:
            """Provision a lab, kill its first run after these seconds, and return when it was Ready."""
            lab = world.service.create_lab(world.definition)
            world.service.change(lab.id, hashes)
            begun = time.monotonic()
            if kill_after is not None:
                until = begun + 60
                while not (found := list(processes_of(world, lab))):
                    assert time.monotonic() < until
                    time.sleep(0.02)
                time.sleep(kill_after)
                with contextlib.suppress(psutil.NoSuchProcess):
                    found[0].kill()
            assert world.becomes(lab, LabState.READY), world.told(lab)
            seconds = time.monotonic() - begun
            assert eventually(lambda: all(run.is_complete for run in world.service.runs(lab.id))), world.told(lab)
            finished = [run for run in world.service.runs(lab.id) if run.state is RunState.FINISHED]
            assert len(finished) <= 1, world.told(lab)
            assert len(world.service.results(lab.id)) == 1, world.told(lab)
            return seconds

        undisturbed, took = list[float](), list[float]()
        with ThreadPoolExecutor(2) as pool:
            for number in range(0, kills, 2):
                if number % 4:
                    kill_spares(world)
                took += pool.map(ready_after, (number**2 / 200, (number + 1) ** 2 / 200))  # a fork starts at once
                if number % 4:  # the same start without a kill, in between: the machine may have more to do by then
                    kill_spares(world)
                    undisturbed += pool.map(ready_after, (None, None))
        killed = world.instance.get_runs(dg.RunsFilter(statuses=[FAILURE]))
        unheard = [run for run in killed if world.instance.get_run_stats(run.run_id).start_time is None]
        print(f"undisturbed {undisturbed}; {len(killed)} killed, {len(unheard)} before their first event: {took}")
        assert len(unheard) >= 3
        assert max(took) < 2 * max(undisturbed) + 20, took  # a killed start is made twice, on a busy machine slowly
    finally:
        world.end()
