"""`datalab report`: the panels of a lab's statistics in the terminal."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("lab", metavar="DIR|LAB")
def report(lab: str) -> int:
    """Print the statistics in DIR (what preflight wrote), or those of the LAB of that name."""
    from datalab.errors import InputMissing, UsageError
    from datalab.results import parse_statistics_result
    from datalab_dagster.cli import panels
    from resources.workspace import COMPARISON_NAME, STATISTICS_NAME, default_workspace

    folder = Path(lab)
    if not folder.is_dir():
        folder = default_workspace().results(lab)
    path = folder / STATISTICS_NAME
    try:
        statistics = parse_statistics_result(path.read_bytes())
    except OSError:
        raise InputMissing(path) from None
    except ValueError:
        raise UsageError(f"{path} holds no statistics: write them again with datalab preflight.") from None
    comparison = folder / COMPARISON_NAME
    panels.print_report(statistics, comparison if comparison.exists() else None)
    return 0
