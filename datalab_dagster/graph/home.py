"""A deployment's Dagster instance: its settings, code location and processes' environment; light to import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from datalab.errors import OutputFailed
from datalab.home.directory import home_directory
from datalab.home.settings import DAGSTER_HOME, HOME, UP, Environment
from datalab.scratch import why, write_whole

SETTINGS_NAME = "dagster.yaml"
SETTINGS = Path(__file__).with_name(SETTINGS_NAME)
"""The settings of a deployment that has none of its own: the file at the top of the checkout."""
CODE_LOCATION = "datalab_dagster.definitions"
"""Module and name of the code location; the cursors of sensors belong to this name."""


LAB_SCHEDULES = "lab_schedules"
"""The schedule of Dagster that starts the runs of the schedules of all labs."""


def dagster_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of the deployment's Dagster instance: `DAGSTER_HOME`, or one in the home directory."""
    own = Environment.read(environment).dagster_home
    return Path(own).expanduser().absolute() if own else home_directory(environment) / "dagster"


def prepare_home(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Write the instance's settings, and return the environment for processes that belong to `datalab up`.

    Raises:
        OutputFailed: the home directory cannot be written to.
        DagsterHomeUnusable: see `check_home`.
    """
    return {**child_environment(environment), UP: "1"}


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Write the instance's settings, unless they are its owner's, and return the environment for its processes."""
    check_home(environment)
    folder = dagster_home(environment)
    if not Environment.read(environment).dagster_home:
        _write_settings(folder)
    home = str(home_directory(environment))
    return {**environment, HOME: home, DAGSTER_HOME: str(folder), "DAGSTER_DISABLE_TELEMETRY": "1"}


def check_home(environment: Mapping[str, str] = os.environ) -> None:
    """Check the settings that the owner of `DAGSTER_HOME` wrote, if it is set; nothing is started or written.

    Raises:
        DagsterHomeUnusable: it has no `dagster.yaml` that can be read, or it stores runs elsewhere than the registry.
    """
    if Environment.read(environment).dagster_home:
        from datalab_dagster.graph.own_settings import check_settings  # loads SQLAlchemy

        check_settings(dagster_home(environment) / SETTINGS_NAME, environment)


def _write_settings(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = SETTINGS.read_text(encoding="utf-8")
    except OSError as error:
        raise OutputFailed(folder, why(error)) from None
    target = folder / SETTINGS_NAME
    if not target.exists() or target.read_text(encoding="utf-8") != settings:
        write_whole(target, settings)
