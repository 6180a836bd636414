"""The wheel, installed without the checkout: a user gets the same program, with the settings of Dagster in it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from datalab.registry import EmbeddedPostgres
from tests.up.processes import free_port
from tests.wheel.conftest import ROOT, Installed, environment_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STOCK = "storage:\n  postgres:\n    postgres_url:\n      env: DATALAB_POSTGRES_URL\n"
"""Settings of Dagster that name nothing of this project."""
SCRIPT = """
import datalab_dagster as dq
from datalab_dagster.data_lab import DataLabBuilder

with dq.create_client("me@publisher.example", "") as client:
    lab = DataLabBuilder(client).from_existing("Wheel").build()
    lab.run(again=True)
    reports = lab.get_validation_report(timeout=200)
    print(lab.is_validation_passed(reports), lab.get_enhanced_validation_status()["status"])
"""


@contextmanager
def running(installed: Installed, environment: dict[str, str], log: Path) -> Iterator[None]:
    """`datalab up` of the installed wheel."""
    ports = ["--port", str(free_port()), "--portal-port", str(free_port())]
    with log.open("w") as output:
        up = subprocess.Popen(
            [installed.bin / "datalab", "up", *ports], cwd=installed.work, env=environment, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + 120
        while "is running" not in log.read_text():
            assert up.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.5)
        yield
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


def becomes_ready(installed: Installed, environment: dict[str, str], work: Path) -> None:
    """A sample lab is validated automatically, then once more by a script of the user's."""
    installed.prints(environment, "datalab", "sample", str(work / "sample"), "--users", "500")
    files = [
        ("--" + kind, str(work / "sample" / f"{kind}.csv")) for kind in ("identifiers", "segments", "demographics")
    ]
    files.append(("--embeddings", str(work / "sample" / "embeddings.csv")))
    installed.prints(environment, "datalab", "lab", "create", str(work / "sample" / "LAB.json"), "--name", "Wheel")
    installed.prints(environment, "datalab", "provision", "Wheel", *(part for pair in files for part in pair))
    assert "SUCCESS" in installed.prints(environment, "datalab", "validate", "Wheel", "--wait")
    (work / "script.py").write_text(SCRIPT)
    assert installed.prints(environment, "python", str(work / "script.py")).split() == ["True", "SUCCESS"]
    assert "the current result): SUCCESS" in installed.prints(environment, "datalab", "results", "Wheel")
    runs = installed.prints(environment, "datalab", "runs", "Wheel", "--json")
    assert runs.count('"FINISHED"') == 2, runs


def test_it_holds_the_settings_of_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in ("dagster.yaml", "workspace.yaml"):
            assert archive.read(f"datalab_dagster/graph/{name}") == (ROOT / name).read_bytes()
        marked = {name.split("/")[0] for name in archive.namelist() if name.endswith("/py.typed")}
    assert marked == {"datalab", "datalab_dagster", "assets", "resources"}


def test_types_of_a_users_script_are_checked(installed: Installed) -> None:
    script = installed.work / "typed.py"
    script.write_text(SCRIPT)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed.bin / "python", script]
    done = subprocess.run(mypy, cwd=installed.work, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    script.write_text(SCRIPT.replace("lab.run(again=True)", "lab.run(again='yes')"))
    assert "arg-type" in subprocess.run(mypy, cwd=installed.work, capture_output=True, text=True).stdout


def test_a_lab_becomes_ready(installed: Installed, place: Path) -> None:
    environment = environment_of(place / "home")
    with running(installed, environment, place / "up.log"):
        becomes_ready(installed, environment, place)
    assert (place / "home" / "dagster" / "dagster.yaml").read_bytes() == (ROOT / "dagster.yaml").read_bytes()


def test_a_lab_becomes_ready_with_stock_dagster(installed: Installed, place: Path) -> None:
    """Stock storage, launcher and queue, in a directory of their own."""
    server = EmbeddedPostgres(place / "database")
    server.start()
    settings = place / "own" / "dagster.yaml"
    settings.parent.mkdir()
    settings.write_text(STOCK)
    more = {"DATALAB_POSTGRES_URL": server.url, "DAGSTER_HOME": str(settings.parent)}
    environment = environment_of(place / "home", **more)
    try:
        with running(installed, environment, place / "up.log"):
            becomes_ready(installed, environment, place)
    finally:
        assert server.stop()
    assert settings.read_text() == STOCK
    assert not (place / "home" / "dagster").exists()
