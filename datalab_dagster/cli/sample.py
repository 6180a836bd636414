"""`datalab sample`: writes a synthetic lab for trials."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.formats import counted, number
from datalab.sample import refuse_to_replace, write_sample
from datalab_dagster.terminal.text import echo


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--users", type=int, default=50_000, show_default=True, help="How many users the lab has.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same files.")
@click.option(
    "--dirty",
    type=float,
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Share of rows that are invalid on purpose.",
)
@click.option("--force", is_flag=True, help="Also replace files that are not of an earlier sample.")
def sample(directory: Path, users: int, seed: int, dirty: float, force: bool) -> int:
    """Write LAB.json and the files of a synthetic lab of any size to DIR.

    Files of an earlier sample are replaced. If DIR has other files of these names, nothing is written.
    """
    if not force:
        refuse_to_replace(directory)
    lab = write_sample(directory, users=users, seed=seed, dirty=dirty)
    for kind, path in lab.files.items():
        echo(f"{path}  {counted(lab.rows[kind], 'row')}, {number(lab.dirty_rows[kind])} invalid on purpose")
    echo(f"{directory / 'LAB.json'}  the lab's definition")
    return 0
