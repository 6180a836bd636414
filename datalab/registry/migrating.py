"""Brings the registry's schema up to date with Alembic; only imported when there is something to do."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from datalab.registry.models import SCHEMA

_MIGRATIONS = Path(__file__).parent / "migrations"

_one_migration = threading.Lock()
"""Alembic's `op` is one per process."""


def run_missing(connection: Connection) -> None:
    """Run the steps that are missing, in the transaction of the caller's, who holds the migration lock."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"'))

    def steps(revision: Any, context: MigrationContext) -> Any:
        del context
        return scripts._upgrade_revs(scripts.get_current_head() or "base", revision)

    with _one_migration:
        context = migration_context(connection, fn=steps)
        with Operations.context(context):
            context.run_migrations()


def migration_context(connection: Connection, **options: Any) -> MigrationContext:
    """Return Alembic's view of the registry: its own schema, its own version table."""
    ours = {
        "version_table_schema": SCHEMA,
        "include_schemas": True,
        "include_name": lambda name, kind, parents: kind != "schema" or name == SCHEMA,
        "compare_type": True,
        "compare_server_default": True,
        "transactional_ddl": True,
    }
    return MigrationContext.configure(connection, opts={**ours, **options})
