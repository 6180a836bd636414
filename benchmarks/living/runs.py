"""How long the run of a small lab takes: embedded, on a deployment, started by the sensor."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from datalab.formats import duration
from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.registry import LabState
from datalab_dagster.service import LabService

TIMES = 3


def measured(what: str, measure: Callable[[], float], pause: float = 0) -> list[float]:
    """Measure, print and return the seconds; `pause`: seconds before each, so that nothing else is being done."""
    seconds = []
    for _ in range(TIMES):
        time.sleep(pause)
        seconds.append(measure())
    print(f"{what}: {duration(statistics.median(seconds))} ({', '.join(map(duration, seconds))})", flush=True)
    return seconds


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
