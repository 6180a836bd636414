"""What a living lab costs apart from its data: `python -m benchmarks.living [--labs 50] [--idle 60] [--out FILE]`.

Runs of a lab of 2,000 users, embedded, over HTTP, and started by the sensor (three of each; median and all); many labs
of 200 users provisioned together; what the deployment uses while nothing happens; the start of a command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.living.deployment import Deployment
from benchmarks.living.idle import idle
from benchmarks.living.many import provisioned_together
from benchmarks.living.runs import measured, provisioned, validated
from benchmarks.process import load, machine, measure
from benchmarks.programs import DATALAB
from datalab.formats import duration
from datalab.home.up import running
from datalab.registry import EmbeddedPostgres
from datalab.sample import write_sample
from datalab_dagster.service import Role
from datalab_dagster.service.http import HttpService
from datalab_dagster.service.open import open_service

ME = "me@publisher.example"
PORT, PORTAL_PORT = 3997, 3998
_SETTLED_SECONDS = 20.0
"""After the last run: by then its process has ended."""
_TIMES = 5


def main() -> None:
    """Measure, and print a line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labs", type=int, default=50, help="how many are provisioned together")
    parser.add_argument("--idle", type=float, default=60.0, help="for how many seconds nothing is done")
    parser.add_argument("--out", type=Path, help="write the numbers to this file")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load": load(),
    }
    started = [measure([str(DATALAB), "--help"]).cpu_seconds for _ in range(_TIMES)]
    found["helpCpuSeconds"] = started
    print(f"datalab --help: {duration(statistics.median(started))} of CPU", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="datalab-bench-"))
    home, files = directory / "home", directory / "files"
    os.environ["DATALAB_HOME"] = str(home)
    write_sample(files, users=2_000, seed=1)
    try:
        with open_service(ME) as service:
            found["embedded"] = measured("embedded: validate() to result", lambda: validated(service, files))
            service.accounts.add(ME, Role.PUBLISHER)
            _, token = service.accounts.create_token(ME, "bench", lifetime=timedelta(hours=1))
        with _up(home, token) as remote:
            found |= _deployment(remote, Deployment(home), files, options.labs, options.idle)
    finally:
        EmbeddedPostgres(home).stop()
        shutil.rmtree(directory)
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _deployment(remote: HttpService, deployment: Deployment, files: Path, labs: int, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "http": measured("over HTTP: validate() to result", lambda: validated(remote, files), pause=10),
        "httpAgain": measured("the same, one directly after another", lambda: validated(remote, files)),
    }
    cpu: list[float] = []

    def one() -> float:
        before = deployment.cpu_seconds()
        took = provisioned(remote, files)
        cpu.append(deployment.cpu_seconds() - before)
        return took

    found["provisioned"] = measured("deployment: provisioned to Ready by the sensor", one, pause=10)
    print(f"  CPU of all processes meanwhile: {duration(statistics.median(cpu))}", flush=True)
    found["provisionedCpuSeconds"] = cpu
    together = provisioned_together(remote, deployment, files, labs)
    found["together"] = asdict(together)
    each = duration(together.cpu_seconds / labs)
    print(f"{labs} labs provisioned together: {duration(together.seconds)}, {each} of CPU each", flush=True)
    time.sleep(_SETTLED_SECONDS)
    nothing = idle(deployment, seconds)
    nothing.print()
    found["idle"] = asdict(nothing)
    return found


@contextmanager
def _up(home: Path, token: str) -> Iterator[HttpService]:
    """Run `datalab up` and yield a client of it."""
    command = [str(DATALAB), "up", "--port", str(PORT), "--portal-port", str(PORTAL_PORT)]
    up = subprocess.Popen(command)
    try:
        while (record := running(home)) is None or not _answers(str(record.portal_url), token):
            time.sleep(0.5)
        with HttpService(str(record.portal_url), token) as remote:
            yield remote
    finally:
        up.send_signal(signal.SIGINT)
        up.wait()


def _answers(url: str, token: str) -> bool:
    try:
        HttpService(url, token).close()
    except Exception:  # noqa: BLE001 - it is just starting
        return False
    return True


if __name__ == "__main__":
    main()
