"""The state of each step of a run, from Dagster's events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import dagster as dg

StepState = Literal["PENDING", "RUNNING", "SUCCESS", "FAILED", "SKIPPED"]
_STATES: dict[str, StepState] = {"SUCCESS": "SUCCESS", "FAILURE": "FAILED", "SKIPPED": "SKIPPED"}
"""Dagster's word → ours; any other means that the step is running."""
_REMEMBERED = 256
"""Runs whose steps are kept in memory."""


@dataclass(frozen=True)
class Step:
    """The progress of one step of a run."""

    name: str
    state: StepState
    seconds: float | None = None
    """None: it has not ended."""


class StepReader:
    """Reads the steps of runs. What a run executes never changes, so it is read once, not at every poll."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, ...]] = {}

    def steps_of(self, instance: dg.DagsterInstance, run_id: str, *, over: bool) -> list[Step]:
        """Return the steps of a run in the order in which they are executed, none before it has a plan.

        Args:
            instance: has the events.
            run_id: the run.
            over: whether the run has ended.
        """
        keys = self._keys_of(instance, run_id)
        seen = {stats.step_key: stats for stats in instance.get_run_step_stats(run_id)} if keys else {}
        steps = []
        for key in keys:
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

    def _keys_of(self, instance: dg.DagsterInstance, run_id: str) -> tuple[str, ...]:
        if (known := self._keys.get(run_id)) is not None:
            return known
        run = instance.get_run_by_id(run_id)
        if run is None or run.execution_plan_snapshot_id is None:
            return ()
        if len(self._keys) >= _REMEMBERED:
            self._keys.clear()
        plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
        return self._keys.setdefault(run_id, tuple(plan.step_keys_to_execute))
