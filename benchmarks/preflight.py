"""Time and memory of `datalab preflight` on labs of several shapes, compared with DuckDB copying the same files.

    python -m benchmarks.preflight                              reference, longids and sample, generated once
    python -m benchmarks.preflight --lab quoted --lab shared    other shapes; --lab all: every one
    python -m benchmarks.preflight --scale 0.1                  quick; the start of the process then counts more
    python -m benchmarks.preflight --repeat 5                   floor and preflight in turn; medians count

Prints a line per program with the time from start to exit, CPU seconds (children included), how many cores were busy
and the peak memory, then the ratios to the floor (`benchmarks.floor`) and a line per step. A ratio is the median over
the turns. A result that is not that of the lab stops the measurement.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.labs import SAMPLE, SHAPES, PreparedLab, prepared_lab
from benchmarks.process import load, machine
from benchmarks.programs import DATALAB, Runs, read_once, run_floor, run_preflight
from benchmarks.tables import print_ratio, print_runs, print_steps

STANDARD = ("reference", "longids", SAMPLE)
"""The labs that are measured if none is named."""
ALL = "all"
RESULTS = Path(__file__).parent / "results"


@dataclass
class Compared:
    """The runs of the floor and of preflight on one lab, turn by turn."""

    lab: PreparedLab
    floor: Runs = field(default_factory=Runs)
    preflight: Runs = field(default_factory=Runs)

    def turn(self, program: Path) -> None:
        """Measure both once."""
        self.floor.append(run_floor(self.lab))
        self.preflight.append(run_preflight(self.lab, program))

    @property
    def ratio(self) -> float:
        """Preflight to the floor in seconds, the median of the turns."""
        return statistics.median(
            ours.seconds / floor.seconds for ours, floor in zip(self.preflight, self.floor, strict=True)
        )

    @property
    def cpu_ratio(self) -> float:
        """The same of CPU seconds."""
        return statistics.median(
            ours.cpu_seconds / floor.cpu_seconds for ours, floor in zip(self.preflight, self.floor, strict=True)
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": sum(self.lab.rows.values()),
            "invalidRows": sum(self.lab.invalid_rows.values()),
            "ratio": self.ratio,
            "cpuRatio": self.cpu_ratio,
            "floor": [asdict(run) for run in self.floor],
            "preflight": [asdict(run) for run in self.preflight],
        }


def compared(directory: Path, names: list[str], scale: float, repeat: int, program: Path) -> list[Compared]:
    """Prepare the labs and measure them in turn, one program at a time."""
    labs = [Compared(prepared_lab(directory / name, name, scale)) for name in names]
    for lab in labs:
        read_once(lab.lab)
    for _ in range(repeat):
        for lab in labs:
            lab.turn(program)
    return labs


def main() -> None:
    """Measure with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = (*SHAPES, SAMPLE)
    parser.add_argument("--lab", action="append", choices=(*names, ALL), help=f"default: {', '.join(STANDARD)}")
    parser.add_argument("--directory", type=Path, default=Path("bench-lab"), help="where labs are (default: bench-lab)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of a lab's rows")
    parser.add_argument("--repeat", type=int, default=1, help="turns")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--save", action="store_true", help="write the numbers to benchmarks/results/")
    parser.add_argument("--program", type=Path, default=DATALAB, help="the datalab to measure")
    options = parser.parse_args()
    if options.scale <= 0 or options.repeat < 1:
        parser.error("--scale must be above 0 and --repeat at least 1")
    wanted = options.lab or STANDARD
    before = load()
    labs = compared(
        options.directory.resolve(),
        [name for name in names if name in wanted or ALL in wanted],
        options.scale,
        options.repeat,
        options.program,
    )
    for lab in labs:
        print_runs(lab.lab.name, {"floor": lab.floor, "preflight": lab.preflight}, sum(lab.lab.rows.values()))
        print_ratio(lab.ratio, lab.cpu_ratio)
        print_steps(lab.preflight.steps)
    now = datetime.now(UTC)
    numbers = {
        "measuredAt": now.isoformat(timespec="seconds"),
        "scale": options.scale,
        "machine": machine(),
        "load": {"before": before, "after": load()},
        "labs": {lab.lab.name: lab.as_json() for lab in labs},
    }
    targets = [options.json] if options.json else []
    if options.save:
        targets.append(RESULTS / f"preflight-{now:%Y-%m-%d}-scale-{options.scale:g}.json")
    for target in targets:
        target.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
