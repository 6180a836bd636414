"""The findings of a check as text and as JSON: counts and hints, never a value of a row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datalab.codes import explain
from datalab.dashboard.states import rows_words
from datalab.dashboard.summary import matchable_lines
from datalab.dashboard.usable import usable
from datalab.dashboard.verdicts import clause, first_cause, with_consequences
from datalab.formats import counted, duration, name_or_unnamed, number, share
from datalab.kinds import DatasetKind
from datalab.results.files import AGGREGATES, VALIDATION_STATUS
from datalab.results.status import DatasetStatus
from datalab.results.validation import Hint
from datalab.statistics import ValidatedDataset
from datalab.statistics.cause import Cause, Severity
from datalab.statistics.causes import causes_of, reasons_of
from datalab.statistics.datasets import shown_hints
from datalab.statistics.slots import RowsState, rows_state
from datalab.statistics.tables import ratio
from datalab.validation.stream import Validated
from datalab_dagster.cli.listing import console_for_text, print_causes
from datalab_dagster.graph.preflight import PreflightResult

RESULT_NAMES = sorted(AGGREGATES, key=lambda name: name != VALIDATION_STATUS.name)
"""The files of aggregates, the status first."""


def print_preflight(result: PreflightResult) -> None:
    """Print what a preflight found and where it stored its results."""
    console = console_for_text()
    console.print(f"\n[bold]{escape(name_or_unnamed(result.lab.name))}[/bold] checked in {duration(result.seconds)}\n")
    console.print(_table(result.datasets, result.status.datasets))
    hints = shown_hints(result.datasets)
    for kind, dataset in result.datasets.items():
        _print_details(console, kind, dataset, result.status.datasets[kind.value], hints[kind])
    for text in matchable_lines(result.matchable):
        console.print(text, highlight=False, markup=False)
    causes = _causes(result)
    print_causes(console, causes)
    console.print("\nCan be used for")
    for line in usable_lines(result, causes):
        console.print(f"  {line}", highlight=False, markup=False)
    console.print("\nPrivate reports (they contain sample values; do not share them)")
    for kind in result.datasets:
        _print_path(console, result.report(kind))
    console.print("Results (aggregates only)")
    for name in RESULT_NAMES:
        if (result.out / name).exists():
            _print_path(console, result.out / name)
    console.print(f"\n{_verdict(result, causes)}\n", soft_wrap=True)


def preflight_json(result: PreflightResult) -> str:
    """Return what a preflight found as JSON."""
    hints = shown_hints(result.datasets)
    return json.dumps(
        {
            "lab": result.lab.name,
            "status": result.status.status,
            "seconds": round(result.seconds, 3),
            "secondsByStep": {step: round(seconds, 3) for step, seconds in result.steps.items()},
            "datasets": {
                kind.value: _facts(dataset, result.report(kind), hints[kind])
                for kind, dataset in result.datasets.items()
            },
            "dataErrors": [finding.model_dump() for finding in result.statistics.data_errors],
            "qualityWarnings": [finding.model_dump() for finding in result.statistics.quality_warnings],
            "drops": [finding.model_dump() for finding in result.comparison.warnings] if result.comparison else [],
            "readiness": result.readiness.model_dump(mode="json"),
            "results": {name: str(result.out / name) for name in RESULT_NAMES if (result.out / name).exists()},
        },
        indent=2,
    )


def _causes(result: PreflightResult) -> list[Cause]:
    """Return the causes of the state that the lab would have."""
    reasons = reasons_of(result.statistics.basic_statistics.model_dump())
    evidence = replace(result.evidence, reasons=reasons)
    return causes_of(result.status, result.statistics, result.comparison, evidence)


def usable_lines(result: PreflightResult, causes: list[Cause]) -> Iterable[str]:
    """Yield a line per collaboration type of the lab: how much it would reach, or what stands in the way."""
    report = result.statistics.model_dump(mode="json")
    for kind, found in usable(result.readiness, report, causes, is_ready=result.passed).items():
        better = result.readiness.root[kind].nice_to_have
        nice = f" (better with {', '.join(better)})" if better else ""
        yield f"{kind.value:<20} {found}{nice}"


def _print_path(console: Console, path: Path) -> None:
    console.print(f"  {path}", soft_wrap=True, highlight=False, markup=False)


def print_check(kind: DatasetKind, outcome: Validated, report: Path | None) -> None:
    """Print what the check of one file found."""
    console = console_for_text()
    dataset = ValidatedDataset.from_report(outcome.report, outcome.facts)
    console.print(_table({kind: dataset}, {}))
    _print_details(console, kind, dataset, None, shown_hints({kind: dataset})[kind])
    if rows_state(dataset.outcome, dataset.total_rows, dataset.valid_rows) in (RowsState.FEW, RowsState.NONE):
        console.print(f"\n{_hardly_valid(dataset)}", highlight=False, markup=False)
    if report is not None:
        console.print(f"\nPrivate report: {report}", soft_wrap=True, highlight=False, markup=False)


def _hardly_valid(dataset: ValidatedDataset) -> str:
    """Return the sentence about a file most of whose rows are invalid."""
    if not dataset.total_rows:
        return "The file has no row."
    amount = "Almost nothing" if dataset.valid_rows * 20 <= dataset.total_rows else "At most half"
    of_rows = f"{number(dataset.valid_rows)} of {counted(dataset.total_rows, 'row')}"
    return f"{amount if dataset.valid_rows else 'Nothing'} is valid: {of_rows}."


def check_json(kind: DatasetKind, outcome: Validated, report: Path | None, more: Mapping[str, Any]) -> str:
    """Return what the check of one file found as JSON, with `more` after it."""
    dataset = ValidatedDataset.from_report(outcome.report, outcome.facts)
    return json.dumps(
        {"dataset": kind.value, **_facts(dataset, report, shown_hints({kind: dataset})[kind]), **more}, indent=2
    )


def _facts(dataset: ValidatedDataset, report: Path | None, hints: list[Hint]) -> dict[str, Any]:
    return {
        "outcome": dataset.outcome,
        "rows": dataset.total_rows,
        "validRows": dataset.valid_rows,
        "invalidRows": dataset.invalid_rows,
        "invalidRowsByReason": dataset.invalid_rows_by_reason,
        "fileErrors": [error.code for error in dataset.file_errors],
        "hints": [hint.model_dump() for hint in hints],
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
        passed = status is None or status.status == "SUCCESS"
        state = rows_state(dataset.outcome, dataset.total_rows, dataset.valid_rows)
        table.add_row(
            kind.value,
            number(dataset.total_rows),
            number(dataset.valid_rows),
            number(dataset.invalid_rows),
            share(ratio(dataset.invalid_rows, dataset.total_rows) or 0.0),
            f"[{_COLOURS[state] if passed else 'red'}]{_outcome(dataset, state)}[/]",
        )
    return table


_COLOURS = {RowsState.ALL: "green", RowsState.MOST: "yellow"} | dict.fromkeys(
    (RowsState.FEW, RowsState.NONE, RowsState.FAILED), "red"
)


def _outcome(dataset: ValidatedDataset, state: RowsState) -> str:
    """Return the outcome of the report; PASSED alone only where most rows are valid."""
    if dataset.outcome != "PASSED" or state in (RowsState.ALL, RowsState.MOST):
        return dataset.outcome
    words = rows_words(state, dataset.total_rows, dataset.valid_rows)
    return f"{dataset.outcome}, {words[:1].lower()}{words[1:]}"


def _print_details(
    console: Console, kind: DatasetKind, dataset: ValidatedDataset, status: DatasetStatus | None, hints: list[Hint]
) -> None:
    """Print why rows are invalid, what is wrong with the file, and the hints."""
    lines = [*_details(dataset, status), *(f"hint: {hint.message}" for hint in hints)]
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


def _verdict(result: PreflightResult, causes: list[Cause]) -> str:
    first = first_cause(causes, is_ready=result.passed)
    if result.passed:
        invalid = sum(dataset.invalid_rows for dataset in result.datasets.values())
        dropped = f"; {number(invalid)} invalid rows are dropped" if invalid else ""
        but = f" But {escape(clause(first))}" if first else ""
        return f"[bold {'yellow' if first else 'green'}]PASSED[/]: the lab would be Ready{dropped}.{but}"
    why = f" {escape(with_consequences(first))}" if first else ""
    errors = sum(one.severity is Severity.ERROR for cause in causes for one in (cause, *cause.follows))
    return f"[bold red]FAILED[/]: {counted(errors, 'data error')}, listed above.{why}"
