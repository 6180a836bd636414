"""Lost runs whose next attempt Dagster has dropped, because no code server answered it: `lost_runs` starts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from datalab.registry import Lab, LabState, RunState
from datalab_dagster.graph.sensors import broken_runs, lost_runs
from resources import DeploymentRun
from resources.attempts import is_tried_again
from tests.living.conftest import FILES, IDENTIFIERS, Living
from tests.living.test_failures import status_context

DROPPED = {"dagster/will_retry": "false"}
"""What Dagster notes on a failed run after it could not start the next attempt."""


@pytest.fixture
def living(living: Living) -> Iterator[Living]:
    """The same, with an instance that tries runs again."""
    with dg.DagsterInstance.ephemeral(settings={"run_retries": {"enabled": True, "max_retries": 2}}) as instance:
        living.instance = instance
        yield living


def lost(living: Living, lab: Lab, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Execute a request whose process is killed before its verdict; the sensor of failed runs records its end."""

    def killed(*_: Any) -> None:
        raise SystemError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("datalab.statistics.validation_status", killed)
        for last_word in ("end", "give_up"):
            patched.setattr(DeploymentRun, last_word, lambda _: None)
        result = living.execute(request, raise_on_error=False)
    broken_runs(status_context(living, result, "broken_runs", "PIPELINE_FAILURE"))
    (last,) = living.deployment.registry.runs.history(lab.id, limit=1)
    assert (last.run_id, last.state) == (result.run_id, RunState.FAILED)
    return result


def requested(living: Living) -> list[dg.RunRequest]:
    answer = living.evaluate(lost_runs)
    return [] if isinstance(answer, dg.SkipReason) else answer


def provisioned(living: Living) -> tuple[Lab, dg.RunRequest]:
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    return lab, request


def test_it_is_started_once_with_the_same_assets_and_one_attempt_less(living: Living) -> None:
    lab, request = provisioned(living)
    result = lost(living, lab, request)
    living.instance.add_run_tags(result.run_id, DROPPED)
    (again,) = requested(living)
    assert again.partition_key == lab.partition_key and again.tags["dagster/max_retries"] == "1"
    assert set(again.asset_selection or ()) == set(request.asset_selection or ())
    assert [one.run_key for one in requested(living)] == [again.run_key], "Dagster makes one run of a run key"
    assert living.execute(again).success and living.state(lab) is LabState.READY
    assert requested(living) == []
    assert ["another attempt" in run.cause for run in living.deployment.registry.runs.history(lab.id)] == [True, False]


def test_it_is_not_started_more_often_than_dagster_would(living: Living) -> None:
    lab, request = provisioned(living)
    left = []
    while True:
        result = lost(living, lab, request)
        living.instance.add_run_tags(result.run_id, DROPPED)
        if not (again := requested(living)):
            break
        (request,) = again
        left.append(request.tags["dagster/max_retries"])
    assert left == ["1", "0"]


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"dagster/will_retry": "true"},
        {**DROPPED, "dagster/auto_retry_run_id": "next"},
        {**DROPPED, "dagster/max_retries": "0"},
        {**DROPPED, "dagster/retry_number": "2"},
    ],
)
def test_dagster_starts_it_itself_or_it_has_ended_for_good(living: Living, tags: dict[str, str]) -> None:
    lab, request = provisioned(living)
    living.instance.add_run_tags(lost(living, lab, request).run_id, tags)
    assert requested(living) == []


def test_its_lab_has_other_data_or_another_run_since_or_is_deleted(living: Living) -> None:
    labs = [provisioned(living) for _ in range(3)]
    for lab, request in labs:
        living.instance.add_run_tags(lost(living, lab, request).run_id, DROPPED)
    (replaced, _), (repeated, request), (deleted, _) = labs
    living.provision(replaced, {IDENTIFIERS: "u0\nu1\nu2\nu3\n"})
    assert len(living.tick()) == 1
    assert living.execute(request).success and living.state(repeated) is LabState.READY
    living.deployment.registry.labs.delete(deleted.id, by="me@publisher.example")
    assert requested(living) == []


def test_no_notification_is_sent_for_it(living: Living) -> None:
    lab, request = provisioned(living)
    run = lost(living, lab, request).dagster_run
    for tags, expected in (({}, True), (DROPPED, True), ({"dagster/max_retries": "0"}, False)):
        living.instance.add_run_tags(run.run_id, tags)
        assert is_tried_again(living.instance, run) is expected
