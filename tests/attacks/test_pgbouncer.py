"""A real pgbouncer in front of PostgreSQL: pools of transactions and statements are refused, one of sessions works."""

from __future__ import annotations

from contextlib import ExitStack, closing

import psycopg2
import pytest
from sqlalchemy import make_url

from datalab.registry import Database
from datalab.registry.errors import DatabasePooled
from datalab.registry.fitness import check_server
from tests.attacks.pgbouncer import PROGRAM, bouncer
from tests.unit.registry.conftest import empty_url, server

__all__ = ["empty_url", "server"]

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
