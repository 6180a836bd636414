"""A deployment's Dagster instance: its settings, code location and processes' environment; light to import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from datalab.errors import OutputFailed
from datalab.home.directory import home_directory
from datalab.home.settings import HOME, UP
from datalab.scratch import why, write_whole

SETTINGS = Path(__file__).parents[2] / "dagster.yaml"
"""The settings of every deployment, at the top of the checkout."""
CODE_LOCATION = "datalab_dagster.definitions"
"""Module and name of the code location; the cursors of sensors belong to this name."""


def dagster_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of the deployment's Dagster instance."""
    return home_directory(environment) / "dagster"


def prepare_home(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Write the instance's settings, and return the environment for processes that belong to `datalab up`.

    Raises:
        OutputFailed: the home directory cannot be written to.
    """
    return {**child_environment(environment), UP: "1"}


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Write the instance's settings, and return the environment for processes of this deployment."""
    folder = dagster_home(environment)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = SETTINGS.read_text(encoding="utf-8")
    except OSError as error:
        raise OutputFailed(folder, why(error)) from None
    target = folder / "dagster.yaml"
    if not target.exists() or target.read_text(encoding="utf-8") != settings:
        write_whole(target, settings)
    home = str(home_directory(environment))
    return {**environment, HOME: home, "DAGSTER_HOME": str(folder), "DAGSTER_DISABLE_TELEMETRY": "1"}
