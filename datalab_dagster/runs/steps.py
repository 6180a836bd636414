"""How far each asset of a run is, from Dagster's events."""

from __future__ import annotations

import dagster as dg

from datalab_dagster.service.models import StepInfo


def steps_of(instance: dg.DagsterInstance, run_id: str, *, over: bool) -> list[StepInfo]:
    """Return the steps of a run in the order in which they are executed; those of an ended run that never began, not.

    Args:
        instance: that knows the run.
        run_id: which run.
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
            steps.append(StepInfo(name=key, state="SKIPPED" if over else "PENDING"))
            continue
        seconds = stats.end_time - stats.start_time if stats.end_time and stats.start_time else None
        state = {"SUCCESS": "SUCCESS", "FAILURE": "FAILED", "SKIPPED": "SKIPPED"}.get(stats.status.value)
        if state == "SUCCESS":
            steps.append(StepInfo(name=key, state="SUCCESS", seconds=seconds))
        elif state == "FAILED" or (over and state is None):
            steps.append(StepInfo(name=key, state="FAILED", seconds=seconds))
        elif state == "SKIPPED":
            steps.append(StepInfo(name=key, state="SKIPPED"))
        else:
            steps.append(StepInfo(name=key, state="RUNNING"))
    return steps
