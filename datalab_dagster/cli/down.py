"""`datalab down`: stops the database that scripts and commands leave running under the home."""

from __future__ import annotations

import click

from datalab.home.directory import home_directory
from datalab_dagster.terminal.text import echo


@click.command()
@click.option("--force", is_flag=True, help="Also while other processes are connected to it.")
def down(force: bool) -> int:
    """Stop the database that a script or a command has started under DATALAB_HOME.

    Commands and scripts that need the database start it, and it keeps running for the next one. The next one starts
    it again. `datalab up` stops its own database.
    """
    from datalab_dagster.up.down import down as stop  # noqa: PLC0415 - takes a moment

    stopped = stop(force=force)
    home = home_directory()
    echo(f"The database under {home} {'was stopped; its data are kept' if stopped else 'is not running'}.")
    return 0
