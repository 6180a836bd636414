"""Every panel of the statistics as a table in the terminal. This module computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TerminalTable

from datalab.dashboard.tables import written
from datalab.formats import number, signed_share
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResult, StatisticsResultV2
from datalab.statistics import PANELS, Comparison, ReportNumbers
from datalab.statistics.cause import Evidence
from datalab.statistics.causes import causes_of, reasons_of
from datalab.statistics.tables import Cell, Column, Table, Unit
from datalab_dagster.cli.listing import console_for_text, print_causes

T = TypeVar("T")

_SHOWN_ROWS = 20
"""Maximum number of rows shown, the largest first; the dashboard has all rows."""


def print_report(
    statistics: StatisticsResult | StatisticsResultV2, comparison: bytes | None, matchable: bytes | None = None
) -> None:
    """Print all panels, the findings, and what changed since last time; `matchable`: the file of that name."""
    console = console_for_text()
    if isinstance(statistics, StatisticsResult):
        console.print_json(statistics.model_dump_json())
        return
    changes = Comparison.model_validate_json(comparison) if comparison else None
    beside = MatchableUsers.model_validate_json(matchable) if matchable else None
    report = ReportNumbers.of(statistics, beside)
    for panel in PANELS:
        if not panel.internal and (part := report.at(panel.path)):
            for table in panel.written(part, report):
                _print_table(console, panel.title, table, report.matching_ids)
    if changes:
        _print_changes(console, changes)
    reasons = reasons_of(statistics.basic_statistics.model_dump())
    print_causes(console, causes_of(None, statistics, changes, Evidence(reasons)))
    console.print(f"\nStatus of the statistics: {statistics.status}\n")


def print_comparison(changes: Comparison) -> None:
    """Print the changes from one report to another, and the warnings about drops."""
    console = console_for_text()
    if not any(change.absolute != 0 for change in changes.changes):
        console.print("Nothing changed.")
        return
    _print_changes(console, changes)
    print_causes(console, causes_of(None, comparison=changes))


def _print_table(console: Console, title: str, table: Table, matching_ids: Sequence[str]) -> None:
    """Print a table; a table with columns for each matching id is split into one per matching id, to fit a terminal."""
    rows = list(table.rows if not table.total else islice(table.rows, _SHOWN_ROWS))
    total = table.total or len(rows)
    if not table.lead:
        _print(console, title, table.columns, rows, total)
        return
    for position, matching in enumerate(matching_ids):
        columns = _about(position, table.columns, table.lead)
        _print(
            console,
            f"{title}, matched by {matching}",
            columns,
            [_about(position, row, table.lead) for row in rows],
            total,
        )


def _about(position: int, cells: Sequence[T], lead: int) -> list[T]:
    """Return the leading cells of a header or row, and those of one matching id."""
    first = lead + 2 * position
    return [*cells[:lead], *cells[first : first + 2]]


def _print_changes(console: Console, changes: Comparison) -> None:
    rows = [
        (change.metric, change.previous or 0, change.current or 0, signed_share(change.relative or 0))
        for change in changes.changes
        if change.absolute != 0
    ]
    columns = [Column("number", Unit.NAME), Column("before"), Column("now"), Column("change")]
    _print(console, "Changed since last time", columns, rows, len(rows))


def _print(console: Console, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], total: int) -> None:
    shown = TerminalTable(
        box=box.SIMPLE_HEAD, title=escape(title), title_justify="left", title_style="bold", pad_edge=False
    )
    for column in columns:
        shown.add_column(column.short or column.label, justify="right" if column.numeric else "left")
    for row in rows[:_SHOWN_ROWS]:
        shown.add_row(*(escape(written(cell, column.unit)) for cell, column in zip(row, columns, strict=True)))
    if total > _SHOWN_ROWS:
        shown.caption = f"{number(total - _SHOWN_ROWS)} more; the dashboard has all of them"
    console.print(shown)
