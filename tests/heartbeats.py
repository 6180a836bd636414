"""Leaves heartbeats of a daemon in Dagster's records, for which it has no public name; no test is here."""

from __future__ import annotations

import time

import dagster as dg
from dagster._daemon.types import DaemonHeartbeat


def beat(instance: dg.DagsterInstance, ago: float) -> None:
    """Leave the heartbeat of the daemon that takes runs from the queue, of so many seconds ago."""
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - ago, "QUEUED_RUN_COORDINATOR", None, None))
