"""Who is to answer events on a home directory: what `datalab up` started, or anybody while it does not run."""

from __future__ import annotations

import os
from pathlib import Path

from datalab.home.up import running
from datalab_dagster.graph.home import UP


def belongs_here(home: Path) -> bool:
    """Tell whether this process may answer events: of two daemons on one home only one does."""
    return bool(os.environ.get(UP)) or running(home) is None
