"""The programs that are measured on a lab, each in a process of its own: the floor, preflight, validation alone."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.labs import PreparedLab
from benchmarks.process import Measured, load, measure
from datalab.kinds import DatasetKind
from datalab.results.files import VALIDATION_REPORT

DATALAB = Path(sys.executable).with_name("datalab")
"""The command that is installed with this Python."""


@dataclass(frozen=True)
class Run:
    """One run of a program."""

    seconds: float
    cpu_seconds: float
    """Of all its processes, user and system."""
    peak_bytes: int
    load: float
    """The load of the machine before it, over one minute."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """Of a preflight: the seconds of each step."""

    @property
    def cores(self) -> float:
        """How many cores were busy on average."""
        return self.cpu_seconds / self.seconds


class Runs(list[Run]):
    """The runs of one program on one lab."""

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(run.cpu_seconds for run in self)

    @property
    def cores(self) -> float:
        return statistics.median(run.cores for run in self)

    @property
    def peak_bytes(self) -> int:
        """The largest peak of all."""
        return max(run.peak_bytes for run in self)

    @property
    def steps(self) -> dict[str, float]:
        """The median seconds of each step."""
        return {step: statistics.median(run.steps[step] for run in self) for step in self[0].steps}


class WrongResult(SystemExit):
    """A program failed, or its result is not that of the lab: its figures mean nothing."""


def run_floor(lab: PreparedLab, rounds: int = 1) -> Run:
    """Measure the copies of the floor, without the start of its process; of several rounds the best."""
    before, done = _measured([sys.executable, "-m", "benchmarks.floor", str(lab.directory), str(rounds)])
    found = json.loads(done.stdout)
    return Run(sum(found["seconds"].values()), sum(found["cpuSeconds"].values()), found["peakBytes"], before)


def run_validation(lab: PreparedLab) -> Run:
    """Measure validation through the graph, and nothing after it."""
    before, done = _measured([sys.executable, "-m", "benchmarks.validation_layer", str(lab.directory)])
    return Run(done.seconds, done.cpu_seconds, done.peak_bytes, before)


def run_preflight(lab: PreparedLab, program: Path = DATALAB) -> Run:
    """Measure `datalab preflight` from its start to its exit, and compare its reports with the lab.

    Raises:
        WrongResult: rows or invalid rows are not those that were generated.
    """
    out = lab.directory / "preflight-out"
    shutil.rmtree(out, ignore_errors=True)
    files = [word for kind, path in lab.files.items() for word in (f"--{kind}", str(path))]
    command = [str(program), "preflight", str(lab.definition), *files, "--out", str(out), "--json"]
    before, done = _measured(command, codes=(0, 1))  # 1: the lab would not be Ready
    reports = {kind: out / kind / VALIDATION_REPORT.name for kind in DatasetKind}
    if not all(path.is_file() for path in reports.values()):
        raise WrongResult(f"datalab preflight wrote no reports:\n{done.stderr}")
    for kind, path in reports.items():
        found = _rows(json.loads(path.read_bytes())["report"])
        wanted = (lab.rows[kind], lab.invalid_rows.get(kind, found[1]))
        if found != wanted:
            raise WrongResult(f"{kind} of {lab.name}: {found} rows and invalid rows, not {wanted}")
    steps = json.loads(done.stdout)["secondsByStep"]
    shutil.rmtree(out, ignore_errors=True)
    return Run(done.seconds, done.cpu_seconds, done.peak_bytes, before, steps)


def read_once(lab: PreparedLab) -> None:
    """Read the files into the page cache, so that the first run does not wait for the disk."""
    for path in lab.files.values():
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass


def _measured(command: Sequence[str], codes: tuple[int, ...] = (0,)) -> tuple[float, Measured]:
    # Writes of earlier runs that are still pending must not slow this run down.
    os.sync()
    before = load()
    done = measure(command)
    if done.exit_code not in codes:
        raise WrongResult(f"{' '.join(command[:3])} failed with exit code {done.exit_code}:\n{done.stderr}")
    return before, done


def _rows(report: dict[str, Any]) -> tuple[int, int]:
    """Return how many rows a report counts, and how many of them are invalid."""
    if "invalidRows" in report:
        return report["numRowsTotal"], report["invalidRows"]["totalInvalidRows"]
    return report["numRowsTotal"], report["numInvalidRowsTotal"]
