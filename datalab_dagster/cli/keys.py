"""`datalab keys`: the master key that protects the keys of all datasets."""

from __future__ import annotations

import click

from datalab.formats import counted
from datalab_dagster.cli import listing
from datalab_dagster.cli.accounts import whoever_asks
from datalab_dagster.service.open import open_service


@click.group()
def keys() -> None:
    """Look after the master key."""


@keys.command()
def rotate() -> int:
    """Make a new master key, wrap the key of every dataset with it, and forget the old one.

    No data are touched; running processes notice by themselves. Let no upload go on meanwhile. After a crash, run it
    again: it finishes what was begun. A master key in DATALAB_MASTER_KEY is exchanged there: put the new one before
    the old one, run this, then take the old one out.
    """
    with open_service(whoever_asks(None)) as service:
        count = service.keys.rotate()
    listing.line(f"The master key is new; the keys of {counted(count, 'dataset')} were wrapped anew.")
    return 0
