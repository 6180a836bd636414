"""The SQL engine that statistics run on, and the limits of their findings, as settings of the deployment."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datalab.engines import DEFAULT_MEMORY_LIMIT, Engine, open_engine
from datalab.statistics import Thresholds


@dataclass(frozen=True)
class SqlEngine:
    """An engine with limited memory, which spills the rest to the run's private scratch."""

    memory_limit: str = DEFAULT_MEMORY_LIMIT
    """Maximum memory of the engine, such as 1GiB."""
    threads: int | None = None
    """Number of threads; None: one per core."""

    @contextlib.contextmanager
    def open(self, scratch: Path) -> Iterator[Engine]:
        """Yield an engine that spills to `scratch`."""
        with open_engine(memory_limit=self.memory_limit, temp_directory=scratch, threads=self.threads) as engine:
            yield engine


@dataclass(frozen=True)
class FindingThresholds:
    """The limits beyond which a figure becomes a data error, a quality warning or a warning about a drop."""

    limits: Mapping[str, float] = field(default_factory=dict)
    """Limits that differ from the defaults, by name (datalab.statistics.Thresholds)."""

    def thresholds(self) -> Thresholds:
        """Return all limits."""
        return Thresholds.model_validate(self.limits)
