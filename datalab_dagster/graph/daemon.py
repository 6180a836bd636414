"""`python -m datalab_dagster.graph.daemon run …`: Dagster's daemon; `datalab up` starts it like this."""

from datalab.home.pools import POOLS
from datalab.home.private import keep_private
from datalab_dagster.graph.instance import open_instance
from datalab_dagster.graph.private import limit_pools, run_daemon

if __name__ == "__main__":
    keep_private()
    with open_instance() as instance:
        limit_pools(instance, POOLS)
    run_daemon()
