"""`python -m datalab_dagster.graph.daemon run …`: Dagster's daemon; `datalab up` starts it like this."""

from datalab_dagster.graph.private import run_daemon

if __name__ == "__main__":
    run_daemon()
