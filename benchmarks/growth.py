"""How time and memory grow with rows, faults and matching ids, on labs that `datalab sample` writes.

    python -m benchmarks.growth                 35 M rows, half of them, and half a million invalid ones; generated once
    python -m benchmarks.growth --scale 0.1     quick; the start of the process then counts more

Prints a line per program and lab, then the goals. `benchmarks.preflight` compares labs of other shapes with the floor.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.labs import SAMPLE, PreparedLab, prepared_lab
from benchmarks.process import load, machine, measure
from benchmarks.programs import Runs, WrongResult, read_once, run_floor, run_preflight, run_validation
from benchmarks.tables import Goal, print_goals, print_runs
from datalab.statistics import PANELS

# A little more than half a million, because rows with an unknown id name are accepted.
DIRTY = 515_000 / 35_000_000
STATISTICS_STEPS = {"users", "statistics_report", *(panel.name for panel in PANELS)}
WHOLE, HALF, WITH_FAULTS = "sample", "half the rows", "half a million invalid rows"


def matching_ids_ratio(lab: PreparedLab) -> float:
    """Return the time of statistics with ten matching ids, as a multiple of that with one."""
    done = measure([sys.executable, "-m", "benchmarks.matching_ids", str(lab.directory)])
    if done.exit_code:
        raise WrongResult(f"ten matching ids failed with exit code {done.exit_code}:\n{done.stderr}")
    found = json.loads(done.stdout)
    return float(found["ten"] / found["one"])


def goals(runs: dict[str, dict[str, Runs]], matching_ids: float) -> list[Goal]:
    """Return the goals of the project with the measured values."""
    floor, validation, preflight = (runs[WHOLE][name] for name in ("floor", "validation", "preflight"))
    half, dirty = runs[HALF]["validation"], runs[WITH_FAULTS]["validation"]
    statistics = sum(seconds for step, seconds in preflight.steps.items() if step in STATISTICS_STEPS)
    return [
        Goal("validation to the floor", validation.seconds / floor.seconds, 2.5),
        Goal("validation, peak memory", validation.peak_bytes / 2**30, 1.5, "GiB"),
        Goal("validation, all rows to half", validation.peak_bytes / half.peak_bytes, 1.15, "× memory"),
        Goal("validation, dirty to clean", dirty.seconds / validation.seconds, 2.0),
        Goal("preflight to the floor", preflight.seconds / floor.seconds, 3.5),
        Goal("preflight, peak memory", preflight.peak_bytes / 2**30, 2.0, "GiB"),
        Goal("statistics to the floor", statistics / floor.seconds, 1.0),
        Goal("ten matching ids to one", matching_ids, 2.0),
    ]


def main() -> None:
    """Measure with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, default=Path("bench-lab"), help="where labs are (default: bench-lab)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the lab's rows")
    parser.add_argument("--repeat", type=int, default=1, help="turns; medians count")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    options = parser.parse_args()
    directory, scale, before = options.directory.resolve(), options.scale, load()
    labs = {
        WHOLE: prepared_lab(directory / SAMPLE, SAMPLE, scale),
        HALF: prepared_lab(directory / "half", SAMPLE, scale / 2),
        WITH_FAULTS: prepared_lab(directory / "dirty", SAMPLE, scale, dirty=DIRTY),
    }
    programs = {"validation": run_validation, "preflight": run_preflight}
    runs = {name: {program: Runs() for program in programs} for name in labs}
    runs[WHOLE]["floor"] = Runs()
    for lab in labs.values():
        read_once(lab)
    for _ in range(options.repeat):
        runs[WHOLE]["floor"].append(run_floor(labs[WHOLE]))
        for name, lab in labs.items():
            for program, run in programs.items():
                runs[name][program].append(run(lab))
    for name, lab in labs.items():
        print_runs(name, runs[name], sum(lab.rows.values()))
    reached = goals(runs, matching_ids_ratio(labs[WHOLE]))
    print_goals(reached)
    if options.json:
        numbers = {
            "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "scale": scale,
            "machine": machine(),
            "load": {"before": before, "after": load()},
            "runs": {
                name: {program: [asdict(run) for run in found] for program, found in of.items()}
                for name, of in runs.items()
            },
            "goals": [{**asdict(goal), "met": goal.met} for goal in reached],
        }
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
