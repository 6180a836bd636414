"""A PostgreSQL that others manage is checked before anything is started: rights of the user, pools of transactions."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from datalab.registry import Database, EmbeddedPostgres
from datalab.registry.errors import DatabasePooled, DatabaseRightMissing
from datalab.registry.fitness import check_server
from datalab_dagster.up.lab import up
from datalab_dagster.up.plan import Addresses
from tests.unit.registry.conftest import administrate, empty_url, server

__all__ = ["empty_url", "server"]

pytestmark = pytest.mark.attack


class TransactionPool:
    """What pgbouncer does in transaction mode: each transaction gets the server process that became free last."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._free: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for process in self._free:
            process.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client:
            while True:
                start = _exactly(client, struct.unpack("!I", size := _exactly(client, 4))[0] - 4)
                if start[:4] not in (struct.pack("!I", 80877103), struct.pack("!I", 80877104)):
                    break
                client.sendall(b"N")  # neither TLS nor GSS
            process = socket.socket(socket.AF_UNIX)
            process.connect(self._server)
            process.sendall(size + start)
            _until_ready(process, client)
            self._free.append(process)
            while (message := _message(client))[:1] != b"X":
                process = self._free.pop()
                process.sendall(message)
                while _until_ready(process, client) != b"I":
                    process.sendall(_message(client))
                self._free.append(process)


def _exactly(stream: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        if not (part := stream.recv(size - len(found))):
            raise EOFError
        found += part
    return found


def _message(stream: socket.socket) -> bytes:
    head = _exactly(stream, 5)
    return head + _exactly(stream, struct.unpack("!I", head[1:])[0] - 4)


def _until_ready(process: socket.socket, client: socket.socket) -> bytes:
    """Forward answers until the server is ready; return the state of its transaction."""
    while True:
        message = _message(process)
        client.sendall(message)
        if message[:1] == b"Z":
            return message[5:]


@contextmanager
def pooled(url: str) -> Iterator[str]:
    address = make_url(url)
    host = str(address.query.get("host") or address.host)
    pool = TransactionPool(f"{host}/.s.PGSQL.5432")
    try:
        plain = address.set(host="127.0.0.1", port=pool.port, query={})
        yield plain.render_as_string(hide_password=False)
    finally:
        pool.close()


@pytest.fixture
def stranger(server: EmbeddedPostgres, empty_url: str) -> Iterator[str]:
    """The URL of an empty database for a user without any right of their own."""
    administrate(server, "CREATE ROLE stranger LOGIN")
    with Database(empty_url) as database, database.standing_connection() as owner:
        owner.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    yield make_url(empty_url).set(username="stranger").render_as_string(hide_password=False)
    with Database(empty_url) as database, database.standing_connection() as owner:
        owner.execute(text("DROP OWNED BY stranger"))
    administrate(server, "DROP ROLE stranger")


def grants(url: str) -> str:
    with Database(url) as database, pytest.raises(DatabaseRightMissing) as refused:
        check_server(database)
    return str(refused.value).split("`")[1]


def test_each_missing_right_is_named_and_suffices(stranger: str, empty_url: str) -> None:
    name = make_url(empty_url).database
    for expected in (f"GRANT CREATE ON DATABASE {name} TO stranger;", "GRANT CREATE ON SCHEMA public TO stranger;"):
        grant = grants(stranger)
        assert grant == expected
        with Database(empty_url) as database, database.standing_connection() as owner:
            owner.execute(text(grant))
    with Database(stranger) as database:
        check_server(database)


def test_nothing_is_started_without_the_right(stranger: str, tmp_path: Path) -> None:
    said: list[str] = []
    environment = {"DATALAB_HOME": str(tmp_path), "DATALAB_POSTGRES_URL": stranger}
    with pytest.raises(DatabaseRightMissing, match="GRANT CREATE ON DATABASE"):
        up(Addresses("127.0.0.1", _free_port(), None), said.append, lambda home, secret: None, environment)
    assert said == ["Starting …"] and not (tmp_path / "dagster").exists()


def test_tables_that_exist_need_no_right(stranger: str, empty_url: str) -> None:
    with Database(empty_url) as database:
        database.migrate()
        with database.standing_connection() as owner:
            for table in ("runs", "event_logs", "jobs"):
                owner.execute(text(f"CREATE TABLE public.{table} ()"))
    with Database(stranger) as database:
        check_server(database)


def test_a_pool_of_transactions_is_recognised(empty_url: str) -> None:
    with (
        pooled(empty_url) as url,
        Database(url) as database,
        pytest.raises(DatabasePooled, match="pool_mode = session"),
    ):
        check_server(database)
    with Database(empty_url) as database:
        check_server(database)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
