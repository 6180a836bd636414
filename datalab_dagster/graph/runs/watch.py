"""Who is to answer events on a home directory: what `datalab up` started, or anybody while it does not run."""

from __future__ import annotations

from pathlib import Path

from datalab.home.settings import Environment
from datalab.home.up import running


def belongs_here(home: Path) -> bool:
    """Tell whether this process may answer events: of two daemons on one home only one does."""
    return bool(Environment.read().up) or running(home) is None
