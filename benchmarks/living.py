"""How long a running lab takes: `python -m benchmarks.living`; embedded, on a deployment, started by the sensor.

The lab is small (2,000 users): this measures the cost of a run, not of its data. Three of each; median and all.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from datalab.formats import duration
from datalab.home.up import running
from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.registry import EmbeddedPostgres, LabState
from datalab.sample import write_sample
from datalab_dagster.service import LabService, Role
from datalab_dagster.service.http import HttpService
from datalab_dagster.service.open import open_service

ME = "me@publisher.example"
TIMES = 3
DATALAB = str(Path(sys.executable).with_name("datalab"))


def main() -> None:
    """Measure, and print a line per interface."""
    home = Path(tempfile.mkdtemp(prefix="datalab-bench-"))
    os.environ["DATALAB_HOME"] = str(home / "home")
    write_sample(home / "files", users=2_000, seed=1)
    try:
        with open_service(ME) as service:
            measured("embedded: validate() to result", lambda: validated(service, home / "files"))
            service.accounts.add(ME, Role.PUBLISHER)
            _, token = service.accounts.create_token(ME, "bench", lifetime=timedelta(hours=1))
        up = subprocess.Popen([DATALAB, "up", "--port", "3997", "--portal-port", "3998"])
        try:
            while (record := running(home / "home")) is None or not answers(str(record.portal_url), token):
                time.sleep(0.5)
            with HttpService(str(record.portal_url), token) as remote:
                measured("over HTTP: validate() to result", lambda: validated(remote, home / "files"), pause=10)
                measured("the same, one directly after another", lambda: validated(remote, home / "files"))
                measured("deployment: provisioned to Ready by the sensor", lambda: provisioned(remote, home / "files"))
        finally:
            up.send_signal(signal.SIGINT)
            up.wait()
    finally:
        EmbeddedPostgres(home / "home").stop()
        shutil.rmtree(home)


def measured(what: str, measure: Callable[[], float], pause: float = 0) -> None:
    """Measure and print; `pause`: seconds before each, so that the deployment has a spare process again."""
    seconds = []
    for _ in range(TIMES):
        time.sleep(pause)
        seconds.append(measure())
    print(f"{what}: {duration(statistics.median(seconds))} ({', '.join(map(duration, seconds))})", flush=True)


def validated(service: LabService, files: Path) -> float:
    """Return the seconds from the request of a validation to its result."""
    lab = prepared(service, files)
    began = time.perf_counter()
    run = service.validate(lab)
    while not service.run(run.run_id).is_complete:
        time.sleep(0.1)
    return time.perf_counter() - began


def provisioned(service: LabService, files: Path) -> float:
    """Return the seconds from provisioning to Ready, without a request for a validation."""
    lab = prepared(service, files)
    began = time.perf_counter()
    while service.lab(lab).state.state is not LabState.READY:
        time.sleep(0.2)
    return time.perf_counter() - began


def prepared(service: LabService, files: Path) -> str:
    """Create a lab and provision the files; return its id."""
    lab = service.create_lab(load_lab(files / "LAB.json"))
    return service.change(lab.id, uploaded(service, files)).id


def uploaded(service: LabService, files: Path) -> dict[DatasetKind, str]:
    """Upload all four files; return their manifest hashes."""
    uploads = {kind: (files / f"{kind.value}.csv").read_bytes() for kind in DatasetKind}
    return {kind: service.upload_dataset(io.BytesIO(data), kind.value).manifest_hash for kind, data in uploads.items()}


def answers(url: str, token: str) -> bool:
    try:
        HttpService(url, token).close()
    except Exception:  # noqa: BLE001 - it is just starting
        return False
    return True


if __name__ == "__main__":
    main()
