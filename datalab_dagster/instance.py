"""The Dagster instance of a deployment, with its storage in the registry's PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from datalab.registry import database_url
from datalab_dagster.dagster_home import child_environment


class DatalabStorage(DagsterPostgresStorage):
    """Dagster's storage in the database that the environment names; our own server is started when needed."""

    @classmethod
    def config_type(cls) -> Any:
        return {"postgres_url": dg.Field(str, is_required=False, description="By default the environment decides")}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls(config_value.get("postgres_url") or database_url(), inst_data=inst_data)


def open_instance(environment: Mapping[str, str] = os.environ) -> dg.DagsterInstance:
    """Open the instance of the deployment that the environment names; close it with `dispose` or a `with` block."""
    children = child_environment(environment)
    storage = {
        "custom": {
            "module": DatalabStorage.__module__,
            "class": DatalabStorage.__name__,
            "config": {"postgres_url": database_url(environment)},
        }
    }
    instance = dg.DagsterInstance.from_ref(
        InstanceRef.from_dir(children["DAGSTER_HOME"], overrides={"storage": storage})
    )
    launcher: Any = instance.run_launcher
    launcher.environment = children
    return instance
