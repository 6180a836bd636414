"""Checks that a PostgreSQL which others manage suits a deployment: rights of its user, sessions that last."""

from __future__ import annotations

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from datalab.registry.database import Database
from datalab.registry.errors import DatabasePooled, DatabaseRightMissing, DatabaseUnreachable
from datalab.registry.models import SCHEMA

_PROCESS = text("SELECT pg_backend_pid()")
_DAGSTERS = ("runs", "event_logs", "jobs")
"""A table of each of Dagster's storages: a storage without it creates its tables."""


def check_server(database: Database) -> None:
    """Check that registry and Dagster can work on the server; to be called before anything is started.

    Raises:
        DatabasePooled: as `check_sessions`.
        DatabaseRightMissing: its user may not create the tables that are missing.
        DatabaseUnreachable, DatabaseRefused: no connection.
    """
    check_sessions(database)
    with database.standing_connection() as connection:
        _check_rights(database, connection)


def check_sessions(database: Database) -> None:
    """Check that a session keeps its server process: asked twice, and while another client has a transaction.

    A pool gives away the process that became free last, or (`server_round_robin`) the one that is free for longest.

    Raises:
        DatabasePooled: its locks do not belong to a session, as behind pgbouncer in transaction or statement mode.
        DatabaseUnreachable, DatabaseRefused: no connection.
    """
    try:
        is_kept = _keeps_its_process(database)
    except DatabaseUnreachable:
        if not _refuses_transactions(database):
            raise
        is_kept = False
    if not is_kept:
        raise DatabasePooled(database.where)


def _keeps_its_process(database: Database) -> bool:
    # Both are connected before they are asked: a connection uses processes of the pool, too.
    with database.standing_connection() as connection, database.standing_connection() as other:
        mine, same = (connection.execute(_PROCESS).scalar() for _ in range(2))
        other.exec_driver_sql("BEGIN")
        theirs = other.execute(_PROCESS).scalar()
        # Not asked if both share one: a pool of one process would not answer before the end of the transaction.
        is_kept = mine == same != theirs and connection.execute(_PROCESS).scalar() == mine
        other.exec_driver_sql("ROLLBACK")
    return is_kept


def _refuses_transactions(database: Database) -> bool:
    """Return whether statements are answered and a transaction ends the connection: a pool of statements does so."""
    engine = create_engine(
        database.engine.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,  # which SQLAlchemy looks for in a transaction
        connect_args={"connect_timeout": 10},
    )
    answers = False
    try:
        with engine.connect() as connection:
            answers = connection.execute(_PROCESS).scalar() is not None
            connection.exec_driver_sql("BEGIN")
    except DBAPIError:
        return answers
    return False


def _check_rights(database: Database, connection: Connection) -> None:
    user, name, schema = connection.execute(
        text("SELECT quote_ident(current_user), quote_ident(current_database()), coalesce(current_schema(), 'public')")
    ).one()
    ours = connection.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": SCHEMA}).scalar()
    if not ours and not _may(connection, "has_database_privilege(current_database(), 'CREATE')"):
        raise DatabaseRightMissing(database.where, f"GRANT CREATE ON DATABASE {name} TO {user};")
    tables = text("SELECT count(*) FROM pg_tables WHERE schemaname = :schema AND tablename = ANY(:names)")
    known = connection.execute(tables, {"schema": schema, "names": list(_DAGSTERS)}).scalar()
    if known != len(_DAGSTERS) and not _may(connection, "has_schema_privilege(:schema, 'CREATE')", schema=schema):
        quoted = connection.execute(text("SELECT quote_ident(:schema)"), {"schema": schema}).scalar()
        raise DatabaseRightMissing(database.where, f"GRANT CREATE ON SCHEMA {quoted} TO {user};")


def _may(connection: Connection, right: str, **values: str) -> bool:
    return bool(connection.execute(text(f"SELECT {right}"), values).scalar())
