"""`datalab report`: prints the panels of a lab's statistics in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.errors import InputMissing, UsageError
from datalab.results.files import COMPARISON, STATISTICS
from datalab.results.statistics import parse_statistics_result
from datalab_dagster.cli import panels
from datalab_dagster.cli.deployment import opened, user_option
from datalab_dagster.service import ResultNotFound


@click.command()
@click.argument("lab", metavar="DIR|LAB")
@user_option
def report(lab: str, user: str | None) -> int:
    """Print the statistics that preflight wrote to DIR, or the current ones of LAB."""
    folder = Path(lab)
    statistics, comparison = _of_directory(folder) if folder.is_dir() else _of_lab(lab, user)
    try:
        parsed = parse_statistics_result(statistics)
    except ValueError:
        raise UsageError(f"{folder} contains no statistics: run datalab preflight again to write them.") from None
    panels.print_report(parsed, comparison)
    return 0


def _of_directory(folder: Path) -> tuple[bytes, bytes | None]:
    try:
        statistics = (folder / STATISTICS.name).read_bytes()
    except OSError:
        raise InputMissing(folder / STATISTICS.name) from None
    comparison = folder / COMPARISON.name
    return statistics, comparison.read_bytes() if comparison.exists() else None


def _of_lab(lab: str, user: str | None) -> tuple[bytes, bytes | None]:
    with opened(user) as service:
        found = service.lab(lab)
        result = service.current_result(found.id)
        if result is None:
            raise ResultNotFound(found.id, "current result")
        files = [
            service.result_file(found.id, name, run_id=result.run_id) if name in result.files else None
            for name in (STATISTICS.name, COMPARISON.name)
        ]
    if files[0] is None:
        raise ResultNotFound(found.id, STATISTICS.name)
    return files[0], files[1]
