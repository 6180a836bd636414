"""Checks that a PostgreSQL which others manage suits a deployment: rights of its user, sessions that last."""

from __future__ import annotations

from sqlalchemy import Connection, text

from datalab.registry.database import Database
from datalab.registry.errors import DatabasePooled, DatabaseRightMissing
from datalab.registry.models import SCHEMA

_PROCESS = text("SELECT pg_backend_pid()")
_DAGSTERS = ("runs", "event_logs", "jobs")
"""A table of each of Dagster's storages: a storage without it creates its tables."""


def check_server(database: Database) -> None:
    """Check that registry and Dagster can work on the server; to be called before anything is started.

    Raises:
        DatabasePooled: its locks do not belong to a session, as behind pgbouncer in transaction mode.
        DatabaseRightMissing: its user may not create the tables that are missing.
        DatabaseUnreachable, DatabaseRefused: no connection.
    """
    with database.standing_connection() as connection:
        _check_session(database, connection)
        _check_rights(database, connection)


def _check_session(database: Database, connection: Connection) -> None:
    """Check that a session keeps its server process while another client has a transaction."""
    with database.standing_connection() as other:  # opened first: a pool gives away the process that became free last
        mine = connection.execute(_PROCESS).scalar()
        other.exec_driver_sql("BEGIN")
        theirs = other.execute(_PROCESS).scalar()
        # Not asked if both share one: a pool of one process would not answer before the end of the transaction.
        is_kept = theirs != mine and connection.execute(_PROCESS).scalar() == mine
        other.exec_driver_sql("ROLLBACK")
    if not is_kept:
        raise DatabasePooled(database.where)


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
