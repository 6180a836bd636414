"""Brings the registry's schema up to date with Alembic; only imported if a migration is needed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from datalab.registry.models import SCHEMA

MIGRATIONS = Path(__file__).parent / "migrations"
"""Directory of `env.py` and the migrations."""

OPTIONS: dict[str, Any] = {
    "version_table_schema": SCHEMA,
    "include_schemas": True,
    "include_name": lambda name, kind, parents: kind != "schema" or name == SCHEMA,
    "compare_type": True,
    "compare_server_default": True,
    "transactional_ddl": True,
}
"""Alembic's view of the registry: its own schema, its own version table."""

_one_migration = threading.Lock()
"""Alembic's `op` and `context` are one per process."""


def run_missing(connection: Connection) -> None:
    """Run the missing migrations, in the transaction of the caller, who holds the migration lock."""
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"'))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with _one_migration:
        command.upgrade(config, "head")
