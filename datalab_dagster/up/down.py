"""Stops what scripts and commands leave running under a home: its database, which they start when they need it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from datalab.home.directory import home_directory
from datalab.home.up import UpIsRunning, running
from datalab.registry import embedded_server
from datalab_dagster.up.database import stop_unused
from datalab_dagster.up.errors import DatabaseInUse, DatabaseOfOthers


def down(*, force: bool = False, environment: Mapping[str, str] = os.environ) -> bool:
    """Stop the database under the home, and return whether it was running.

    Args:
        force: also while other processes are connected to it.
        environment: contains the home directory and the database.

    Raises:
        UpIsRunning: `datalab up` needs it.
        DatabaseOfOthers: the deployment has no database under its home.
        DatabaseInUse: other processes are connected to it.
        EmbeddedPostgresFailed: it cannot be stopped.
    """
    home = home_directory(environment)
    if record := running(home):
        raise UpIsRunning(home, record)
    server = embedded_server(environment)
    if server is None:
        raise DatabaseOfOthers
    if not server.running():
        return False
    if force:
        return server.stop()
    if not stop_unused(server):
        raise DatabaseInUse(home)
    return True
