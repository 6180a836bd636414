"""The state of each step of a run, from Dagster's events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import dagster as dg

StepState = Literal["PENDING", "RUNNING", "SUCCESS", "FAILED", "SKIPPED"]
_STATES: dict[str, StepState] = {"SUCCESS": "SUCCESS", "FAILURE": "FAILED", "SKIPPED": "SKIPPED"}
"""Dagster's word → ours; any other means that the step is running."""


@dataclass(frozen=True)
class Step:
    """The progress of one step of a run."""

    name: str
    state: StepState
    seconds: float | None = None
    """None: it has not ended."""


def steps_of(instance: dg.DagsterInstance, run_id: str, *, over: bool) -> list[Step]:
    """Return the steps of a run in the order in which they are executed; omit steps of an ended run that never started.

    Args:
        instance: has the events.
        run_id: the run.
        over: whether the run has ended.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or run.execution_plan_snapshot_id is None:
        return []
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    seen = {stats.step_key: stats for stats in instance.get_run_step_stats(run_id)}
    steps = []
    for key in plan.step_keys_to_execute:
        stats = seen.get(key)
        if stats is None or stats.status is None:
            steps.append(Step(name=key, state="SKIPPED" if over else "PENDING"))
            continue
        state = _STATES.get(stats.status.value, "FAILED" if over else "RUNNING")
        seconds = None
        if state in ("SUCCESS", "FAILED") and stats.end_time and stats.start_time:
            seconds = stats.end_time - stats.start_time
        steps.append(Step(name=key, state=state, seconds=seconds))
    return steps
