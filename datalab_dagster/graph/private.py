"""Dagster's private names and their use in the graph; no other module names one (an import contract).

Each has a test of its own in tests/living/test_private.py, so that an upgrade of Dagster fails there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.execution.api import execute_run_iterator
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.cli import main as run_daemon
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Engine

__all__ = [
    "EMPTY_RESULT",
    "CheckRunHealthResult",
    "ConfigurableClassData",
    "ConfiguredLauncher",
    "LaunchRunContext",
    "NoOpComputeLogManager",
    "RemoteJobOrigin",
    "WorkerStatus",
    "body_of",
    "engines",
    "execute",
    "instance_in",
    "job_in",
    "limit_pools",
    "origin_of",
    "remember_tables",
    "run_daemon",
    "workspace_of",
]

EMPTY_RESULT = "Sensor function returned an empty result"
"""The skip message of a sensor that returns nothing."""
_DEFINITIONS = "defs"
"""The name of the definitions in the module of the code location."""
_REPOSITORY = "__repository__"
"""The name that Dagster gives to definitions which are not a repository."""


class ConfiguredLauncher(RunLauncher, ConfigurableClass):
    """The base of a run launcher that `dagster.yaml` names and that has no settings."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inst_data = inst_data

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        del config_value
        return cls(inst_data)

    @property
    def instance(self) -> dg.DagsterInstance:
        """The instance whose runs it launches."""
        return self._instance


def body_of(assets: dg.AssetsDefinition) -> Callable[..., Any]:
    """Return the function that computes assets; it takes the context, resources and inputs by their names."""
    computed: Any = assets.op.compute_fn
    body: Callable[..., Any] = computed.decorated_fn
    return body


def instance_in(folder: str, *, storage: Mapping[str, Any] | None) -> dg.DagsterInstance:
    """Open the instance whose `dagster.yaml` is in `folder`, with `storage`, if given, instead of its own."""
    overrides = {"storage": storage} if storage else {}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(folder, overrides=overrides))


def remember_tables(storage: DagsterPostgresStorage) -> None:
    """Read the tables and columns of the database once; Dagster does so several times per event."""
    events: Any = storage.event_log_storage
    events.has_table = functools.cache(events.has_table)
    events.has_asset_key_col = functools.cache(events.has_asset_key_col)


def limit_pools(instance: dg.DagsterInstance, names: Iterable[str]) -> None:
    """Give pools that no run has used yet the default limit: the queue does so only after it has let runs through."""
    storage = instance.event_log_storage
    if instance.global_op_concurrency_default_limit is not None:
        for name in set(names) - {pool.name for pool in storage.get_pool_limits()}:
            storage.initialize_concurrency_limit_to_default(name)


def engines(instance: dg.DagsterInstance) -> Iterator[Engine]:
    """Yield the engine of each of the instance's storages in a database."""
    storages: tuple[Any, ...] = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
    for storage in storages:
        yield storage._engine


def job_in(location: str, name: str) -> ReconstructableJob:
    """Return how any process finds a job of the code location `location`."""
    return _repository(location).get_reconstructable_job(name)


@functools.cache  # it caches what it has loaded
def _repository(location: str) -> ReconstructableRepository:
    return ReconstructableRepository.for_module(location, _DEFINITIONS)


def origin_of(location: str, name: str) -> RemoteJobOrigin:
    """Return the origin by which the daemon and the UI find the job of a run that they did not create."""
    code = ManagedGrpcPythonEnvCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(module_name=location), location_name=location
    )
    return RemoteJobOrigin(RemoteRepositoryOrigin(code, _REPOSITORY), name)


def execute(job: ReconstructableJob, run: dg.DagsterRun, instance: dg.DagsterInstance) -> None:
    """Execute a run that was created, in this process."""
    for _ in execute_run_iterator(job, run, instance):
        pass


def workspace_of(instance: dg.DagsterInstance, file: Path) -> WorkspaceProcessContext:
    """Return what Dagster's pages ask about code: the locations that `file` names; to be used in a `with` block."""
    return WorkspaceProcessContext(instance, WorkspaceFileTarget([str(file)]), version=dg.__version__)
