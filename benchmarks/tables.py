"""The tables that benchmarks print, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.programs import Runs
from datalab.formats import number


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


def print_runs(title: str, programs: Mapping[str, Runs], rows: int) -> None:
    """Print a line per program: medians of its runs on a lab of `rows` rows, and the largest peak."""
    heading = f"{title}, {number(rows)} rows"
    print(f"\n{heading:<36}{'seconds':>9}{'CPU s':>9}{'cores':>7}{'rows/s':>13}{'peak MiB':>10}{'load':>6}")
    for name, runs in programs.items():
        print(
            f"{name:<36}{runs.seconds:>9.2f}{runs.cpu_seconds:>9.2f}{runs.cores:>7.2f}"
            f"{number(round(rows / runs.seconds)):>13}{number(round(runs.peak_bytes / 2**20)):>10}"
            f"{max(run.load for run in runs):>6.1f}"
        )


def print_ratio(seconds: float, cpu_seconds: float) -> None:
    """Print the ratios of preflight to the floor."""
    print(f"{'preflight to the floor':<36}{seconds:>8.2f}×{cpu_seconds:>8.2f}×")


def print_steps(steps: Mapping[str, float]) -> None:
    """Print the seconds of each step, the slowest first."""
    for step, seconds in sorted(steps.items(), key=lambda item: -item[1]):
        print(f"  {step:<34}{seconds:>9.2f}")


def print_goals(goals: Sequence[Goal]) -> None:
    """Print what was measured and the goals."""
    print(f"\n{'goal':<30}{'measured':>14}{'limit':>14}")
    for goal in goals:
        measured, limit = f"{goal.value:.2f} {goal.unit}", f"≤ {goal.limit:.2f} {goal.unit}"
        print(f"{goal.name:<30}{measured:>14}{limit:>14}   {'met' if goal.met else 'MISSED'}")
