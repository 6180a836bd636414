"""The code location: the catalogue of assets and jobs with the sensors and schedules that start them."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from datalab_dagster.graph.catalogue import catalogue
from datalab_dagster.graph.schedules import SCHEDULES
from datalab_dagster.graph.sensors import SENSORS


def build_definitions(resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Return the definitions, with `resources` in place of the default ones of the same names."""
    return dg.Definitions.merge(catalogue(resources), dg.Definitions(sensors=SENSORS, schedules=SCHEDULES))


defs = build_definitions()
