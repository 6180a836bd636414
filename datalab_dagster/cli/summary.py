"""The findings of a check as text and as JSON: counts and hints, never a value of a row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datalab.codes import explain
from datalab.formats import counted, duration, name_or_unnamed, number, share
from datalab.kinds import DatasetKind
from datalab.results.files import AGGREGATES, VALIDATION_STATUS
from datalab.results.statistics import StatisticsResultV2
from datalab.results.status import DatasetStatus
from datalab.results.validation import Hint
from datalab.statistics import Comparison, Readiness, ValidatedDataset
from datalab.statistics.tables import ratio
from datalab.validation.stream import Validated
from datalab_dagster.cli.listing import DROP, ERROR, WARNING, console_for_text, print_findings
from datalab_dagster.graph.preflight import PreflightResult

RESULT_NAMES = sorted(AGGREGATES, key=lambda name: name != VALIDATION_STATUS.name)
"""The files of aggregates, the status first."""


def print_preflight(result: PreflightResult) -> None:
    """Print what a preflight found and where it stored its results."""
    console = console_for_text()
    console.print(f"\n[bold]{escape(name_or_unnamed(result.lab.name))}[/bold] checked in {duration(result.seconds)}\n")
    console.print(_table(result.datasets, result.status.datasets))
    for kind, dataset in result.datasets.items():
        _print_details(console, kind, dataset, result.status.datasets[kind.value])
    print_statistics_findings(console, result.statistics, result.comparison)
    console.print("\nReady for")
    for line in readiness_lines(result.readiness):
        console.print(f"  {line}", highlight=False, markup=False)
    console.print("\nPrivate reports (they contain sample values; do not share them)")
    for kind in result.datasets:
        _print_path(console, result.report(kind))
    console.print("Results (aggregates only)")
    for name in RESULT_NAMES:
        if (result.out / name).exists():
            _print_path(console, result.out / name)
    console.print(f"\n{_verdict(result)}\n")


def preflight_json(result: PreflightResult) -> str:
    """Return what a preflight found as JSON."""
    return json.dumps(
        {
            "lab": result.lab.name,
            "status": result.status.status,
            "seconds": round(result.seconds, 3),
            "secondsByStep": {step: round(seconds, 3) for step, seconds in result.steps.items()},
            "datasets": {kind.value: _facts(dataset, result.report(kind)) for kind, dataset in result.datasets.items()},
            "dataErrors": [finding.model_dump() for finding in result.statistics.data_errors],
            "qualityWarnings": [finding.model_dump() for finding in result.statistics.quality_warnings],
            "drops": [finding.model_dump() for finding in result.comparison.warnings] if result.comparison else [],
            "readiness": result.readiness.model_dump(mode="json"),
            "results": {name: str(result.out / name) for name in RESULT_NAMES if (result.out / name).exists()},
        },
        indent=2,
    )


def print_statistics_findings(console: Console, statistics: StatisticsResultV2, comparison: Comparison | None) -> None:
    """Print data errors, quality warnings and drops since the previous result, if any."""
    drops = comparison.warnings if comparison else []
    print_findings(console, [(ERROR, statistics.data_errors), (WARNING, statistics.quality_warnings), (DROP, drops)])


def readiness_lines(readiness: Readiness) -> Iterable[str]:
    """Yield a line per collaboration type of the lab: ready, or what is missing."""
    for kind, entry in readiness.root.items():
        if entry.enabled:
            lacks = f"no: {', '.join(entry.missing)} missing" if entry.missing else "yes"
            nice = f" (better with {', '.join(entry.nice_to_have)})" if entry.nice_to_have else ""
            yield f"{kind.value:<20} {lacks}{nice}"


def _print_path(console: Console, path: Path) -> None:
    console.print(f"  {path}", soft_wrap=True, highlight=False, markup=False)


def print_check(kind: DatasetKind, outcome: Validated, report: Path | None) -> None:
    """Print what the check of one file found."""
    console = console_for_text()
    dataset = ValidatedDataset.from_report(outcome.report, outcome.facts)
    console.print(_table({kind: dataset}, {}))
    _print_details(console, kind, dataset, None)
    if report is not None:
        console.print(f"\nPrivate report: {report}", soft_wrap=True, highlight=False, markup=False)


def check_json(kind: DatasetKind, outcome: Validated, report: Path | None) -> str:
    """Return what the check of one file found as JSON."""
    dataset = ValidatedDataset.from_report(outcome.report, outcome.facts)
    return json.dumps({"dataset": kind.value, **_facts(dataset, report)}, indent=2)


def _facts(dataset: ValidatedDataset, report: Path | None) -> dict[str, Any]:
    return {
        "outcome": dataset.outcome,
        "rows": dataset.total_rows,
        "validRows": dataset.valid_rows,
        "invalidRows": dataset.invalid_rows,
        "invalidRowsByReason": dataset.invalid_rows_by_reason,
        "fileErrors": [error.code for error in dataset.file_errors],
        "hints": [hint.model_dump() for hint in dataset.facts.hints],
        "report": str(report) if report else None,
    }


def _table(datasets: dict[DatasetKind, ValidatedDataset], statuses: dict[str, DatasetStatus]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("dataset")
    for name in ("rows", "valid", "invalid", "share"):
        table.add_column(name, justify="right")
    table.add_column("outcome")
    for kind, dataset in datasets.items():
        status = statuses.get(kind.value)
        passed = dataset.outcome == "PASSED" and (status is None or status.status == "SUCCESS")
        table.add_row(
            kind.value,
            number(dataset.total_rows),
            number(dataset.valid_rows),
            number(dataset.invalid_rows),
            share(ratio(dataset.invalid_rows, dataset.total_rows) or 0.0),
            f"[{'green' if passed else 'red'}]{dataset.outcome}[/]",
        )
    return table


def _print_details(
    console: Console, kind: DatasetKind, dataset: ValidatedDataset, status: DatasetStatus | None
) -> None:
    """Print why rows are invalid, what is wrong with the file, and the hints."""
    lines = list(_details(dataset, status))
    if lines:
        console.print(f"[bold]{kind.value}[/bold]")
    for line in lines:
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)


def _details(dataset: ValidatedDataset, status: DatasetStatus | None) -> Iterable[str]:
    for error in dataset.file_errors or (status.errors if status and dataset.outcome == "PASSED" else []):
        yield f"{error.code}: {error.message}"
    by_rows = sorted(dataset.invalid_rows_by_reason.items(), key=lambda item: -item[1])
    for code, rows in by_rows:
        yield f"{number(rows):>12}  {code} ({explain(code).reason})"
    for hint in dataset.facts.hints:
        yield _hint(hint)


def _hint(hint: Hint) -> str:
    return f"hint: {hint.message}"


def _verdict(result: PreflightResult) -> str:
    if result.passed:
        invalid = sum(dataset.invalid_rows for dataset in result.datasets.values())
        dropped = f"; {number(invalid)} invalid rows are dropped" if invalid else ""
        return f"[bold green]PASSED[/]: the lab would be Ready{dropped}."
    failed = [name for name, dataset in result.status.datasets.items() if dataset.status == "FAILED"]
    reasons = [f"{' and '.join(failed)} cannot be used as provided"] if failed else []
    if errors := len(result.statistics.data_errors):
        reasons.append(counted(errors, "data error"))
    return f"[bold red]FAILED[/]: the lab would not be Ready ({'; '.join(reasons)}); see above for what to fix."
