"""Whether the daemon of another host takes runs from the queue, so that a run is not executed where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from datalab.home.directory import home_directory
from datalab.home.settings import Environment
from datalab.home.up import was_started
from datalab_dagster.graph.access import DAEMON_PATIENCE

_QUEUE = "QUEUED_RUN_COORDINATOR"


def daemon_takes_runs(instance: dg.DagsterInstance, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a daemon of another host works on this database.

    A database below the home, and a home on which `datalab up` was started, have a daemon of their own, or none.
    """
    if not Environment.read(environment).postgres_url or was_started(home_directory(environment)):
        return False
    beat = instance.get_daemon_heartbeats().get(_QUEUE)
    return beat is not None and datetime.now(UTC) - datetime.fromtimestamp(beat.timestamp, UTC) < DAEMON_PATIENCE
