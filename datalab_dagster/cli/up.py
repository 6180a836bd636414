"""`datalab up`: runs a Data Lab on this machine until Ctrl-C."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import click

from datalab.formats import duration
from datalab.home.directory import home_directory
from datalab.home.settings import load_settings
from datalab_dagster.terminal.text import echo

_PORT = click.IntRange(1, 65535)


@click.command()
@click.option("--port", type=_PORT, default=3000, show_default=True, help="The port of Dagster's pages.")
@click.option(
    "--portal-port", type=_PORT, help="The port of the portal.  [default: portal.port in datalab.yaml, or 8000]"
)
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1; the portal: portal.host in datalab.yaml]")
@click.option("--no-portal", is_flag=True, help="Run without the portal.")
def up(port: int, portal_port: int | None, host: str | None, no_portal: bool) -> int:
    """Run a Data Lab: database, Dagster's pages and daemon, portal; Ctrl-C stops everything.

    Everything is stored in DATALAB_HOME (default: .datalab) and kept for the next start. The database is the one of
    DATALAB_POSTGRES_URL, or else a separate PostgreSQL under DATALAB_HOME.

    A process that ends unexpectedly is restarted. Logs: DATALAB_HOME/logs. Only one `up` can run on a home directory.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 wrong usage or settings, another `up` is running or a port is taken,
    3 a process or the database kept failing.
    """
    started = time.monotonic()
    given = {key: value for key, value in {"host": host, "port": portal_port}.items() if value}
    settings = load_settings(home_directory(), options={"portal": given})

    # Imported after the settings were checked, so that an error in them is reported at once: these take a second.
    from datalab_dagster.portal.binding import address  # noqa: PLC0415
    from datalab_dagster.up.lab import up as run  # noqa: PLC0415
    from datalab_dagster.up.plan import Addresses, has_portal  # noqa: PLC0415

    with_portal = not no_portal and has_portal()
    addresses = Addresses(host or "127.0.0.1", port, settings.portal if with_portal else None)

    def say(text: str) -> None:
        with contextlib.suppress(OSError):  # the disk of the file that this goes to is full: no reason to stop
            echo(f"{time.strftime('%H:%M:%S')}  {text}", err=True)

    def answered(home: Path, secret: str | None) -> None:
        with contextlib.suppress(OSError):
            say_where(home, secret)

    def say_where(home: Path, secret: str | None) -> None:
        echo(f"Data Lab is running (started in {duration(round(time.monotonic() - started))}).")
        if addresses.portal is not None:
            echo(f"  Portal   {address(addresses.portal.host, addresses.portal.port, secret)}")
        # The cookie of a host is valid at all its ports: the portal's address signs in to Dagster's pages, too.
        apart = addresses.portal is None or addresses.portal.host != addresses.host
        echo(f"  Dagster  {address(addresses.host, addresses.port, secret if apart else None)}")
        echo(f"  Home     {home} (logs: {home / 'logs'})")
        if addresses.is_public:
            echo("Other machines can reach these addresses: put a proxy with TLS in front of them.")
        echo("Press Ctrl-C to stop it; everything is kept.")

    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C before the first process was started
        run(addresses, say, answered)
    say("Stopped; everything is kept.")
    return 0
