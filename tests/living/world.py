"""A real `datalab up` on a home of its own, and ways to hurt it; no test is here."""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import yaml

from datalab.home.up import UpRecord, running
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, load_lab
from datalab.registry import EmbeddedPostgres, LabState
from datalab.registry.errors import RegistryError
from datalab.sample import write_sample
from datalab_dagster.graph.home import SETTINGS
from datalab_dagster.graph.instance import open_instance
from datalab_dagster.service import LabInfo, RunInfo
from datalab_dagster.service.local import LocalService
from datalab_dagster.service.open import open_service
from resources.process import process_of
from tests.commands import COMMAND, environment
from tests.up.processes import free_port, within

ME = "me@publisher.example"
PATIENCE = 120.0


LAUNCHERS = ("ProcessRunLauncher", "DefaultRunLauncher")
"""The run launcher of a deployment without settings of its own, and Dagster's."""


class World:
    """One home directory with a sample lab's files, a service on it, and `datalab up` when started.

    Args:
        users: of the sample lab.
        launcher: the run launcher; if it is Dagster's, `DAGSTER_HOME` names a `dagster.yaml` with it.
    """

    def __init__(self, users: int = 4_000, launcher: str = LAUNCHERS[0]) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="datalab-living-"))
        self.files = self.home / "files"
        write_sample(self.files, users=users, seed=3)
        self.environment = environment(DATALAB_HOME=str(self.home / "home"))
        if launcher != LAUNCHERS[0]:
            self.environment["DAGSTER_HOME"] = str(self.home / "dagster")
            write_settings(self.home / "dagster", run_launcher={"module": "dagster", "class": launcher})
        self._up: subprocess.Popen[bytes] | None = None

    @property
    def data_home(self) -> Path:
        return self.home / "home"

    @cached_property
    def service(self) -> LocalService:
        return open_service(ME, self.environment)

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        return open_instance(self.environment)

    @property
    def definition(self) -> LabDefinition:
        return load_lab(self.files / "LAB.json")

    # -------------------------------------------------------------------------------------------------- up

    def start(self, *, portal: bool = False) -> UpRecord:
        """Start `datalab up` and wait until it answers."""
        words = ["up", "--port", str(free_port()), "--portal-port", str(free_port())]
        words += [] if portal else ["--no-portal"]
        with (self.home / "up.log").open("ab") as log:
            self._up = subprocess.Popen([COMMAND, *words], env=self.environment, stdout=log, stderr=log)
        assert within(PATIENCE, lambda: b"Data Lab is running" in (self.home / "up.log").read_bytes()), self.said()
        record = running(self.data_home)
        assert record is not None
        return record

    def said(self) -> str:
        return (self.home / "up.log").read_text()

    def stop(self) -> None:
        """Stop `datalab up` as Ctrl-C does."""
        if (up := self._up) is not None:
            up.send_signal(signal.SIGINT)
            assert within(60, lambda: up.poll() is not None), self._killed()
            self._up = None
            (self.home / "up.log").unlink()

    def _killed(self) -> str:
        """Kill a `datalab up` that does not end, with all it started; return what it had said, and what was there."""
        assert self._up is not None
        own = psutil.Process(self._up.pid)
        left = [own, *own.children(recursive=True)]
        told = [f"{one.pid} {one.name()} {one.status()} {one.num_threads()} threads {one.cmdline()}" for one in left]
        for one in left:
            one.kill()
        self._up.wait(60)
        self._up = None
        return "\n".join(["datalab up did not end in a minute.", self.said(), *told])

    def kill_up(self) -> None:
        """Kill `datalab up` itself."""
        assert self._up is not None
        self._up.kill()
        self._up.wait(60)
        self._up = None
        (self.home / "up.log").unlink()

    def child(self, name: str) -> psutil.Process:
        record = running(self.data_home)
        assert record is not None
        return psutil.Process(next(child.pid for child in record.children if child.name == name))

    def end(self) -> None:
        self.stop()
        if "service" in self.__dict__:
            self.service.close()
        if "instance" in self.__dict__:
            self.instance.dispose()
        EmbeddedPostgres(self.data_home).stop()
        shutil.rmtree(self.home)

    # ------------------------------------------------------------------------------------------------- labs

    def new_lab(self) -> LabInfo:
        """Make a lab and provision all its datasets."""
        lab = self.service.create_lab(self.definition)
        return self.service.change(lab.id, {kind: self.upload(kind) for kind in lab.definition.datasets})

    def upload(self, kind: DatasetKind, *, rows: int | None = None) -> str:
        lines = (self.files / f"{kind.value}.csv").read_bytes().splitlines(keepends=True)
        return self.service.upload_dataset(io.BytesIO(b"".join(lines[:rows])), f"{kind.value}.csv").manifest_hash

    def reprovision(self, lab: LabInfo, changes: Mapping[DatasetKind, str]) -> LabInfo:
        return self.service.change(lab.id, changes)

    def becomes(self, lab: LabInfo, state: LabState, seconds: float = PATIENCE) -> bool:
        """Wait for a state, also while the database is down."""

        def has_become() -> bool:
            with contextlib.suppress(RegistryError):
                return self.service.lab(lab.id).state.state is state
            return False

        return within(seconds, has_become)

    def told(self, lab: LabInfo) -> str:
        """What is known when something did not happen in time."""
        runs = [self.service.run(run.run_id) for run in self.service.runs(lab.id)]
        logs = [path.read_text()[-2_000:] for path in sorted((self.data_home / "logs").glob("*.log"))]
        return "\n".join(map(str, [self.said(), self.service.lab(lab.id).state, *runs, *logs]))

    def sensor(self, name: str) -> Any:
        """What Dagster knows of a sensor, after its first tick."""
        found: list[Any] = []

        def is_known() -> bool:
            found[:] = [state for state in self.instance.all_instigator_state() if state.name == name]
            return bool(found)

        assert within(PATIENCE, is_known), self.said()
        return found[0]

    def switch_off(self, sensor: str) -> None:
        """Switch a sensor off as a person does; a tick that is under way may store that it runs, so look again."""

        def stays_off() -> bool:
            state = self.sensor(sensor)
            self.instance.stop_sensor(state.instigator_origin_id, state.selector_id, None)
            time.sleep(5)
            return not self.sensor(sensor).is_running

        assert within(PATIENCE, stays_off), self.said()

    def running_run(self, lab: LabInfo, step: str | None = None) -> RunInfo:
        """Wait until a run of the lab is active and its `step` is done; return it."""
        found: list[RunInfo] = []

        def goes_on() -> bool:
            found[:] = [run for run in self.service.runs(lab.id) if not run.is_complete]
            if not found or step is None:
                return bool(found)
            return any(one.name == step and one.state == "SUCCESS" for one in self.service.run(found[0].run_id).steps)

        assert within(PATIENCE, goes_on), self.said()
        return found[0]

    def process_of(self, run: RunInfo) -> psutil.Process:
        """The process that executes a run."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            known = self.instance.get_run_by_id(run.run_id)
            name = process_of(known) if known else None
            found.extend([psutil.Process(int(name.split(":")[0]))] if name else [])
            return bool(found)

        assert within(PATIENCE, is_there)
        return found[0]

    def scratch(self) -> list[Path]:
        """Files in plain text in the home, of runs that are active or were killed."""
        folder = self.data_home / "scratch"
        return list(folder.iterdir()) if folder.exists() else []


def write_settings(folder: Path, **keys: Any) -> None:
    """Write a `dagster.yaml` like that of a deployment, with other values for some keys."""
    folder.mkdir()
    (folder / "dagster.yaml").write_text(yaml.safe_dump(yaml.safe_load(SETTINGS.read_text()) | keys))


def gone(process: psutil.Process) -> bool:
    return within(PATIENCE, lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False
