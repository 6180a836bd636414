"""The steps of a run: its plan is read once, the states of its steps at every poll."""

from __future__ import annotations

import dagster as dg

from datalab_dagster.graph.runs.steps import StepReader


@dg.op
def good() -> None: ...


@dg.op
def bad() -> None:
    raise RuntimeError


@dg.job
def both() -> None:
    good()
    bad()


def test_the_plan_of_a_run_is_read_once() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        reader = StepReader()
        assert reader.steps_of(instance, "unknown", over=False) == []
        run = instance.create_run_for_job(both)
        waiting = reader.steps_of(instance, run.run_id, over=False)
        assert {(step.name, step.state) for step in waiting} == {("good", "PENDING"), ("bad", "PENDING")}
        ended = both.execute_in_process(instance=instance, raise_on_error=False)
        states = {step.name: step.state for step in reader.steps_of(instance, ended.run_id, over=True)}
        assert states == {"good": "SUCCESS", "bad": "FAILED"}
        reads: list[str] = []
        instance.get_run_by_id = lambda run_id: reads.append(run_id)  # type: ignore[method-assign, assignment, func-returns-value]
        assert {step.name: step.state for step in reader.steps_of(instance, ended.run_id, over=True)} == states
        assert [step.state for step in reader.steps_of(instance, run.run_id, over=True)] == ["SKIPPED", "SKIPPED"]
        assert reads == []
