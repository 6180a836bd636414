"""Errors of the graph: a run that cannot be started, settings of Dagster that cannot be used."""

from __future__ import annotations

from pathlib import Path

from datalab.errors import DatalabError, UsageError


class RunNotStarted(DatalabError):
    """The process that executes a run could not be started."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The run could not be started: {reason}. Nothing was changed; run again.")


class DagsterHomeUnusable(UsageError):
    """The settings in the directory that `DAGSTER_HOME` names cannot be used."""

    def __init__(self, file: Path, reason: str, remedy: str) -> None:
        super().__init__(
            f"DAGSTER_HOME is set, and {file} cannot be used: {reason}. {remedy}, or unset DAGSTER_HOME: then the "
            "deployment uses settings of its own. Nothing was started."
        )
