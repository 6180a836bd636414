"""Runs and results on the terminal: progress, causes, findings. This module only prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from datalab.dashboard.activity import what_ran
from datalab.dashboard.summary import matchable_lines
from datalab.dashboard.verdicts import first_cause, with_consequences
from datalab.formats import duration, number
from datalab.kinds import KINDS, DatasetKind
from datalab.results.matchable import MatchableUsers
from datalab.statistics.cause import Cause
from datalab_dagster.cli.listing import (
    console_for_text,
    line,
    print_causes,
    print_table,
    short,
    when,
)
from datalab_dagster.service import ResultInfo, RunInfo, RunState

_WORDS = {
    RunState.STARTED: "[cyan]running[/]",
    RunState.FINISHED: "finished",
    RunState.FAILED: "[red]failed[/]",
    RunState.SUPERSEDED: "stopped",
    RunState.CANCELLED: "[yellow]cancelled[/]",
}
_STEPS = {
    "PENDING": "waits",
    "RUNNING": "[cyan]runs[/]",
    "SUCCESS": "[green]done[/]",
    "FAILED": "[red]failed[/]",
    "SKIPPED": "skipped",
}
_HEADLINES = {
    "valid_rows": "valid",
    "invalid_rows": "invalid",
    "distinct_user_ids": "users",
    "distinct_ids": "distinct ids",
    **{kind.headline: kind.name for kind in KINDS.values() if kind.headline},
}
"""Key of a headline number → the title of its column."""


def print_runs(runs: Sequence[RunInfo]) -> None:
    """Print a row per run."""
    if not runs:
        line("There are no runs yet.")
        return
    rows = [
        (
            short(run.run_id),
            what_ran(run.assets),
            _WORDS[run.state],
            when(run.started_at),
            _seconds(run),
            run.cause,
            run.reason or "",
        )
        for run in runs
    ]
    header = ("run", "what", "state", "began", "took", "cause", "reason")
    print_table(header, rows, numbers=("took",), markup=("state",))


def print_run(run: RunInfo, *, steps: bool = True) -> None:
    """Print one run and the state of its steps."""
    console = console_for_text()
    word = _WORDS[run.state]
    took = f", took {_seconds(run)}" if run.is_complete else ""
    what = what_ran(run.assets)
    console.print(f"\nRun {short(run.run_id)}: {what}, {word}, started {when(run.started_at)}{took}", highlight=False)
    details = {"Cause": run.cause, "Reason": run.reason, "Page": run.url}
    for title, text in details.items():
        if text:
            console.print(f"  {title}: {text}", highlight=False, soft_wrap=True, markup=False)
    if steps and run.steps:
        rows = [
            (step.name, _STEPS[step.state], duration(step.seconds) if step.seconds is not None else "")
            for step in run.steps
        ]
        print_table(("step", "state", "took"), rows, numbers=("took",), markup=("state",))


def print_results(results: Sequence[ResultInfo]) -> None:
    """Print a row per result, the current one marked."""
    rows = [
        (
            short(result.run_id),
            "current" if result.current else "",
            f"[{'green' if result.status == 'SUCCESS' else 'red'}]{result.status}[/]",
            when(result.created_at),
            _of(result.datasets),
        )
        for result in results
    ]
    print_table(("run", "", "verdict", "made", "from"), rows, markup=("verdict",))


def print_result(result: ResultInfo, causes: Sequence[Cause], matchable: MatchableUsers | None = None) -> None:
    """Print a result: verdict, its first cause, findings, headline numbers, matchable users, files."""
    console = console_for_text()
    colour = "green" if result.status == "SUCCESS" else "red"
    which = "the current result" if result.current else "not of the datasets provisioned now"
    console.print(f"\nResult of run {short(result.run_id)} ({which}): [{colour}]{result.status}[/]", highlight=False)
    if first := first_cause(causes, is_ready=result.status == "SUCCESS"):
        line(with_consequences(first))
    print_causes(console, causes)
    print_headlines(result.summary)
    for text in matchable_lines(matchable) if matchable else []:
        line(text)
    reports = ", ".join(kind.value for kind in result.reports)
    line(f"Files: {', '.join(result.files) or 'none'}")
    line(f"Private reports (they contain sample values; do not share them): {reports or 'none'}")


def print_headlines(summary: Mapping[str, Any]) -> None:
    """Print the headline numbers of each dataset in a row."""
    rows = []
    for kind in DatasetKind:
        numbers = {name: summary.get(f"{kind.value}.{name}") for name in _HEADLINES}
        if any(isinstance(value, int) for value in numbers.values()):
            cells = (number(value) if isinstance(value, int) else "" for value in numbers.values())
            rows.append((kind.value, *cells))
    if rows:
        header = ("dataset", *_HEADLINES.values())
        print_table(header, rows, numbers=header[1:])


def _of(datasets: Mapping[DatasetKind, str]) -> str:
    return ", ".join(f"{kind.value} {short(datasets[kind])}" for kind in DatasetKind if kind in datasets)


def _seconds(run: RunInfo) -> str:
    return duration((run.ended_at - run.started_at).total_seconds()) if run.ended_at else ""
