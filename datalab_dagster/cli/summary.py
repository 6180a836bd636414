"""What a check found, for people and for machines; counts and hints, never a value of a row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datalab.lab import DatasetKind
from datalab.results import DatasetStatus, Hint
from datalab.statistics.datasets import ValidatedDataset
from datalab.validation.stream import Validated
from datalab_dagster.preflight import PreflightResult

REASONS = {
    "EMPTY_CELL": "a required value is missing",
    "NOT_ENOUGH_COLUMNS_PROVIDED": "too few columns",
    "TOO_MANY_COLUMNS_PROVIDED": "too many columns",
    "DUPLICATE_VALUES": "repeats an earlier row",
    "INVALID_FLOAT_FORMAT": "not a number",
    "INVALID_EMAIL_FORMAT": "not an e-mail address in lower case",
    "INVALID_SHA256_HEX_FORMAT": "not a SHA-256 hash in lower-case hex",
    "INVALID_PHONE_E164_NUMBER": "not a phone number in E.164",
    "INVALID_MAID_FORMAT": "not a mobile advertising id",
    "INVALID_UTIQ_MARTECH_FORMAT": "not a Utiq martech id",
    "INVALID_UTIQ_ADTECH_FORMAT": "not a Utiq adtech id",
    "INVALID_FIRST_ID_FORMAT": "not a FirstID",
    "INVALID_ID5_FORMAT": "not an ID5 id",
    "INVALID_NETID_FORMAT": "not a netID",
    "INVALID_ONEID_FORMAT": "not a OneID",
    "INVALID_IPV4_FORMAT": "not an IPv4 address",
}
"""What the error codes mean, in a few words."""


def print_preflight(result: PreflightResult) -> None:
    """Print what a preflight found and where its reports lie."""
    console = _console()
    console.print(f"\n[bold]{escape(result.lab.name)}[/bold] checked in {result.seconds:.1f} s\n")
    console.print(_table(result.datasets, result.status.datasets))
    for kind, dataset in result.datasets.items():
        _print_details(console, kind, dataset, result.status.datasets[kind.value])
    console.print("\nPrivate reports (they hold sample values; do not share them):")
    for path in [*result.reports.values(), result.status_file]:
        console.print(f"  {path}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"\n{_verdict(result)}\n")


def preflight_json(result: PreflightResult) -> str:
    """Return what a preflight found as JSON."""
    return json.dumps(
        {
            "lab": result.lab.name,
            "status": result.status.status,
            "statusFile": str(result.status_file),
            "seconds": round(result.seconds, 3),
            "datasets": {
                kind.value: _facts(dataset, result.reports[kind]) for kind, dataset in result.datasets.items()
            },
        },
        indent=2,
    )


def print_check(kind: DatasetKind, outcome: Validated, report: Path | None) -> None:
    """Print what the check of one file found."""
    console = _console()
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
        share = dataset.invalid_rows / dataset.total_rows if dataset.total_rows else 0.0
        table.add_row(
            kind.value,
            f"{dataset.total_rows:,}",
            f"{dataset.valid_rows:,}",
            f"{dataset.invalid_rows:,}",
            f"{share:.1%}",
            f"[{'green' if passed else 'red'}]{dataset.outcome}[/]",
        )
    return table


def _print_details(
    console: Console, kind: DatasetKind, dataset: ValidatedDataset, status: DatasetStatus | None
) -> None:
    """Why rows are invalid, what is wrong with the file, and the hints."""
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
        yield f"{rows:>12,}  {code} ({REASONS.get(code, 'see the report')})"
    for hint in dataset.facts.hints:
        yield _hint(hint)


def _hint(hint: Hint) -> str:
    return f"hint: {hint.message}"


def _verdict(result: PreflightResult) -> str:
    if result.passed:
        invalid = sum(dataset.invalid_rows for dataset in result.datasets.values())
        dropped = f"; {invalid:,} invalid rows will be dropped" if invalid else ""
        return f"[bold green]PASSED[/]: every dataset can be used{dropped}."
    failed = [name for name, dataset in result.status.datasets.items() if dataset.status == "FAILED"]
    return f"[bold red]FAILED[/]: {' and '.join(failed)} cannot be used as they are; see above for what to mend."


def _console() -> Console:
    console = Console()
    # Without a terminal nothing should be folded at 80 characters.
    return console if console.is_terminal else Console(width=120)
