"""`python -m datalab_dagster.graph.daemon --workspace FILE`: Dagster's daemon; `datalab up` starts it like this."""

from __future__ import annotations

from pathlib import Path

import click

from datalab.home.pools import POOLS
from datalab.home.private import keep_private


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--workspace", type=click.Path(path_type=Path), required=True, help="Names the code server.")
def main(workspace: Path) -> None:
    """Run Dagster's daemon of the deployment under DATALAB_HOME."""
    from datalab_dagster.graph.instance import open_instance
    from datalab_dagster.graph.private import limit_pools, run_daemon
    from datalab_dagster.graph.quiet import Patience, changes_of

    with open_instance() as instance:
        limit_pools(instance, POOLS)
        changes = changes_of(instance)
        changes.watch()
        run_daemon(instance, workspace, lambda end: Patience(end, changes))


if __name__ == "__main__":
    keep_private()
    main()
