"""`datalab up`: a living lab on this machine, until Ctrl-C."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import click

from datalab_dagster.up.lab import up as run
from datalab_dagster.up.plan import Addresses, has_portal

_PORT = click.IntRange(1, 65535)


@click.command()
@click.option("--port", type=_PORT, default=3000, show_default=True, help="Of Dagster's pages.")
@click.option("--portal-port", type=_PORT, default=8000, show_default=True, help="Of the portal.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--no-portal", is_flag=True, help="Leave the portal out.")
def up(port: int, portal_port: int, host: str, no_portal: bool) -> int:
    """Run a living lab: database, Dagster's pages and daemon, portal; Ctrl-C stops everything.

    Everything lies in DATALAB_HOME (default: .datalab) and is there again at the next start. The database is the one
    of DATALAB_POSTGRES_URL, or else a PostgreSQL of its own under DATALAB_HOME.

    A process that ends unexpectedly is started again. Logs: DATALAB_HOME/logs. Only one `up` runs on a home directory.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 wrong usage, another `up` is running or a port is taken, 3 given up.
    """
    started = time.monotonic()
    with_portal = not no_portal and has_portal()
    addresses = Addresses(host, port, portal_port if with_portal else None)

    def say(text: str) -> None:
        click.echo(f"{time.strftime('%H:%M:%S')}  {text}", err=True)

    def answered(home: Path) -> None:
        click.echo(f"The lab lives (up in {time.monotonic() - started:.0f} s).")
        if addresses.portal_url:
            click.echo(f"  Portal   {addresses.portal_url}")
        click.echo(f"  Dagster  {addresses.dagster_url}")
        click.echo(f"  Home     {home} (logs: {home / 'logs'})")
        if addresses.is_public:
            click.echo("Other machines can reach these addresses. Dagster's pages know no sign-in: guard that port.")
        click.echo("Ctrl-C stops it; everything is kept.")

    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C before the first process was started
        run(addresses, say, answered)
    say("Stopped; everything is kept.")
    return 0
