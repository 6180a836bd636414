"""A validation that is started on a host without a daemon: that of another host has it executed, if it is alive."""

from __future__ import annotations

import os
from collections.abc import Iterator

import dagster as dg
import pytest

from datalab.home.up import held
from datalab.registry import LabState
from datalab_dagster.graph.instance import open_instance
from datalab_dagster.graph.runs.queued import daemon_takes_runs
from datalab_dagster.service.local import LocalService
from resources.process import PROCESS_TAG
from tests.heartbeats import beat
from tests.living.conftest import FILES, ME, Living
from tests.up.processes import within

pytestmark = pytest.mark.slow


@pytest.fixture
def instance(living: Living) -> Iterator[dg.DagsterInstance]:
    """The instance of the deployment, which all hosts have in common."""
    with open_instance() as instance:
        yield instance


def test_a_run_waits_for_the_daemon_of_another_host(living: Living, instance: dg.DagsterInstance) -> None:
    beat(instance, 1)
    lab = living.lab()
    living.provision(lab, FILES)
    service = LocalService(living.deployment, ME)
    run_id = service.validate(lab.id).run_id

    def status() -> dg.DagsterRunStatus | None:
        run = instance.get_run_by_id(run_id)
        return run.status if run else None

    assert within(60, lambda: status() is dg.DagsterRunStatus.QUEUED)
    assert not within(3, lambda: living.state(lab) is not LabState.VALIDATING), "its process has ended, its run has not"
    run = instance.get_run_by_id(run_id)
    assert run is not None and PROCESS_TAG not in run.tags and status() is dg.DagsterRunStatus.QUEUED
    assert service.validate(lab.id).run_id == run_id


def test_a_daemon_that_is_gone_is_not_waited_for(living: Living, instance: dg.DagsterInstance) -> None:
    beat(instance, 120)
    lab = living.lab()
    living.provision(lab, FILES)
    LocalService(living.deployment, ME).validate(lab.id)
    assert within(90, lambda: living.state(lab) is LabState.READY)


def test_a_home_with_a_database_or_a_daemon_of_its_own_waits_for_no_other(
    living: Living, instance: dg.DagsterInstance
) -> None:
    beat(instance, 1)
    assert daemon_takes_runs(instance)
    without = {name: value for name, value in os.environ.items() if name != "DATALAB_POSTGRES_URL"}
    assert not daemon_takes_runs(instance, without)
    with held(living.deployment.home):
        pass  # `up` was started, and stopped a moment ago: its last heartbeat is still there
    assert not daemon_takes_runs(instance)
