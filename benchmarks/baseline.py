"""CPU seconds as ratios to the floor on small labs, and the stored ones: what a lost gain is noticed by.

    python -m benchmarks.baseline             measures, and prints the ratios and the stored ones
    python -m benchmarks.baseline --write     stores them; say in the changelog why they changed

`tests/benchmarks/test_speed.py` compares. On labs of this size most of `datalab preflight` is its start, so the passes
of validation are a ratio of their own. All programs take turns, and the least CPU seconds of each count: other work on
the machine can only add to them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.labs import PreparedLab, prepared_lab
from benchmarks.preflight import STANDARD
from benchmarks.process import measure
from benchmarks.programs import WrongResult, run_floor, run_preflight
from datalab.formats import number

SCALE = 0.02
TURNS = 3
MARGIN = 1.25
"""How much a ratio may be above the stored one: the same run varies by 15 % on a busy machine."""
STORED = Path(__file__).parent / "results" / "baseline.json"
_ROUNDS = 3

Ratios = dict[str, float]


@dataclass
class Least:
    """The least CPU seconds so far of the programs on one lab."""

    lab: PreparedLab
    cpu_seconds: dict[str, float] = field(default_factory=dict)

    def turn(self) -> Ratios:
        """Measure every program once more and return the ratios to the floor."""
        self._add("floor", run_floor(self.lab, _ROUNDS).cpu_seconds)
        self._add("preflight", run_preflight(self.lab).cpu_seconds)
        done = measure([sys.executable, "-m", "benchmarks.passes", str(self.lab.directory), str(_ROUNDS)])
        if done.exit_code:
            raise WrongResult(f"the passes of validation failed:\n{done.stderr}")
        self._add("passes", sum(json.loads(done.stdout)["cpuSeconds"].values()))
        floor = self.cpu_seconds["floor"]
        return {name: seconds / floor for name, seconds in self.cpu_seconds.items() if name != "floor"}

    def _add(self, program: str, seconds: float) -> None:
        self.cpu_seconds[program] = min(seconds, self.cpu_seconds.get(program, seconds))


def stored() -> dict[str, Ratios]:
    """Return the stored ratios of each lab."""
    ratios: dict[str, Ratios] = json.loads(STORED.read_text(encoding="utf-8"))
    return ratios


def too_high(ratios: Ratios, baseline: Ratios) -> list[str]:
    """Return the programs whose ratio is above the stored one and the margin.

    >>> too_high({"preflight": 12.6, "passes": 2.4}, {"preflight": 10.0, "passes": 2.0})
    ['preflight']
    """
    return [name for name, ratio in ratios.items() if ratio > baseline[name] * MARGIN]


def measured(directory: Path, turns: int = TURNS) -> Iterator[tuple[str, Ratios]]:
    """Yield the ratios of each standard lab."""
    for name in STANDARD:
        least = Least(prepared_lab(directory / name, name, SCALE))
        yield name, [least.turn() for _ in range(turns)][-1]


def main() -> None:
    """Measure, print, and store if wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    found: dict[str, Ratios] = {}
    before = stored() if STORED.exists() else {}
    with tempfile.TemporaryDirectory(prefix="datalab-bench-") as directory:
        for name, ratios in measured(Path(directory), options.turns):
            found[name] = {program: round(ratio, 2) for program, ratio in ratios.items()}
            for program, ratio in found[name].items():
                was = before.get(name, {}).get(program)
                print(
                    f"{name} {program}: {number(ratio)}, stored {'nothing' if was is None else number(was)}", flush=True
                )
    if options.write:
        STORED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
