"""Decides which process answers events of a home directory: that of `datalab up`, or any if `up` does not run."""

from __future__ import annotations

from pathlib import Path

from datalab.home.settings import Environment
from datalab.home.up import running


def may_answer_events(home: Path) -> bool:
    """Return whether this process may answer events: of two daemons on one home only one does."""
    return bool(Environment.read().up) or running(home) is None
