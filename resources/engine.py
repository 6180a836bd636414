"""The SQL engine that statistics run on, and the limits of their findings, as settings of the deployment."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from pydantic import Field

from datalab.engines import Engine
from datalab.engines.duckdb import DEFAULT_MEMORY_LIMIT, DuckDBEngine
from datalab.statistics import Thresholds


class SqlEngine(dg.ConfigurableResource[None]):
    """DuckDB in memory, bounded; what does not fit is spilled to the run's private scratch."""

    memory_limit: str = Field(default=DEFAULT_MEMORY_LIMIT, description="What DuckDB may keep in memory, such as 1GiB")
    threads: int | None = Field(default=None, description="How many threads; default: one per core")

    @contextlib.contextmanager
    def open(self, scratch: Path) -> Iterator[Engine]:
        """Yield an engine that spills to `scratch`."""
        with DuckDBEngine(self.memory_limit, scratch, self.threads) as engine:
            yield engine


class FindingThresholds(dg.ConfigurableResource[None]):
    """The limits beyond which a figure becomes a data error, a quality warning or a warning about a drop."""

    limits: dict[str, float] = Field(
        default_factory=dict,
        description="Limits that differ from the defaults, by name (datalab.statistics.Thresholds)",
    )

    def thresholds(self) -> Thresholds:
        """Return all limits."""
        return Thresholds.model_validate(self.limits)
