"""`python -m datalab_dagster.portal`: serves the portal; `datalab up` starts it like this."""

from __future__ import annotations

import sys

import click

from datalab.errors import DatalabError, UnexpectedFailure


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind to; others need a user first.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--public-url", metavar="URL", help="Where people reach it, when a proxy stands in front of it.")
@click.option("--allowed-host", "allowed_hosts", multiple=True, metavar="NAME", help="A further name to answer to.")
@click.option("--trusted-proxies", metavar="ADDRESSES", help="Proxies whose word about a client's address is taken.")
@click.option("--dagster-url", metavar="URL", help="Dagster's own pages, for links.")
def main(
    host: str,
    port: int,
    public_url: str | None,
    allowed_hosts: tuple[str, ...],
    trusted_proxies: str | None,
    dagster_url: str | None,
) -> None:
    """Serve the portal of the deployment under DATALAB_HOME."""
    from datalab_dagster.portal.serve import serve
    from datalab_dagster.portal.settings import PortalSettings

    settings = PortalSettings(
        host=host, port=port, public_url=public_url, allowed_hosts=frozenset(allowed_hosts), dagster_url=dagster_url
    )
    try:
        serve(settings, trusted_proxies=trusted_proxies)
    except DatalabError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - its text may hold a value of a row
        click.echo(f"Error: {UnexpectedFailure(error)}", err=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
