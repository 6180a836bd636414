"""How long the sample lab takes with Dagster's launcher and with ours: `python -m benchmarks.launchers [--out FILE]`.

From provisioning to Ready, by the sensor of `datalab up`. Two deployments are up at the same time, one per launcher;
they are measured alternately, each at rest, so that a busy machine slows both. Fails if the median of the ratios of
the pairs is above the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.process import machine
from datalab.formats import duration
from datalab.registry import LabState
from tests.living.world import LAUNCHERS, World

LIMIT = 3.0
USERS = 50_000
"""As many as `datalab sample` writes if nothing else is asked for."""
_PAUSE_SECONDS = 20.0
"""Before each measurement: nothing else is being done, and where runs are no forks there is a spare process again."""


def main() -> None:
    """Measure in pairs, print them, and fail above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with ExitStack() as stack:
        worlds = {launcher: World(options.users, launcher) for launcher in LAUNCHERS}
        for world in worlds.values():
            stack.callback(world.end)
            world.start()
        for world in worlds.values():  # the first run of a deployment loads more than any other
            provisioned(world)
        pairs = [{launcher: provisioned(world) for launcher, world in worlds.items()} for _ in range(options.pairs)]
    warm, stock = LAUNCHERS
    ratio = statistics.median(pair[stock] / pair[warm] for pair in pairs)
    for launcher in LAUNCHERS:
        seconds = [pair[launcher] for pair in pairs]
        print(f"{launcher}: {duration(statistics.median(seconds))} ({', '.join(map(duration, seconds))})")
    print(f"ratio: {round(ratio, 2)} (limit {LIMIT})")
    if options.out:
        written = {
            "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "load": [round(one, 1) for one in os.getloadavg()],
            "users": options.users,
            "seconds": [{launcher: round(one, 2) for launcher, one in pair.items()} for pair in pairs],
            "ratio": round(ratio, 2),
            "limit": LIMIT,
        }
        options.out.write_text(json.dumps(written, indent=2) + "\n")
    if ratio > LIMIT:
        raise SystemExit(f"Dagster's launcher takes {round(ratio, 2)} times as long as ours, more than {LIMIT} times")


def provisioned(world: World) -> float:
    """Return the seconds from provisioning to Ready, after a pause."""
    time.sleep(_PAUSE_SECONDS)
    lab = world.service.create_lab(world.definition)
    uploads = {kind: world.upload(kind) for kind in lab.definition.datasets}
    began = time.perf_counter()
    world.reprovision(lab, uploads)
    assert world.becomes(lab, LabState.READY), world.told(lab)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
