"""Many small labs that are provisioned together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.living.deployment import Deployment
from benchmarks.living.runs import uploaded
from datalab.lab import load_lab
from datalab.registry import LabState
from datalab.sample import write_sample
from datalab_dagster.service import LabService

USERS = 200


@dataclass(frozen=True)
class Together:
    """From the first provisioning to the last lab that is Ready."""

    labs: int
    seconds: float
    cpu_seconds: float
    """Of all processes of the deployment."""


def provisioned_together(service: LabService, deployment: Deployment, files: Path, labs: int) -> Together:
    """Provision `labs` labs with data of their own, one after the other without a pause, and wait until all are Ready.

    Raises:
        SystemExit: one of them is not.
    """
    changes = {}
    for number in range(labs):
        directory = files / f"lab-{number}"
        write_sample(directory, users=USERS, seed=100 + number)
        lab = service.create_lab(load_lab(directory / "LAB.json"))
        changes[lab.id] = uploaded(service, directory)
    before, began = deployment.cpu_seconds(), time.perf_counter()
    for id_, datasets in changes.items():
        service.change(id_, datasets)
    waiting = set(changes)
    while waiting:
        time.sleep(0.5)
        states = {lab.id: lab.state.state for lab in service.labs()}
        waiting = {lab for lab in waiting if states[lab] is not LabState.READY}
        if failed := [lab for lab in waiting if states[lab] is LabState.FAILED]:
            raise SystemExit(f"{len(failed)} of {labs} labs failed")
    seconds = time.perf_counter() - began
    return Together(labs, seconds, deployment.cpu_seconds() - before)
