"""The Dagster instance of a deployment, with its storage in the registry's PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from weakref import WeakSet

import dagster as dg
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import retry_pg_connection_fn
from sqlalchemy import Engine, inspect

from datalab.home.settings import DAGSTER_HOME
from datalab.registry import database_url, registry_url
from datalab_dagster.graph import private
from datalab_dagster.graph.connections import engine_at, replace_lost
from datalab_dagster.graph.home import SETTINGS_NAME, child_environment
from datalab_dagster.graph.own_settings import OWN_STORAGE, uses_registry

_STATEMENT_MILLISECONDS = 120_000
_TABLES = frozenset({"event_logs", "instance_info", "jobs", "runs"})
"""Some of each storage; where one is missing, the storages look for their tables, and create them."""
_complete: WeakSet[Engine] = WeakSet()
"""The databases of this process that have Dagster's tables, and whose server was started."""


class DatalabStorage(DagsterPostgresStorage):
    """Dagster's storage in the database that the environment names; the embedded server is started when needed."""

    @classmethod
    def config_type(cls) -> Any:
        return {"postgres_url": dg.Field(str, is_required=False, description="By default the environment decides")}

    @classmethod
    def from_config_value(cls, inst_data: private.ConfigurableClassData | None, config_value: Any) -> Self:
        url = config_value.get("postgres_url") or registry_url()
        engine = engine_at(url)
        is_first = engine not in _complete
        if is_first and not config_value.get("postgres_url"):
            database_url()
        storage = cls(url, should_autocreate_tables=is_first and not _has_tables(engine), inst_data=inst_data)
        _complete.add(engine)
        private.share_engine(storage, engine)
        private.remember_tables(storage)
        return storage


def open_instance(environment: Mapping[str, str] = os.environ) -> dg.DagsterInstance:
    """Open the instance of the deployment that the environment names; close it with `dispose` or a `with` block."""
    children = child_environment(environment)
    storage = None
    if uses_registry(Path(children[DAGSTER_HOME], SETTINGS_NAME)):
        module, name = OWN_STORAGE
        storage = {"custom": {"module": module, "class": name, "config": {"postgres_url": database_url(environment)}}}
    instance = private.instance_in(children[DAGSTER_HOME], storage=storage)
    launcher: Any = instance.run_launcher
    if hasattr(launcher, "environment"):  # ours
        launcher.environment = children
    if storage is None:
        _keep_connections(instance)
    return instance


def _has_tables(engine: Engine) -> bool:
    return _TABLES.issubset(retry_pg_connection_fn(lambda: inspect(engine).get_table_names()))


def _keep_connections(instance: dg.DagsterInstance) -> None:
    """Reuse the connections of storages that are not ours, which their owner may have configured in any way."""
    instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, pool_recycle=3600, max_overflow=20)
    for engine in private.engines(instance):
        replace_lost(engine)
