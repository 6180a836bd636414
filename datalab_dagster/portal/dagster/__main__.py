"""`python -m datalab_dagster.portal.dagster`: serves Dagster's pages; `datalab up` starts it like this."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.home.private import keep_private
from datalab_dagster.portal.server import exit_on_failure


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--host", required=True, help="Address to bind to; others than loopback need a user first.")
@click.option("--port", type=click.IntRange(1, 65535), required=True, help="Port to listen on.")
@click.option("--workspace", type=click.Path(path_type=Path), required=True, help="Names the code server.")
def main(host: str, port: int, workspace: Path) -> None:
    """Serve Dagster's pages of the deployment under DATALAB_HOME to publishers who are signed in."""
    from datalab_dagster.portal.dagster.serve import serve

    with exit_on_failure():
        serve(host, port, workspace)


if __name__ == "__main__":
    keep_private()
    main()
