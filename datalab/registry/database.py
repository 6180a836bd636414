"""The PostgreSQL of the registry, its transactions and the migration of its schema; it names no table."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from datalab.errors import DatalabError, UnexpectedFailure
from datalab.home.settings import Environment
from datalab.registry.embedded import embedded_server
from datalab.registry.errors import (
    DatabaseFull,
    DatabaseRefused,
    DatabaseUnreachable,
    DatabaseUrlWrong,
    RegistryBusy,
    SchemaTooNew,
    SchemaTooOld,
)
from datalab.registry.models import SCHEMA
from datalab.registry.probe import DRIVER

_MIGRATION_LOCK = 0x64617461_6C61_6201
"""An unused number for an advisory lock: "datalab" and a 1."""
_SESSION = "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '120s'; SET timezone = 'UTC'"
"""A client that hangs with a lock must not block all others."""

_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
"""After a minute without the server, a connection that stays open is lost."""

REVISIONS = sorted(path.name[1:5] for path in (Path(__file__).parent / "migrations" / "versions").glob("r[0-9]*.py"))
NEWEST = REVISIONS[-1]
"""The migrations of the schema in order, named as their files."""


def registry_url(environment: Mapping[str, str] = os.environ) -> str:
    """Return the URL of the database, with its driver and password, whether its server runs or not.

    Raises:
        DatabaseUrlWrong: `DATALAB_POSTGRES_URL` is not a URL of PostgreSQL.
    """
    server = embedded_server(environment)
    return server.url if server else with_driver(Environment.read(environment).postgres_url)


def database_url(environment: Mapping[str, str] = os.environ) -> str:
    """Return the URL of the database, with its driver and password; starts the server under the home if needed.

    Raises:
        DatabaseUrlWrong: `DATALAB_POSTGRES_URL` is not a URL of PostgreSQL.
        EmbeddedPostgresFailed: the server under the home directory does not start.
    """
    if server := embedded_server(environment):
        server.start()
    return registry_url(environment)


def with_driver(url: str) -> str:
    """Return `url` with the project's driver.

    >>> with_driver("postgresql://me:secret@db.example/labs")
    'postgresql+psycopg2://me:secret@db.example/labs'
    """
    return _parsed(url).render_as_string(hide_password=False)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise DatabaseUrlWrong("it is not a URL") from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername=DRIVER)
    if parsed.drivername != DRIVER:
        raise DatabaseUrlWrong(f"its driver is '{parsed.drivername}', but only '{DRIVER}' is supported")
    return parsed


class Database:
    """Connections to the registry's PostgreSQL; threads may share them, forked processes may not.

    Args:
        url: of PostgreSQL, with or without driver.
        pool_size: how many connections are kept.

    Example:
        >>> with Database.open() as database:     # doctest: +SKIP
        ...     database.migrate()
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        parsed = _parsed(url)
        self.where = _place(parsed)
        """Host and database, without user and password."""
        connecting = {"connect_timeout": 10, "application_name": "datalab"}
        self.engine: Engine = create_engine(
            parsed, pool_size=pool_size, pool_pre_ping=True, hide_parameters=True, connect_args=connecting
        )
        # Of uploads and runs, for as long as these take: they must not use up the connections of everything else.
        self._standing = create_engine(
            parsed, poolclass=NullPool, hide_parameters=True, connect_args={**connecting, **_KEEPALIVE}
        )
        for engine in (self.engine, self._standing):
            event.listen(engine, "connect", _prepare)

    @classmethod
    def open(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the database that the environment names, reachable or not; starts the one under the home."""
        return cls(database_url(environment))

    def close(self) -> None:
        """Close all connections; the server keeps running."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session whose changes are committed together at the end, or not at all."""
        with self.translated(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a read-only session that sees the data of one moment."""
        with self.translated(), self.engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with Session(connection) as session:
                yield session

    @contextlib.contextmanager
    def standing_connection(self) -> Iterator[Connection]:
        """Yield a connection that may stay open for long: outside a transaction, so that it does not time out.

        Errors of the driver inside the block are passed to the caller.
        """
        with self.translated():
            connection = self._standing.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield connection
        finally:
            connection.close()

    def check(self) -> None:
        """Check that the server answers and that its registry has this version.

        Raises:
            DatabaseUnreachable, DatabaseRefused: no connection.
            SchemaTooOld, SchemaTooNew: another version's registry.
        """
        with self.translated(), self.engine.connect() as connection:
            if self._known_revision(connection) != NEWEST:
                raise SchemaTooOld(self.where)

    def migrate(self) -> bool:
        """Bring the registry's schema up to date and return whether a migration was needed.

        One transaction: afterwards it is up to date, or unchanged. Any number of processes may call it at once.

        Raises:
            SchemaTooNew: a newer datalab has migrated it.
        """
        with self.translated(), self.engine.connect() as connection:
            if self._known_revision(connection) == NEWEST:
                return False
        from datalab.registry.migrating import run_missing  # loading Alembic takes half a second

        with self.translated(), self.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            if self._known_revision(connection) == NEWEST:
                return False
            run_missing(connection)
            return True

    def _known_revision(self, connection: Connection) -> str | None:
        """Return the last migration of the registry; None: there is no registry yet."""
        # Not to_regclass: it caches in its session that a table does not exist.
        query = text("SELECT 1 FROM pg_tables WHERE schemaname = :schema AND tablename = 'alembic_version'")
        if connection.execute(query, {"schema": SCHEMA}).scalar() is None:
            return None
        revision = connection.execute(text(f"SELECT version_num FROM {SCHEMA}.alembic_version")).scalar()
        if revision is not None and revision not in REVISIONS:
            raise SchemaTooNew(self.where, str(revision))
        return revision

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Translate errors of the driver into errors of the registry; their text may repeat values."""
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            raise self._explained(error) from None
        except SQLAlchemyError as error:
            raise UnexpectedFailure(error) from None

    def _explained(self, error: DBAPIError | PoolTimeout) -> DatalabError:
        code = str(getattr(getattr(error, "orig", None), "pgcode", None) or "")
        if isinstance(error, PoolTimeout) or code in ("55P03", "40P01", "40001"):
            return RegistryBusy()
        if code in ("42P01", "42703", "3F000"):
            return SchemaTooOld(self.where)
        if code == "42501":
            return DatabaseRefused(self.where, "this user may not use the registry's schema")
        if code == "53100":
            return DatabaseFull(self.where, "no disk space left")
        if code == "53300":
            return DatabaseFull(self.where, "no connection left")
        if code.startswith(("57P", "08")) or code == "25P03":
            return DatabaseUnreachable(self.where, lost=True)
        if not code and isinstance(error, DBAPIError):
            return self._connection_failed(error)
        return UnexpectedFailure(error)

    def _connection_failed(self, error: DBAPIError) -> DatalabError:
        """Classify a failed or broken connection, for which PostgreSQL's client gives text only."""
        message = str(error.orig)
        for sign, reason in _REFUSALS.items():
            if sign in message:
                return DatabaseRefused(self.where, reason)
        if "too many clients" in message or "connection slots are reserved" in message:
            return DatabaseFull(self.where, "no connection left")
        if "FATAL" in message and "starting up" not in message and "shutting down" not in message:
            return DatabaseRefused(self.where, "see the server's log")
        return DatabaseUnreachable(self.where, lost=error.connection_invalidated)


_REFUSALS = {
    "password authentication failed": "wrong user or password",
    "no password supplied": "a password is needed",
    "no pg_hba.conf entry": "the server does not accept this user from this machine",
    "role ": "there is no such user",
    "permission denied for database": "this user may not use the database",
    "database ": "there is no such database",
}
"""Text of PostgreSQL → text of the error."""


def _place(url: URL) -> str:
    host = url.host or str(url.query.get("host", "this machine"))
    return f"{host}{f':{url.port}' if url.port else ''}, database {url.database or 'of the user'}"


def _prepare(connection: Any, record: object) -> None:
    del record
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)
    connection.commit()
