"""What runs at once: two runs that compute, one per lab, and a third place for a run that does not compute."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets import ALL_ASSETS
from datalab.home.pools import DUCKDB, POOLS, SPARK
from datalab.registry import LabState
from datalab_dagster.graph.home import SETTINGS_NAME
from datalab_dagster.graph.private import limit_pools
from tests.living.world import World, eventually, write_settings
from tests.unit.registry.conftest import server, url

__all__ = ["server", "url"]

LABS, LIMIT = 30, 2


@pytest.fixture
def instance(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DATALAB_POSTGRES_URL", url)
    folder = Path(tempfile.mkdtemp(prefix="datalab-test-")) / "dagster"
    write_settings(folder)
    with dg.DagsterInstance.from_config(str(folder), SETTINGS_NAME) as instance:
        yield instance
    shutil.rmtree(folder.parent)


def test_whole_datasets_are_read_in_one_pool_and_panels_computed_in_the_other() -> None:
    pools = {key.to_user_string(): pool for asset in ALL_ASSETS for key in asset.keys for pool in asset.op.pools}
    of_groups = {key.to_user_string(): group for asset in ALL_ASSETS for key, group in asset.group_names_by_key.items()}
    assert set(pools.values()) == set(POOLS)
    assert {name for name, pool in pools.items() if pool == SPARK} == {
        "users",
        *(name for name, group in of_groups.items() if group == "validation"),
    }
    assert {name for name, pool in pools.items() if pool == DUCKDB} == {
        name for name, group in of_groups.items() if group == "statistics" and name != "users"
    }


def test_the_limits_are_where_dagster_documents_them_and_the_queue_is_looked_at_every_second(
    instance: dg.DagsterInstance,
) -> None:
    settings = instance.get_settings("concurrency")
    assert settings["pools"] == {"granularity": "run", "default_limit": LIMIT}
    assert settings["runs"]["max_concurrent_runs"] == LIMIT + 1
    [per_lab] = settings["runs"]["tag_concurrency_limits"]
    assert (per_lab["key"], per_lab["limit"]) == ("dagster/partition", 1)
    limits = instance.get_concurrency_config().run_queue_config
    assert limits is not None and limits.tag_concurrency_limits == [per_lab]
    assert getattr(instance.run_coordinator, "dequeue_interval_seconds") == 1  # noqa: B009 - of one coordinator only


def test_a_pool_has_its_limit_before_the_first_run_and_keeps_one_of_its_own(instance: dg.DagsterInstance) -> None:
    instance.event_log_storage.set_concurrency_slots(SPARK, 1)
    for _ in range(2):
        limit_pools(instance, POOLS)
        limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
        assert limits == {SPARK: 1, DUCKDB: LIMIT}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_of_thirty_labs_that_change_at_once_never_more_than_two_compute() -> None:
    world = World(users=100)
    world.environment["DAGSTER_HOME"] = str(world.home / "dagster")
    runs = {"max_concurrent_runs": 10}
    write_settings(
        world.home / "dagster", concurrency={"pools": {"granularity": "run", "default_limit": LIMIT}, "runs": runs}
    )
    try:
        world.start()
        labs = [world.service.create_lab(world.definition) for _ in range(LABS)]
        hashes = {kind: world.upload(kind) for kind in world.definition.datasets}
        for lab in labs:
            world.service.change(lab.id, hashes)
        assert eventually(lambda: all(world.service.lab(lab.id).state.state is LabState.READY for lab in labs), 1500), (
            world.said()
        )
        assert eventually(
            lambda: not world.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])), 30
        )
        records = world.instance.get_run_records()
        assert len(records) == LABS
        changes = [(record.start_time, 1) for record in records] + [(record.end_time, -1) for record in records]
        active, most = 0, 0
        for _, change in sorted((at or 0.0, change) for at, change in changes):
            active += change
            most = max(most, active)
        assert most == LIMIT
    finally:
        world.end()
