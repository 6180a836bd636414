"""The schedules of the code location as they are now: switched on or not, and what their last ticks did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from datalab.formats import counted
from datalab.home.settings import Settings
from datalab_dagster.graph.schedules import build_schedules


@dataclass(frozen=True)
class Scheduled:
    """A schedule of the code location."""

    name: str
    cron: str
    timezone: str
    is_on: bool | None
    """Whether it is switched on in Dagster; None: not known."""
    last_at: datetime | None
    """Of its last tick; None: there was none, or it is not known."""
    last: str
    """What the tick did, or why it did nothing."""


def scheduled(settings: Settings, instance: Callable[[], dg.DagsterInstance]) -> list[Scheduled]:
    """Return the schedules of the code location, also while Dagster's storage does not answer.

    Args:
        settings: of the deployment.
        instance: opens its records.
    """
    try:
        opened = instance()
        states = {state.name: state for state in opened.all_instigator_state()}
        ticks = {
            name: opened.get_ticks(one.instigator_origin_id, one.selector_id, limit=1) for name, one in states.items()
        }
        is_known = True
    except Exception:  # noqa: BLE001 - the errors of Dagster's storage share no base class
        states, ticks, is_known = {}, {}, False
    found = []
    for schedule in build_schedules(settings):
        state, [tick, *_] = states.get(schedule.name), [*ticks.get(schedule.name, []), None]
        found.append(
            Scheduled(
                schedule.name,
                str(schedule.cron_schedule),
                schedule.execution_timezone or "UTC",
                (state is None or state.is_running) if is_known else None,
                datetime.fromtimestamp(tick.timestamp, UTC) if tick else None,
                _done(tick) if tick else "",
            )
        )
    return found


def _done(tick: Any) -> str:
    """Return what a tick did; why it failed is on Dagster's page, as messages of errors can hold anything."""
    status = tick.status.value
    if status == "SKIPPED":
        return str(tick.skip_reason or "")
    if status == "SUCCESS":
        return f"Started {counted(len(tick.run_ids), 'run')}."
    return "Failed; Dagster's page of the schedule says why." if status == "FAILURE" else "Not complete."
