"""The error of a run that cannot be started."""

from __future__ import annotations

from datalab.errors import DatalabError


class RunNotStarted(DatalabError):
    """The process that executes a run could not be started."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The run could not be started: {reason}. Nothing was changed; run again.")
