"""Dagster's private names and their use in the graph; no other module names one (an import contract).

Each has a test of its own in tests/living/test_private.py, so that an upgrade of Dagster fails there.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Event
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
from dagster._daemon.asset_daemon import AssetDaemon
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._daemon.controller import create_daemons_from_instance, daemon_controller_from_instance
from dagster._daemon.daemon import DagsterDaemon, MonitoringDaemon, SensorDaemon
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster._utils.interrupts import capture_interrupts, setup_interrupt_handlers
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
    "newest_event",
    "origin_of",
    "remember_tables",
    "run_daemon",
    "share_engine",
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


def newest_event(instance: dg.DagsterInstance) -> int:
    """Return the number of the last event of all runs, 0 before the first."""
    return instance.event_log_storage.get_maximum_record_id() or 0


def engines(instance: dg.DagsterInstance) -> Iterator[Engine]:
    """Yield the engine of each of the instance's storages in a database."""
    storages: tuple[Any, ...] = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
    for storage in storages:
        yield storage._engine


def share_engine(storage: DagsterPostgresStorage, engine: Engine) -> None:
    """Let the three storages of a database use one engine, in place of one each."""
    storages: tuple[Any, ...] = (storage.run_storage, storage.event_log_storage, storage.schedule_storage)
    for one in storages:
        one._engine = engine


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


def run_daemon(instance: dg.DagsterInstance, workspace: Path, patience: Callable[[Event], Any]) -> None:
    """Run Dagster's daemon until a signal arrives.

    Args:
        instance: whose.
        workspace: names the code locations.
        patience: makes, of the event that ends the loops, the one on which those that look for work wait.
    """

    def daemons(of: dg.DagsterInstance) -> list[DagsterDaemon[Any]]:
        return [_waiting(daemon, patience) for daemon in create_daemons_from_instance(of)]

    setup_interrupt_handlers()
    with contextlib.suppress(KeyboardInterrupt), capture_interrupts():
        target = WorkspaceFileTarget([str(workspace)])
        with daemon_controller_from_instance(instance, target, gen_daemons=daemons, log_format="json") as controller:
            controller.check_daemon_loop()


_LOOKING = (SensorDaemon, AssetDaemon, QueuedRunCoordinatorDaemon, MonitoringDaemon, EventLogConsumerDaemon)
"""Daemons whose loop pauses between looks. Others wait for a time, such as the next minute, or look rarely anyway."""


def _waiting(daemon: DagsterDaemon[Any], patience: Callable[[Event], Any]) -> DagsterDaemon[Any]:
    if isinstance(daemon, _LOOKING):
        loop: Any = daemon.core_loop
        daemon.core_loop = lambda context, end: loop(context, patience(end))  # type: ignore[method-assign]
    return daemon
