"""A real pgbouncer in front of PostgreSQL: pools of transactions and statements are refused, one of sessions works.

The user of the database has, as in PostgreSQL 15 and later, no rights but those that `datalab up` asks for.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing

import psycopg2
import pytest
from sqlalchemy import make_url, text

from datalab.registry import Database, LabState
from datalab.registry.errors import DatabasePooled
from datalab.registry.fitness import check_server
from tests.attacks.pgbouncer import PROGRAM, bouncer
from tests.attacks.test_database_rights import stranger
from tests.commands import COMMAND
from tests.living.world import World
from tests.unit.registry.conftest import empty_url, server
from tests.up.processes import free_port

__all__ = ["empty_url", "server", "stranger"]

pytestmark = [
    pytest.mark.attack,
    pytest.mark.long,
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
]


def used(url: str, processes: int) -> None:
    """Leave that many free server processes in the pool, as clients of other programs do."""
    with ExitStack() as stack:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        connections = [stack.enter_context(closing(psycopg2.connect(plain))) for _ in range(processes)]
        for connection in connections:
            connection.cursor().execute("SELECT 1")
        for connection in connections:
            connection.commit()  # otherwise pgbouncer ends the process


@pytest.mark.parametrize("processes", range(5))
@pytest.mark.parametrize("round_robin", [0, 1])
def test_a_pool_of_transactions_is_recognised(empty_url: str, round_robin: int, processes: int) -> None:
    with bouncer(empty_url, "transaction", server_round_robin=round_robin) as url:
        used(url, processes)
        for _ in range(4):  # each connection leaves the pool in another order
            with Database(url) as database, pytest.raises(DatabasePooled, match="pool_mode = session"):
                check_server(database)


def test_a_pool_of_one_process_is_recognised(empty_url: str) -> None:
    with (
        bouncer(empty_url, "transaction", default_pool_size=1) as url,
        Database(url) as database,
        pytest.raises(DatabasePooled),
    ):
        check_server(database)


def test_a_pool_of_statements_is_recognised(empty_url: str) -> None:
    with (
        bouncer(empty_url, "statement") as url,
        Database(url) as database,
        pytest.raises(DatabasePooled, match="pool_mode = session"),
    ):
        check_server(database)


@pytest.mark.parametrize("round_robin", [0, 1])
def test_a_pool_of_sessions_is_not_refused(empty_url: str, round_robin: int) -> None:
    with bouncer(empty_url, "session", server_round_robin=round_robin) as url:
        used(url, 3)
        for _ in range(4):
            with Database(url) as database:
                check_server(database)


@pytest.fixture
def world() -> Iterator[World]:
    """A home whose database others manage; nothing is started."""
    world = World(users=300)
    yield world
    world.end()


def refused(world: World, url: str, *words: str) -> str:
    """Run a command that ends with an error, and return the error."""
    environment = {**world.environment, "DATALAB_POSTGRES_URL": url}
    ended = subprocess.run([COMMAND, *words], env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode not in (0, 1), ended
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.stderr


def up() -> tuple[str, ...]:
    return "up", "--port", str(free_port()), "--portal-port", str(free_port())


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_up_and_commands_name_the_setting(empty_url: str, world: World, mode: str) -> None:
    file = str(world.files / "identifiers.csv")
    with bouncer(empty_url, mode) as url:
        for words in (up(), ("lab", "list"), ("dataset", "upload", file)):
            assert "pool_mode = session" in " ".join(refused(world, url, *words).split())
    assert not (world.data_home / "dagster").exists(), "nothing was started"
    with Database(empty_url) as database, database.standing_connection() as connection:
        assert not connection.execute(text("SELECT 1 FROM pg_namespace WHERE nspname ~ 'datalab'")).scalar()


def test_a_deployment_of_a_user_with_the_named_rights_behind_a_pool_of_sessions(
    stranger: str, empty_url: str, world: World
) -> None:
    for expected in ("GRANT CREATE ON DATABASE", "GRANT CREATE ON SCHEMA public TO"):
        told = " ".join(refused(world, stranger, *up()).split())
        grant = told.split("`")[1]
        assert grant.startswith(expected)
        assert not (world.data_home / "dagster").exists(), "nothing was started"
        with Database(empty_url) as database, database.standing_connection() as owner:
            owner.execute(text(grant))
    with bouncer(stranger, "session") as url:
        world.environment = {**world.environment, "DATALAB_POSTGRES_URL": url}
        world.start(portal=True)
        lab = world.new_lab()
        assert world.becomes(lab, LabState.READY), world.told(lab)
        world.stop()
