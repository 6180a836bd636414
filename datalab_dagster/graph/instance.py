"""The Dagster instance of a deployment, with its storage in the registry's PostgreSQL."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

from datalab.home.settings import DAGSTER_HOME
from datalab.registry import database_url
from datalab_dagster.graph import private
from datalab_dagster.graph.home import SETTINGS_NAME, child_environment
from datalab_dagster.graph.own_settings import OWN_STORAGE, uses_registry

_STATEMENT_MILLISECONDS = 120_000
_LAST_USED = "last used"
_SURE_SECONDS = 1.0
"""A connection that was used within this time is not tested first."""


class DatalabStorage(DagsterPostgresStorage):
    """Dagster's storage in the database that the environment names; the embedded server is started when needed."""

    @classmethod
    def config_type(cls) -> Any:
        return {"postgres_url": dg.Field(str, is_required=False, description="By default the environment decides")}

    @classmethod
    def from_config_value(cls, inst_data: private.ConfigurableClassData | None, config_value: Any) -> Self:
        storage = cls(config_value.get("postgres_url") or database_url(), inst_data=inst_data)
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
    _keep_connections(instance)
    return instance


def _keep_connections(instance: dg.DagsterInstance) -> None:
    """Reuse connections: otherwise a small run spends half of its time connecting to the database."""
    instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, pool_recycle=3600, max_overflow=20)
    for engine in private.engines(instance):
        event.listen(engine, "checkout", _must_live)


def _must_live(connection: Any, record: Any, *_: object) -> None:
    """Replace a connection that was lost while unused: the database may have been restarted."""
    idle = time.monotonic() - record.info.get(_LAST_USED, float("-inf"))
    record.info[_LAST_USED] = time.monotonic()
    if idle < _SURE_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except connection.Error:
        raise DisconnectionError from None
