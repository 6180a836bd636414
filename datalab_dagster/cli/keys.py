"""`datalab keys`: the master key that protects the keys of all datasets."""

from __future__ import annotations

import click

from datalab.formats import counted
from datalab_dagster.cli import listing
from datalab_dagster.cli.accounts import whoever_asks
from datalab_dagster.service.open import open_service


@click.group()
def keys() -> None:
    """Rotate the master key."""


@keys.command()
def rotate() -> int:
    """Create a new master key, wrap the key of every dataset with it, and delete the old one.

    The data do not change, and running processes use the new key automatically. Do not run it during an upload. After a
    crash, run it again: it finishes the rotation. To replace a master key in DATALAB_MASTER_KEY, put the new one before
    the old one, run this command, then remove the old one.
    """
    with open_service(whoever_asks(None)) as service:
        count = service.keys.rotate()
    listing.line(f"The master key is new; the keys of {counted(count, 'dataset')} were wrapped again.")
    return 0
