"""Evaluates the sensor that starts runs as the daemon does, and counts what its ticks cost; no test is here."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from sqlalchemy import Engine, event

from datalab.home.settings import Automation
from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph.access import STARTS_RUNS

STATEMENTS = 3
"""How many statements a tick makes at most, of the registry and of Dagster's storage together."""


@dataclass
class Tick:
    """One tick: what it requested and what it cost."""

    keys: list[str]
    reason: str | None
    statements: int
    seconds: float


@dataclass
class Ticks:
    """The sensor of a deployment, evaluated as the daemon does.

    Args:
        instance: of the deployment.
        cpu_seconds: returns the CPU time that counts.
        automation: which sensor starts runs.
    """

    instance: dg.DagsterInstance
    cpu_seconds: Callable[[], float] = time.process_time
    automation: Automation = Automation.SENSOR
    cursor: str | None = None
    repository: Any = field(default_factory=lambda: build_definitions().get_repository_def())

    def tick(self) -> Tick:
        """Evaluate the sensor, and store its cursor and the partitions of new labs."""
        context = dg.build_sensor_context(self.instance, self.cursor, repository_def=self.repository)
        before = self.cpu_seconds()
        with counted_statements() as counter:
            answer = self.repository.get_sensor_def(STARTS_RUNS[self.automation]).evaluate_tick(context)
        seconds = self.cpu_seconds() - before
        for request in answer.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
        self.cursor = answer.cursor
        keys = [str(request.run_key) for request in answer.run_requests or []]
        return Tick(keys, answer.skip_message, counter.total(), seconds)

    def all(self) -> list[Tick]:
        """Evaluate until a tick requests nothing; that one is not returned."""
        ticks = []
        while (tick := self.tick()).keys:
            ticks.append(tick)
        return ticks


@contextlib.contextmanager
def counted_statements() -> Iterator[Counter[str]]:
    """Yield the SQL statements that this process executes, of any engine, and how often.

    Questions of the storage in memory, which tests have, about its own tables do not count.
    """
    counter: Counter[str] = Counter()

    def count(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("PRAGMA"):
            counter[statement] += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield counter
    finally:
        event.remove(Engine, "before_cursor_execute", count)
