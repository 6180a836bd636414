"""Every panel of the statistics as a table in the terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datalab.results.statistics import (
    BasicStatistics,
    DemographicStatistics,
    DistributionValue,
    SegmentStatistics,
    StatisticsResult,
    StatisticsResultV2,
)
from datalab.statistics import Comparison
from datalab_dagster.cli.listing import DROP, ERROR, WARNING, console_for_text, print_findings

_SHOWN_ROWS = 20
"""Longer panels show their largest rows; the dashboard has all of them."""

Cell = str | int | float


def print_report(statistics: StatisticsResult | StatisticsResultV2, comparison: bytes | None) -> None:
    """Print all panels, the findings, and what changed since last time."""
    console = console_for_text()
    if isinstance(statistics, StatisticsResult):
        console.print_json(statistics.model_dump_json())
        return
    changes = Comparison.model_validate_json(comparison) if comparison else None
    _print_identifiers(console, statistics)
    _print_basic(console, statistics.basic_statistics)
    if statistics.segment_statistics:
        _print_segments(console, statistics.segment_statistics)
    if statistics.demographic_statistics:
        _print_demographics(console, statistics.demographic_statistics)
    if statistics.embeddings_statistics:
        fields = ("matchable_users", "users_with_embeddings", "matchable_users_with_embeddings")
        rows: list[Sequence[Cell]] = [
            (matching, *(users[name] for name in fields))
            for matching, users in statistics.embeddings_statistics.items()
        ]
        _print(
            console, "Matchable embeddings users", ("matching id", *(name.replace("_", " ") for name in fields)), rows
        )
    if changes:
        _print_changes(console, changes)
    drops = changes.warnings if changes else []
    print_findings(console, [(ERROR, statistics.data_errors), (WARNING, statistics.quality_warnings), (DROP, drops)])
    console.print(f"\nStatus of the statistics: {statistics.status}\n")


def print_comparison(changes: Comparison) -> None:
    """Print what changed from one report to another, and the warnings for what fell."""
    console = console_for_text()
    if not any(change.absolute != 0 for change in changes.changes):
        console.print("Nothing changed.")
        return
    _print_changes(console, changes)
    print_findings(console, [(DROP, changes.warnings)])


def _print_identifiers(console: Console, statistics: StatisticsResultV2) -> None:
    rows: list[Sequence[Cell]] = []
    for name, info in statistics.identifiers_overview.items():
        roles = [
            role for role, held in (("matching", info.is_matching_id), ("activation", info.is_activation_id)) if held
        ]
        counts = (info.distinct_ids, info.avg_userids_per_id, info.max_userids_per_id)
        rows.append((name, info.id_type, ", ".join(roles) or "–", *counts))
    header = ("identifier", "type", "roles", "distinct ids", "users per id", "most users per id")
    _print(console, "Identifiers overview", header, rows)
    if statistics.remarketing_activation_potential:
        reach: list[Sequence[Cell]] = [
            (matching, activation, stats.reachable_activation_ids)
            for matching, activations in statistics.remarketing_activation_potential.items()
            for activation, stats in activations.items()
        ]
        reach_header = ("matched by", "activated by", "reachable activation ids")
        _print(console, "Remarketing activation potential", reach_header, reach)
    for dataset in ("segments", "embeddings"):
        potential = getattr(statistics, f"{dataset}_activation_potential")
        if potential:
            reach = [(activation, stats.reachable_activation_ids) for activation, stats in potential.items()]
            title = f"{dataset.capitalize()} activation potential"
            _print(console, title, ("activated by", "reachable activation ids"), reach)


def _print_basic(console: Console, basic: BasicStatistics) -> None:
    rows: list[Sequence[Cell]] = []
    for name in type(basic).model_fields:
        dataset = getattr(basic, name)
        if dataset is not None:
            distinct = [
                f"{value:,} {key.removeprefix('distinct_').replace('_', ' ')}"
                for key, value in dataset.model_dump().items()
                if key.startswith("distinct_") and key != "distinct_user_ids"
            ]
            counts = (dataset.total_rows, dataset.valid_rows, dataset.invalid_rows, dataset.distinct_user_ids)
            rows.append((name, *counts, ", ".join(distinct)))
    _print(console, "Basic statistics", ("dataset", "rows", "valid", "invalid", "users", "distinct"), rows)


def _print_segments(console: Console, segments: SegmentStatistics) -> None:
    for matching, counts in (segments.segment_user_counts or {}).items():
        ordered = sorted(counts.items(), key=lambda item: -item[1].all_users.absolute)
        rows = [(name, *_both(count.all_users), *_both(count.matchable_users)) for name, count in ordered]
        header = ("segment", "users", "share", "matchable", "share")
        _print(console, f"Segment user counts, matched by {matching}", header, rows)
    for matching, distribution in (segments.segments_per_user_distribution or {}).items():
        buckets = sorted({*distribution.all_users, *distribution.matchable}, key=int)
        rows = [
            (bucket, *_both(distribution.all_users.get(bucket)), *_both(distribution.matchable.get(bucket)))
            for bucket in buckets
        ]
        header = ("segments", "users", "share", "matchable", "share")
        _print(console, f"Segments per user, matched by {matching}", header, rows)


def _print_demographics(console: Console, demographics: DemographicStatistics) -> None:
    for matching in demographics.model_extra or {}:
        part = demographics.model_dump()[matching]
        matchable = {key: DistributionValue.model_validate(value) for key, value in part["matchable"].items()}
        rows: list[Sequence[Cell]] = [
            (*key.split("||", 1), *_both(value), *_both(matchable.get(key)))
            for key, value in sorted(demographics.all_users.items())
        ]
        header = ("age", "gender", "users", "share", "matchable", "share")
        _print(console, f"Demographic user counts, matched by {matching}", header, rows)


def _print_changes(console: Console, changes: Comparison) -> None:
    rows = [
        (change.metric, change.previous or 0, change.current or 0, f"{change.relative or 0:+.1%}")
        for change in changes.changes
        if change.absolute != 0
    ]
    _print(console, "Changed since last time", ("number", "before", "now", "change"), rows)


def _both(value: DistributionValue | None) -> tuple[int, str]:
    return (value.absolute, f"{value.relative:.1%}") if value else (0, "0.0%")


def _print(console: Console, title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    rows = list(rows)
    table = Table(box=box.SIMPLE_HEAD, title=escape(title), title_justify="left", title_style="bold", pad_edge=False)
    for index, name in enumerate(header):
        is_number = any(not isinstance(cell := row[index], str) or cell.endswith("%") for row in rows)
        table.add_column(name, justify="right" if is_number else "left")
    for row in rows[:_SHOWN_ROWS]:
        table.add_row(*(_text(cell) for cell in row))
    if len(rows) > _SHOWN_ROWS:
        table.caption = f"{len(rows) - _SHOWN_ROWS:,} more; the dashboard has all of them"
    console.print(table)


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return escape(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.2f}"
