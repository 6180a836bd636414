"""What ticks of the sensor that starts runs cost: `python -m benchmarks.ticks [LABS] [--automation …] [--out FILE]`.

All labs change at once; the sensor is evaluated, with Dagster's own part, until it requests nothing more. Statements
are those of the registry and of Dagster's storage; CPU is that of this process and of the database together. A first
tick, before there are labs, opens the registry and is not counted. The limits of statements and of all ticks together
are those of the sensor `provisioning`: with conditions, Dagster evaluates every asset.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.living.deployment import cpu_seconds, server_processes
from benchmarks.process import machine
from datalab.home.settings import FILE_NAME, Automation
from datalab.lab import LabDefinition
from datalab.registry import EmbeddedPostgres, Registry
from datalab_dagster.graph.instance import open_instance
from tests.many_labs import fill
from tests.ticks import STATEMENTS, Tick, Ticks

ME = "me@publisher.example"
REQUESTS = 200
"""How many runs a tick requests at most."""
ALL_SECONDS, IDLE_SECONDS = 5.0, 0.05
"""CPU seconds for 1,000 changed labs in all ticks together, and of an idle tick."""
_IDLE_TICKS = 20


def main() -> None:
    """Measure, print, and fail above a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labs", type=int, nargs="?", default=1_000)
    parser.add_argument("--automation", type=Automation, choices=list(Automation), default=Automation.SENSOR)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="datalab-bench-"))
    os.environ["DATALAB_HOME"] = str(home)
    (home / FILE_NAME).write_text(f"automation: {options.automation.value}\n")
    server = EmbeddedPostgres(home)
    try:
        with open_instance() as instance, Registry.open() as registry:
            ticks = Ticks(
                instance,
                lambda: time.process_time() + cpu_seconds(server_processes(server.data)),
                options.automation,
            )
            ticks.tick()
            many = {"datasets": 2 * options.labs, "labs": options.labs, "runs": 0}
            fill(registry.database.engine, _definition(), owner=ME, **many)
            busy = ticks.all()
            ticks.tick()
            idle = [ticks.tick() for _ in range(_IDLE_TICKS)]
    finally:
        server.stop()
        shutil.rmtree(home)
    found = {"automation": options.automation.value, **_found(options.labs, busy, idle)}
    print(json.dumps(found, indent=2))
    if options.out:
        measured = {"measuredAt": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), **found}
        options.out.write_text(json.dumps(measured, indent=2) + "\n")
    if wrong := _wrong(options.labs, busy, idle, bounded=options.automation is Automation.SENSOR):
        raise SystemExit("\n".join(wrong))


def _definition() -> LabDefinition:
    identifiers = [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
    ]
    return LabDefinition.model_validate({"name": "Many", "identifiersConfig": identifiers, "requireSegments": True})


def _found(labs: int, busy: list[Tick], idle: list[Tick]) -> dict[str, Any]:
    return {
        "labs": labs,
        "ticks": len(busy),
        "requestsPerTick": max(len(tick.keys) for tick in busy),
        "statementsPerTick": max(tick.statements for tick in busy),
        "cpuSecondsOfAllTicks": round(sum(tick.seconds for tick in busy), 2),
        "statementsOfIdleTick": max(tick.statements for tick in idle),
        "cpuSecondsOfIdleTick": round(sum(tick.seconds for tick in idle) / len(idle), 4),
        "skipReason": idle[-1].reason,
    }


def _wrong(labs: int, busy: list[Tick], idle: list[Tick], *, bounded: bool) -> list[str]:
    """Return a sentence for every limit that is exceeded; `bounded`: busy ticks have limits of cost."""
    keys = Counter(key.split(":")[0] for tick in busy for key in tick.keys)
    limits = {
        f"{labs - len(keys)} labs have no run.": len(keys) < labs,
        "A lab has more than one run.": max(keys.values()) > 1,
        f"A tick requests more than {REQUESTS} runs.": max(len(tick.keys) for tick in busy) > REQUESTS,
        f"A tick makes more than {STATEMENTS} statements.": max(t.statements for t in busy * bounded + idle)
        > STATEMENTS,
        f"All ticks take more than {ALL_SECONDS} CPU seconds.": bounded
        and sum(t.seconds for t in busy) > ALL_SECONDS * max(1, labs / 1_000),
        f"An idle tick takes more than {IDLE_SECONDS} CPU seconds.": sum(t.seconds for t in idle)
        > IDLE_SECONDS * len(idle),
    }
    return [sentence for sentence, exceeded in limits.items() if exceeded]


if __name__ == "__main__":
    main()
