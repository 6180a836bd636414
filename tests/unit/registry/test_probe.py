"""A probe asks over one connection, and over another one when that was lost."""

from __future__ import annotations

import psycopg2
import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from datalab.registry.probe import Probe, cursor_at


def sessions(url: str, action: str = "pid") -> int:
    """Do something with the connections of the probe; return their number."""
    engine = create_engine(url, poolclass=NullPool)
    query = f"SELECT {action} FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        return len(connection.execute(text(query)).all())


def test_it_keeps_one_connection_outside_transactions(empty_url: str) -> None:
    with Probe(empty_url) as probe:
        assert all(probe.answers() for _ in range(3))
        assert sessions(empty_url) == 1
        with cursor_at(empty_url) as cursor:
            cursor.execute("SELECT state FROM pg_stat_activity WHERE query = 'SELECT 1'")
            assert cursor.fetchall() == [("idle",)]
    assert sessions(empty_url) == 0


def test_a_server_that_was_restarted_answers(empty_url: str) -> None:
    with Probe(empty_url) as probe:
        assert probe.answers()
        assert sessions(empty_url, "pg_terminate_backend(pid)") == 1
        assert probe.answers()


def test_a_database_that_is_not_there_does_not_answer(empty_url: str) -> None:
    gone = make_url(empty_url).set(database="gone").render_as_string(hide_password=False)
    with Probe(gone) as probe:
        assert not probe.answers()
    with pytest.raises(psycopg2.Error), cursor_at(gone):
        pass
