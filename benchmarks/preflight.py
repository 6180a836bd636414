"""Time and memory of checking and profiling a whole lab, compared with DuckDB copying the same files.

    python -m benchmarks.preflight                   the reference lab: 35 M rows, 1.8 GB, generated once
    python -m benchmarks.preflight --scale 0.1       quick; the start of the process then counts more
    python -m benchmarks.preflight --repeat 3        interleaved runs; the best time and the largest memory count
    python -m benchmarks.preflight --json OUT.json   the numbers for machines (--save: into benchmarks/results/)

Prints one line per run, then the goals as ratios to the floor (`benchmarks.floor`): validation through the graph, the
whole of `datalab preflight`, and the steps of it that compute statistics; peak memory, also of half the rows; half a
million invalid rows; ten matching ids. Times are those of whole processes, start to exit, except for the floor, which
is the time of its COPY statements, and the statistics.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import datalab.kinds
import datalab.sample
from benchmarks.process import machine, measure
from datalab.formats import duration, number
from datalab.kinds import DatasetKind
from datalab.results.files import VALIDATION_REPORT
from datalab.sample import write_sample
from datalab.statistics import PANELS

REFERENCE_USERS = 4_000_000
DIMENSIONS = 32
# A little more than half a million, because rows with an unknown id name are accepted.
DIRTY = 515_000 / 35_000_000
FLOOR, VALIDATION, PREFLIGHT = "floor", "validation", "preflight"
STATISTICS_STEPS = {"users", "statistics_report", *(panel.name for panel in PANELS)}
RESULTS = Path(__file__).parent / "results"


@dataclass
class Run:
    """The measurements of one program over all repeats."""

    name: str
    seconds: float = float("inf")
    cpu_seconds: float = float("inf")
    peak_bytes: int = 0
    rows: int = 0
    invalid_rows: int = 0
    statistics_seconds: float = float("inf")
    """Of a preflight: the steps that compute statistics, from `users` to the report."""

    def add(self, seconds: float, cpu_seconds: float, peak_bytes: int) -> None:
        """Keep the best times and the largest memory."""
        self.seconds = min(self.seconds, seconds)
        self.cpu_seconds = min(self.cpu_seconds, cpu_seconds)
        self.peak_bytes = max(self.peak_bytes, peak_bytes)


@dataclass(frozen=True)
class Goal:
    """An upper limit."""

    name: str
    value: float
    limit: float
    unit: str = "×"

    @property
    def met(self) -> bool:
        return self.value <= self.limit


def prepared_lab(directory: Path, scale: float, dirty: float) -> Path:
    """Generate the lab unless `directory` already holds it, according to its manifest."""
    users = max(round(REFERENCE_USERS * scale), 1)
    wanted = {"users": users, "dimensions": DIMENSIONS, "dirty": dirty, "seed": 0, "generator": _generator_version()}
    manifest = directory / "bench.json"
    if manifest.exists() and json.loads(manifest.read_text(encoding="utf-8")) == wanted:
        return directory
    manifest.unlink(missing_ok=True)
    started = time.perf_counter()
    sample = write_sample(directory, users=users, dimensions=DIMENSIONS, dirty=dirty, seed=0)
    manifest.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    rows = sum(sample.rows.values())
    print(f"generated {directory}: {number(rows)} rows in {duration(time.perf_counter() - started)}", flush=True)
    return directory


def run_floor(lab: Path, run: Run) -> None:
    """Measure the floor on `lab` in a separate process."""
    os.sync()
    done = measure([sys.executable, "-m", "benchmarks.floor", str(lab)])
    if done.exit_code:
        raise SystemExit(f"The floor failed with exit code {done.exit_code}:\n{done.stderr}")
    found = json.loads(done.stdout)
    run.add(found["seconds"], found["cpuSeconds"], found["peakBytes"])


def run_preflight(program: Path, lab: Path, run: Run) -> None:
    """Measure `datalab preflight` on `lab` and read from its reports how much it checked."""
    out = lab / "preflight-out"
    shutil.rmtree(out, ignore_errors=True)
    files = [word for kind in DatasetKind for word in (f"--{kind}", str(lab / f"{kind}.csv"))]
    # Writes of earlier runs that are still pending must not slow this run down.
    os.sync()
    done = measure([str(program), "preflight", str(lab / "LAB.json"), *files, "--out", str(out), "--json"])
    paths = [out / kind / VALIDATION_REPORT.name for kind in DatasetKind]
    if done.exit_code not in (0, 1) or not all(path.is_file() for path in paths):
        raise SystemExit(f"datalab preflight failed with exit code {done.exit_code}:\n{done.stderr}")
    run.add(done.seconds, done.cpu_seconds, done.peak_bytes)
    steps = json.loads(done.stdout)["secondsByStep"]
    statistics = sum(seconds for step, seconds in steps.items() if step in STATISTICS_STEPS)
    run.statistics_seconds = min(run.statistics_seconds, statistics)
    reports = [json.loads(path.read_bytes())["report"] for path in paths]
    run.rows = sum(report["numRowsTotal"] for report in reports)
    run.invalid_rows = sum(_invalid(report) for report in reports)
    shutil.rmtree(out, ignore_errors=True)


def run_validation(lab: Path, run: Run) -> None:
    """Measure validation alone, through the graph."""
    os.sync()
    done = measure([sys.executable, "-m", "benchmarks.validation_layer", str(lab)])
    if done.exit_code:
        raise SystemExit(f"validation failed with exit code {done.exit_code}:\n{done.stderr}")
    run.add(done.seconds, done.cpu_seconds, done.peak_bytes)


def matching_ids_ratio(lab: Path) -> float:
    """Return the time of statistics with ten matching ids, as a multiple of that with one."""
    done = measure([sys.executable, "-m", "benchmarks.matching_ids", str(lab)])
    if done.exit_code:
        raise SystemExit(f"ten matching ids failed with exit code {done.exit_code}:\n{done.stderr}")
    found = json.loads(done.stdout)
    return float(found["ten"] / found["one"])


def measure_all(program: Path, directory: Path, scale: float, repeat: int) -> dict[str, Run]:
    """Prepare the labs and measure everything `repeat` times, one at a time."""
    labs = {
        "": prepared_lab(directory / "full", scale, 0.0),
        ", half the rows": prepared_lab(directory / "half", scale / 2, 0.0),
        ", dirty": prepared_lab(directory / "dirty", scale, DIRTY),
    }
    for lab in labs.values():
        _read_once(lab)
    kinds = (VALIDATION, PREFLIGHT)
    runs = {name: Run(name) for name in (FLOOR, *(f"{kind}{variant}" for variant in labs for kind in kinds))}
    for _ in range(repeat):
        run_floor(labs[""], runs[FLOOR])
        for variant, lab in labs.items():
            run_validation(lab, runs[f"{VALIDATION}{variant}"])
            run_preflight(program, lab, runs[f"{PREFLIGHT}{variant}"])
    for name, run in runs.items():
        if not name.startswith(PREFLIGHT):
            same = runs[f"{PREFLIGHT}{name.removeprefix(VALIDATION).removeprefix(FLOOR)}"]
            run.rows, run.invalid_rows = same.rows, same.invalid_rows
    return runs


def goals(runs: dict[str, Run], matching_ids: float) -> list[Goal]:
    """Return the goals of the project with the measured values."""
    floor, validation, preflight = runs[FLOOR], runs[VALIDATION], runs[PREFLIGHT]
    half, dirty = runs[f"{VALIDATION}, half the rows"], runs[f"{VALIDATION}, dirty"]
    return [
        Goal("validation to the floor", validation.seconds / floor.seconds, 2.5),
        Goal("validation, peak memory", validation.peak_bytes / 2**30, 1.5, "GiB"),
        Goal("validation, all rows to half", validation.peak_bytes / half.peak_bytes, 1.15, "× memory"),
        Goal("validation, dirty to clean", dirty.seconds / validation.seconds, 2.0),
        Goal("preflight to the floor", preflight.seconds / floor.seconds, 3.5),
        Goal("preflight, peak memory", preflight.peak_bytes / 2**30, 2.0, "GiB"),
        Goal("statistics to the floor", preflight.statistics_seconds / floor.seconds, 1.0),
        Goal("ten matching ids to one", matching_ids, 2.0),
    ]


def print_tables(runs: dict[str, Run], reached: list[Goal]) -> None:
    """Print the runs and the goals for people."""
    print(f"\n{'run':<28}{'seconds':>9}{'CPU s':>9}{'rows':>13}{'rows/s':>13}{'invalid':>10}{'peak MiB':>10}")
    for run in runs.values():
        print(
            f"{run.name:<28}{run.seconds:>9.2f}{run.cpu_seconds:>9.2f}{number(run.rows):>13}"
            f"{number(round(run.rows / run.seconds)):>13}{number(run.invalid_rows):>10}"
            f"{number(round(run.peak_bytes / 2**20)):>10}"
        )
    print(f"\n{'goal':<28}{'measured':>14}{'limit':>14}")
    for goal in reached:
        measured, limit = f"{goal.value:.2f} {goal.unit}", f"≤ {goal.limit:.2f} {goal.unit}"
        print(f"{goal.name:<28}{measured:>14}{limit:>14}   {'met' if goal.met else 'MISSED'}")


def as_json(runs: dict[str, Run], reached: list[Goal], scale: float, repeat: int) -> dict[str, Any]:
    """Return everything measured, with the machine it was measured on."""
    return {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "scale": scale,
        "repeat": repeat,
        "machine": machine(),
        "runs": [asdict(run) for run in runs.values()],
        "goals": [{**asdict(goal), "met": goal.met} for goal in reached],
    }


def _invalid(report: dict[str, Any]) -> int:
    if "invalidRows" in report:
        return int(report["invalidRows"]["totalInvalidRows"])
    return int(report["numInvalidRowsTotal"])


def _read_once(lab: Path) -> None:
    """Read the files into the page cache, so that the first run does not wait for the disk."""
    for kind in DatasetKind:
        with (lab / f"{kind}.csv").open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass


def _generator_version() -> str:
    """Return a digest of the generator's code and of its inputs: a changed generator makes a different lab."""
    folders = (Path(package.__file__).parent for package in (datalab.kinds, datalab.sample) if package.__file__)
    modules = [module for folder in folders for module in sorted(folder.glob("*.py"))]
    return hashlib.sha256(b"".join(module.read_bytes() for module in modules)).hexdigest()[:16]


def main() -> None:
    """Run the benchmark with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", type=Path, default=Path("bench-lab"), help="where the labs are (default: bench-lab)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the reference lab's rows")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, interleaved")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--save", action="store_true", help="write the numbers to benchmarks/results/")
    parser.add_argument(
        "--program",
        type=Path,
        default=Path(sys.executable).with_name("datalab"),
        help="the datalab to measure (default: the one installed with this Python)",
    )
    options = parser.parse_args()
    if options.scale <= 0 or options.repeat < 1:
        parser.error("--scale must be above 0 and --repeat at least 1")
    runs = measure_all(options.program, options.lab.resolve(), options.scale, options.repeat)
    reached = goals(runs, matching_ids_ratio(options.lab.resolve() / "full"))
    print_tables(runs, reached)
    numbers = as_json(runs, reached, options.scale, options.repeat)
    targets = [options.json] if options.json else []
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        targets.append(RESULTS / f"preflight-{numbers['measuredAt'][:10]}-scale-{options.scale:g}.json")
    for target in targets:
        target.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
