"""`datalab report`: prints the panels of a lab's statistics in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.errors import InputMissing, UsageError
from datalab.results.files import COMPARISON, MATCHABLE_USERS, STATISTICS
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
    statistics, *beside = _of_directory(folder) if folder.is_dir() else _of_lab(lab, user)
    try:
        parsed = parse_statistics_result(statistics)
    except ValueError:
        raise UsageError(f"{folder} contains no statistics: run datalab preflight again to write them.") from None
    panels.print_report(parsed, *beside)
    return 0


_BESIDE = (COMPARISON.name, MATCHABLE_USERS.name)
"""What a result may lack: it is the first, or an earlier version made it."""
_Files = tuple[bytes, bytes | None, bytes | None]


def _of_directory(folder: Path) -> _Files:
    try:
        statistics = (folder / STATISTICS.name).read_bytes()
    except OSError:
        raise InputMissing(folder / STATISTICS.name) from None
    comparison, matchable = (path.read_bytes() if (path := folder / name).exists() else None for name in _BESIDE)
    return statistics, comparison, matchable


def _of_lab(lab: str, user: str | None) -> _Files:
    with opened(user) as service:
        found = service.lab(lab)
        result = service.current_result(found.id)
        if result is None:
            raise ResultNotFound(found.id, "current result")
        statistics, comparison, matchable = (
            service.result_file(found.id, name, run_id=result.run_id) if name in result.files else None
            for name in (STATISTICS.name, *_BESIDE)
        )
    if statistics is None:
        raise ResultNotFound(found.id, STATISTICS.name)
    return statistics, comparison, matchable
