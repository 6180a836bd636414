"""What an object store costs a run: `python -m benchmarks.storage [--users N] [--pairs N] [--out FILE]`.

Homes in a directory and in an object store (moto's S3 server, a process of its own on this machine, which takes its
share of the cores) validate the same new labs in turn, a large one and one of a hundredth of its users. What the small
one costs more is the same for every run: drivers are loaded, and small files are read. Fails if the median of what the
large one costs more than that, per 100 MB, is above the limit.
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
from tests.living.world import World
from tests.object_store import started_store

LIMIT = 1.0
"""Seconds per 100 MB of the lab's datasets, as they were uploaded."""
USERS = 400_000
HOMES = DIRECTORY, STORE = "directory", "object store"


def main() -> None:
    """Measure in pairs, print them, and fail above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with ExitStack() as stack:
        store = started_store()
        stack.callback(store.process.kill)
        os.environ.update(store.environment)
        homes = {(name, users): World(users) for name in HOMES for users in (options.users // 100, options.users)}
        for (name, _), home in homes.items():
            stack.callback(home.end)
            if name == STORE:
                home.environment["DATALAB_STORAGE_URL"] = f"s3://{store.bucket()}/home"
        size = sum(file.stat().st_size for file in homes[STORE, options.users].files.glob("*.csv")) / 1e8
        small, large = [], []
        for _ in range(options.pairs):
            seconds = {home: _validated(world) for home, world in homes.items()}
            print(
                ", ".join(f"{name}, {users} users: {duration(one)}" for (name, users), one in seconds.items()),
                flush=True,
            )
            less, more = (seconds[STORE, users] - seconds[DIRECTORY, users] for _, users in list(homes)[:2])
            small.append(less)
            large.append((more - less) / size)
    every_run, overhead = statistics.median(small), statistics.median(large)
    print(f"Every run: {duration(every_run)}; per 100 MB: {round(overhead, 2)} s of {LIMIT} s, {round(size * 100)} MB")
    if options.out:
        written = {
            "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "load": [round(one, 1) for one in os.getloadavg()],
            "megabytes": round(size * 100),
            "secondsOfEveryRun": [round(one, 2) for one in small],
            "secondsPer100MB": [round(one, 2) for one in large],
            "limit": LIMIT,
        }
        options.out.write_text(json.dumps(written, indent=2) + "\n")
    if overhead > LIMIT:
        raise SystemExit(f"An object store costs {round(overhead, 2)} s per 100 MB, more than {LIMIT} s")


def _validated(home: World) -> float:
    """Return the seconds from the request of a new lab's validation to its result."""
    lab = home.new_lab()
    began = time.perf_counter()
    run = home.service.validate(lab.id)
    while not home.service.run(run.run_id).is_complete:
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    assert home.service.lab(lab.id).state.state.value == "Ready", home.told(lab)
    return seconds


if __name__ == "__main__":
    main()
