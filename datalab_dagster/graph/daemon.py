"""`python -m datalab_dagster.graph.daemon run …`: Dagster's daemon; `datalab up` starts it like this."""

from datalab.home.private import keep_private
from datalab_dagster.graph.private import run_daemon

if __name__ == "__main__":
    keep_private()
    run_daemon()
