"""A process keeps one connection to the database of Dagster's storages, and none that is lost or another process's."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import NullPool, create_engine, event, text

from datalab_dagster.graph import connections, private
from datalab_dagster.graph.instance import open_instance
from tests.unit.registry.conftest import empty_url

__all__ = ["empty_url"]


@pytest.fixture
def environment(empty_url: str, tmp_path: Path) -> dict[str, str]:
    return {"DATALAB_POSTGRES_URL": empty_url, "DATALAB_HOME": str(tmp_path)}


@pytest.fixture
def instance(environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    with open_instance(environment) as instance:
        yield instance


def others(url: str, action: str) -> int:
    """Do something with all other connections to the database; return their number."""
    engine = create_engine(url, poolclass=NullPool)
    query = f"SELECT {action} FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        return len(connection.execute(text(query)).all())


def ask(instance: dg.DagsterInstance) -> None:
    instance.get_runs_count()
    instance.fetch_materializations(dg.AssetKey("made"), limit=1)
    instance.all_instigator_state()


def test_all_instances_of_a_process_share_one_connection(instance: dg.DagsterInstance, empty_url: str) -> None:
    ask(instance)
    made: list[str] = []
    [engine] = set(private.engines(instance))
    event.listen(engine, "connect", lambda *_: made.append("connect"))
    for _ in range(3):
        with dg.DagsterInstance.from_ref(instance.get_ref()) as again:
            assert set(private.engines(again)) == {engine}
            ask(again)
    assert made == [] and others(empty_url, "pid") == 1


def test_only_the_first_instance_asks_for_tables(instance: dg.DagsterInstance) -> None:
    asked: list[str] = []
    [engine] = set(private.engines(instance))
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    with dg.DagsterInstance.from_ref(instance.get_ref()):
        assert asked == []


def test_connections_used_at_once_are_closed_again(instance: dg.DagsterInstance, empty_url: str) -> None:
    [engine] = set(private.engines(instance))
    with engine.connect(), engine.connect(), engine.connect():
        assert others(empty_url, "pid") == 3
    assert others(empty_url, "pid") == 1


def test_a_lost_connection_is_replaced_before_it_is_used(
    instance: dg.DagsterInstance, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_SURE_SECONDS", 0.0)
    ask(instance)
    assert others(empty_url, "pg_terminate_backend(pid)") == 1
    ask(instance)


def test_it_is_closed_with_the_last_instance(environment: dict[str, str], empty_url: str) -> None:
    with open_instance(environment) as instance:
        ask(instance)
        assert others(empty_url, "pid") == 1
    del instance
    gc.collect()
    assert others(empty_url, "pid") == 0


FORK = """
import os, sys
from sqlalchemy import text
from datalab_dagster.graph.connections import engine_at

def backend(engine):
    with engine.connect() as connection:
        return connection.scalar(text("SELECT pg_backend_pid()"))

engine = engine_at(sys.argv[1])
before = backend(engine)
child = os.fork()
if not child:
    own = engine_at(sys.argv[1])
    os._exit(0 if own is not engine and before not in (backend(own), backend(engine)) else 1)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) or (0 if backend(engine) == before else 2))
"""


def test_a_fork_connects_itself_and_leaves_the_connection_of_its_parent_alone(empty_url: str) -> None:
    assert subprocess.run([sys.executable, "-c", FORK, empty_url], check=False).returncode == 0
