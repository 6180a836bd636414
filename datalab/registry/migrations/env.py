"""What Alembic runs for every command on the registry: its connection, its schema, its own version table."""

from __future__ import annotations

from alembic import context

from datalab.registry.migrating import OPTIONS

context.configure(connection=context.config.attributes["connection"], **OPTIONS)
with context.begin_transaction():
    context.run_migrations()
