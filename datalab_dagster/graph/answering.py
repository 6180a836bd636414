"""The one place where sensors and schedules find out whether they may answer, and get the deployment they answer for.

Of two daemons on one home directory only that of `datalab up` answers. The registry, and Dagster's connections, stay
open between ticks: opening them takes longer than most ticks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import dagster as dg
from sqlalchemy import Engine

from datalab.deployment import Deployment
from datalab.home.directory import home_directory
from datalab.home.settings import load_settings
from datalab.registry import Registry, registry_url
from datalab.registry.errors import DatabaseUnreachable
from datalab_dagster.graph.connections import engine_at
from datalab_dagster.graph.private import EMPTY_RESULT
from datalab_dagster.graph.runs.watch import may_answer_events

Context = TypeVar("Context")
Answer = TypeVar("Answer")

_ELSEWHERE = "`datalab up` runs on this home; its daemon does this."
_open: dict[str, tuple[Registry, Engine]] = {}
"""What stays open in this process, by the address of the database: its registry, and Dagster's connections to it."""


def answers(evaluate: Callable[[Deployment, Context], Answer]) -> Callable[[Context], Answer | dg.SkipReason]:
    """Decorate what a sensor or schedule does on a deployment: it is not called if another daemon answers."""

    def evaluated(context: Context) -> Answer | dg.SkipReason:
        home = home_directory()
        if not may_answer_events(home):
            return dg.SkipReason(_ELSEWHERE)
        url = registry_url()
        registry, _ = _open.get(url) or _open.setdefault(url, (Registry.open(), engine_at(url)))
        try:
            return evaluate(Deployment(home, load_settings(home), registry, os.environ), context)
        except DatabaseUnreachable:
            _open.pop(url, None)  # the next tick starts the server under the home
            registry.close()
            raise

    evaluated.__name__, evaluated.__doc__ = evaluate.__name__, evaluate.__doc__
    return evaluated


class RunStatusSensor(dg.RunStatusSensorDefinition):
    """A sensor of runs that have ended; where another daemon answers it leaves its cursor alone.

    Dagster moves the cursor past every run that it passes to a sensor, whatever the sensor returns, and two daemons on
    one home have the same cursors.
    """

    def evaluate_tick(self, context: dg.SensorEvaluationContext) -> Any:
        if not may_answer_events(home_directory()):
            return skipped(context, _ELSEWHERE)
        found = super().evaluate_tick(context)
        is_empty = found.skip_message == EMPTY_RESULT and not found.dagster_run_reactions
        return (
            skipped(context, "No run has ended since the last tick that concerns this sensor.") if is_empty else found
        )


def skipped(context: dg.SensorEvaluationContext, reason: str) -> Any:
    """Return what Dagster makes of a skip reason of a sensor, with the cursor that the context has."""
    return dg.SensorDefinition(name="skipped", evaluation_fn=lambda _: dg.SkipReason(reason)).evaluate_tick(context)
