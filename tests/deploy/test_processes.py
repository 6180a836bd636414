"""The processes of compose.yaml, each started by its own command in a container's environment: a lab becomes Ready."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from datalab.home.sources import file_variable
from datalab.registry import EmbeddedPostgres
from datalab.storage import Key
from datalab_dagster.graph.instance import open_instance
from datalab_dagster.up.health import CHECKS
from tests.deploy.files import COMPOSE, DAGSTER_HOME, HOME, WORKSPACE, entrypoint, instruction, secret_with_key
from tests.storage_home.conftest import ObjectStore, object_store
from tests.up.processes import free_port, mode_of, within

__all__ = ["object_store"]

BIN = Path(sys.executable).parent
USER = "anna@publisher.example"
SERVICES: dict[str, dict[str, Any]] = {name: service for name, service in COMPOSE["services"].items() if name in CHECKS}


@dataclass
class Containers:
    """Runs commands as containers would, with this machine's paths and free ports."""

    place: Path
    url: str
    storage: str = ""
    """As `DATALAB_STORAGE_URL`; empty: the home."""

    def __post_init__(self) -> None:
        self.home, self.dagster = self.place / "home", self.place / "dagster"
        self._ports = {port: str(free_port()) for port in ("3000", "4000", "8000")}
        (self.place / "secrets").mkdir()
        (self.place / "secrets" / "postgres_url").write_text(f"{self.url}\n")
        (self.place / "secrets" / "master_key").write_text(f"{Key().to_text()}\n")
        (self.place / "secrets" / "object_store").touch()
        workspace = json.loads(json.dumps(WORKSPACE))
        workspace["load_from"][0]["grpc_server"] |= {"host": "localhost", "port": int(self._ports["4000"])}
        (self.place / "workspace.yaml").write_text(yaml.safe_dump(workspace))
        self._make_dagster_home()

    def _make_dagster_home(self) -> None:
        """As the image does."""
        (made,) = re.findall(r"(python3 -c .*) > (?:.*)$", _line_with("dagster.yaml"), re.DOTALL)
        self.dagster.mkdir()
        made = made.replace("python3", sys.executable)
        settings = subprocess.run(["/bin/sh", "-c", made], capture_output=True, text=True, check=True).stdout
        (self.dagster / "dagster.yaml").write_text(settings)

    def use(self, store: ObjectStore) -> None:
        """Write the file that names an object store as the docs do, and make its bucket as compose does."""
        text = secret_with_key("object_store", "a key").replace("http://object-store:8333", store.endpoint)
        (self.place / "secrets" / "object_store").write_text(text)
        for _ in range(2):
            self.prints(*COMPOSE["services"]["bucket"]["command"])

    @property
    def environment(self) -> dict[str, str]:
        foreign = ("DATALAB_", "DAGSTER_", "AWS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        secrets = {
            variable: str(self.place / "secrets" / Path(path).name)
            for variable, path in SERVICES["portal"]["environment"].items()
            if path.startswith("/run/secrets/")
        }
        own = {
            "DATALAB_HOME": str(self.home),
            "DAGSTER_HOME": str(self.dagster),
            "DATALAB_USER": USER,
            "DATALAB_STORAGE_URL": self.storage,
        }
        return {**kept, **secrets, **own, "PATH": f"{BIN}:{kept['PATH']}"}

    def command(self, words: list[str]) -> list[str]:
        changed = []
        for word in words:
            for before, after in self._ports.items():
                word = re.sub(rf"(^|:){before}$", rf"\g<1>{after}", word)
            word = word.replace("webserver:", "localhost:").replace("0.0.0.0", "127.0.0.1")
            changed.append(word.replace("/opt/datalab/workspace.yaml", str(self.place / "workspace.yaml")))
        return [*entrypoint(), *changed]

    def prints(self, *words: str, given: str = "") -> str:
        done = subprocess.run(
            self.command(list(words)), env=self.environment, input=given, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def is_healthy(self, name: str) -> bool:
        check = SERVICES[name]["healthcheck"]["test"]
        assert check[0] == "CMD"
        return subprocess.run(self.command(check[1:]), env=self.environment).returncode == 0

    @contextmanager
    def running(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """One service, from its first answer on."""
        log = self.place / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(SERVICES[name]["command"]),
                env=self.environment,
                cwd=self.place,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        try:
            assert not self.is_healthy(name) or name == "daemon"
            answered = eventually(lambda: process.poll() is not None or self.is_healthy(name))
            assert answered and process.poll() is None, log.read_text()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            finally:
                process.kill()
                process.wait()


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether `holds`, which starts a process itself, becomes true in time."""
    return within(180, lambda: holds() or time.sleep(1))


def _line_with(word: str) -> str:
    line = instruction("RUN mkdir /opt/datalab/dagster")
    assert word in line
    return line.replace("\\\n", "")


@pytest.fixture(params=["home", "object store"])
def containers(request: pytest.FixtureRequest) -> Iterator[Containers]:
    place = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    server = EmbeddedPostgres(place / "database")
    server.start()
    try:
        if request.param == "home":
            yield Containers(place, server.url)
        else:
            containers = Containers(place, server.url, storage="s3://datalab/home")
            containers.use(request.getfixturevalue("object_store"))
            yield containers
    finally:
        server.stop()
        shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_lab_becomes_ready_in_processes_that_are_started_one_by_one(containers: Containers) -> None:
    containers.prints("datalab", "user", "add", USER, "--password-stdin", given="correct horse battery staple 7\n")
    with ExitStack() as stack:
        started = {name: stack.enter_context(containers.running(name)) for name in SERVICES}
        sample = containers.place / "sample"
        containers.prints("datalab", "sample", str(sample), "--users", "200")
        containers.prints("datalab", "lab", "create", str(sample / "LAB.json"), "--name", "Contained")
        files = [
            part
            for kind in ("identifiers", "segments", "demographics", "embeddings")
            for part in (f"--{kind}", str(sample / f"{kind}.csv"))
        ]
        containers.prints("datalab", "provision", "Contained", *files)
        ready = eventually(lambda: state(containers) == "Ready")
        assert ready, {name: (containers.place / f"{name}.log").read_text()[-2000:] for name in SERVICES}
        assert all(process.poll() is None for process in started.values())
        (run,) = json.loads(containers.prints("datalab", "runs", "Contained", "--json"))
        assert run["state"] == "FINISHED" and "provision" in run["cause"].lower(), run
        containers.prints("datalab", "validate", "Contained", "--again", "--wait")
        by_hand, _ = json.loads(containers.prints("datalab", "runs", "Contained", "--json"))
        assert by_hand["state"] == "FINISHED"
        with open_instance(containers.environment) as instance:
            found = instance.get_run_by_id(by_hand["runId"])
        assert found is not None and ".dagster/grpc_info" in found.tags, "the code server executes it"
    # Dagster's telemetry, which is off, makes two empty directories where it may. The image is read only.
    assert {path.name for path in containers.dagster.rglob("*")} <= {"dagster.yaml", "logs", ".logs_queue"}
    opened = [path for path in containers.home.rglob("*") if mode_of(path) & 0o077]
    assert opened == []
    assert (containers.home / "labs").exists() is not containers.storage.startswith("s3://")


def state(containers: Containers) -> str:
    (lab,) = json.loads(containers.prints("datalab", "status", "--json"))
    found = lab["state"]
    return str(found["state"] if isinstance(found, dict) else found)


def test_the_image_has_the_directories_that_compose_names() -> None:
    environment = instruction("ENV")
    assert f"DAGSTER_HOME={DAGSTER_HOME}" in environment and f"DATALAB_HOME={HOME}" in environment
    assert file_variable("DATALAB_MASTER_KEY") not in environment


def test_files_of_a_container_are_private_and_a_crash_leaves_no_memory() -> None:
    script = "umask; ulimit -c"
    done = subprocess.run([*entrypoint(), "/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0077", "0"]
