"""`python -m datalab_dagster.portal`: serves the portal; `datalab up` starts it like this."""

from __future__ import annotations

import click

from datalab.home.private import keep_private
from datalab_dagster.portal.server import exit_on_failure


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--host", help="Address to bind to; an address other than loopback requires a user.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--public-url", metavar="URL", help="The portal's public address, if there is a proxy in front of it.")
@click.option(
    "--allowed-host", "allowed_hosts", multiple=True, metavar="NAME", help="A further host name of the portal."
)
@click.option("--trusted-proxies", metavar="ADDRESSES", help="Proxies that are trusted to report a client's address.")
@click.option("--dagster-url", metavar="URL", help="Dagster's own pages, for links.")
def main(
    host: str | None,
    port: int | None,
    public_url: str | None,
    allowed_hosts: tuple[str, ...],
    trusted_proxies: str | None,
    dagster_url: str | None,
) -> None:
    """Serve the portal of the deployment under DATALAB_HOME; options override `portal` in its datalab.yaml."""
    from datalab_dagster.portal.serve import serve

    given = {
        "host": host,
        "port": port,
        "publicUrl": public_url,
        "allowedHosts": allowed_hosts,
        "trustedProxies": [address.strip() for address in (trusted_proxies or "").split(",") if address.strip()],
        "dagsterUrl": dagster_url,
    }
    with exit_on_failure():
        serve({key: value for key, value in given.items() if value}, lambda address: click.echo(f"Portal  {address}"))


if __name__ == "__main__":
    keep_private()
    main()
