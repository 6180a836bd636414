"""What a deployment uses while nothing happens."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.living.deployment import Deployment
from datalab.formats import number, share, size


@dataclass(frozen=True)
class Idle:
    """What the processes used in `seconds`."""

    seconds: float
    cpu_seconds: dict[str, float]
    """By name. A process that ended counts for the one that started it, so that one name can have less than nothing."""
    pss_bytes: dict[str, int]
    """By name, at the end."""
    connections: int
    """How many the database accepted."""

    @property
    def cores(self) -> float:
        """The share of one core that was busy."""
        return sum(self.cpu_seconds.values()) / self.seconds

    def print(self) -> None:
        """Print a line per process, the dearest first, and one for all."""
        for name, seconds in sorted(self.cpu_seconds.items(), key=lambda item: -item[1]):
            memory = size(self.pss_bytes.get(name, 0))
            print(f"  {name}: {share(seconds / self.seconds)} of a core, {memory}", flush=True)
        memory, per_minute = size(sum(self.pss_bytes.values())), round(self.connections * 60 / self.seconds)
        print(f"idle: {share(self.cores)} of a core, {memory}, {number(per_minute)} connections a minute", flush=True)


def idle(deployment: Deployment, seconds: float) -> Idle:
    """Measure a deployment for some seconds, without requests."""
    connections, before, began = deployment.connections(), deployment.used(), time.perf_counter()
    time.sleep(seconds)
    after, took = deployment.used(), time.perf_counter() - began
    cpu = dict.fromkeys((*before, *after), 0.0)
    for name in cpu:
        cpu[name] += after[name].cpu_seconds if name in after else 0.0
        cpu[name] -= before[name].cpu_seconds if name in before else 0.0
    memory = {name: used.pss_bytes for name, used in after.items()}
    # One of the connections is that of the second question.
    return Idle(took, cpu, memory, deployment.connections() - connections - 1)
