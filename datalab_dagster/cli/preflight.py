"""`datalab preflight`: checks a whole lab with the asset graph."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.engines import DEFAULT_MEMORY_LIMIT
from datalab.home import rules
from datalab.kinds import KINDS
from datalab.lab import load_lab
from datalab.results.files import (
    COMPARISON,
    DASHBOARD,
    MATCHABLE_USERS,
    STATISTICS,
    VALIDATION_REPORT,
    VALIDATION_STATUS,
)
from datalab_dagster.cli import summary
from datalab_dagster.cli.kinds import options_of_kinds
from datalab_dagster.cli.settings import load_limits
from datalab_dagster.graph import preflight as run
from datalab_dagster.terminal.checks import shown_progress
from datalab_dagster.terminal.text import echo

_FILE = click.Path(path_type=Path)


def _memory(context: click.Context, parameter: click.Parameter, size: str) -> str:
    try:
        return rules.memory(size)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


@click.command(
    help=f"""Check and profile the files of a lab; exit code 0 only when it would be Ready.

    LAB.json (or YAML) is the lab's definition. Writes to DIR: <dataset>/{VALIDATION_REPORT.name} (private),
    {VALIDATION_STATUS.name}, {STATISTICS.name}, {MATCHABLE_USERS.name}, {DASHBOARD.name} and, when DIR holds an
    earlier run, {COMPARISON.name}.
    """
)
@click.argument("lab_file", metavar="LAB.json", type=_FILE)
@options_of_kinds(
    lambda kind: {"type": _FILE, "metavar": "FILE", "required": kind.is_matching, "help": f"The {kind.name} file."}
)
@click.option("--out", type=_FILE, metavar="DIR", required=True, help="The folder for reports and status.")
@click.option(
    "--statistics-version", type=click.IntRange(1, 2), default=2, show_default=True, help="1 writes the old format."
)
@click.option(
    "--for-sharing",
    is_flag=True,
    help="Hide counts below 10 on the dashboard; write nothing if it is not known whether names hold ids of users.",
)
@click.option("--thresholds", type=_FILE, metavar="T.json", help="Limits of findings that differ from the defaults.")
@click.option(
    "--memory",
    metavar="SIZE",
    default=DEFAULT_MEMORY_LIMIT,
    show_default=True,
    callback=_memory,
    help="How much memory the SQL engine may use, such as 4GiB.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def preflight(
    lab_file: Path,
    out: Path,
    statistics_version: int,
    for_sharing: bool,
    thresholds: Path | None,
    memory: str,
    as_json: bool,
    **given: Path | None,
) -> int:
    """Check and profile the files of a lab, and print the findings."""
    lab = load_lab(lab_file)
    limits = load_limits(thresholds) if thresholds else {}
    files = {kind: path for kind in KINDS if (path := given[kind.value]) is not None}

    with shown_progress(for_machines=as_json) as progress:
        options = run.PreflightOptions(statistics_version, run.SHARING_MINIMUM if for_sharing else 0, limits, memory)
        result = run.preflight(lab, files, out, progress, options)
    if as_json:
        echo(summary.preflight_json(result))
    else:
        summary.print_preflight(result)
    return 0 if result.passed else 1
