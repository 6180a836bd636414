"""The code location: the catalogue of assets and jobs with the sensors and schedules that start them."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from datalab.home.directory import home_directory
from datalab.home.settings import Automation, load_settings
from datalab_dagster.graph.catalogue import catalogue
from datalab_dagster.graph.conditions import AwaitsRun
from datalab_dagster.graph.schedules import build_schedules
from datalab_dagster.graph.sensors import build_sensors


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Return the definitions of the deployment in the home directory.

    Args:
        resources: replace the default ones of the same names.

    Raises:
        SettingsWrong: its settings cannot be used.
    """
    settings = load_settings(home_directory())
    condition = AwaitsRun() if settings.automation is Automation.CONDITIONS else None
    return dg.Definitions.merge(
        catalogue(settings, resources, condition=condition),
        dg.Definitions(sensors=build_sensors(settings), schedules=build_schedules(settings)),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Build the code location when Dagster loads it; importing this module reads no file."""
    return build_definitions()
