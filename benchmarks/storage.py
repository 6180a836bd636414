"""What an object store costs a run: `python -m benchmarks.storage [--users N] [--pairs N] [--out FILE]`.

Two homes, one in a directory and one in an object store (moto's S3 server, a process of its own on this machine, which
takes its share of the cores), validate the same new lab in turn. Fails if the median of the differences of the pairs
is above the limit.
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
DIRECTORY, STORE = "directory", "object store"


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
        homes = {DIRECTORY: World(options.users), STORE: World(options.users)}
        homes[STORE].environment["DATALAB_STORAGE_URL"] = f"s3://{store.bucket()}/home"
        for home in homes.values():
            stack.callback(home.end)
        size = sum(file.stat().st_size for file in homes[DIRECTORY].files.glob("*.csv")) / 1e8
        seconds: dict[str, list[float]] = {name: [] for name in homes}
        for _ in range(options.pairs):
            for name, home in homes.items():
                seconds[name].append(_validated(home))
                print(f"{name}: {duration(seconds[name][-1])}", flush=True)
    overheads = [(there - here) / size for here, there in zip(seconds[DIRECTORY], seconds[STORE], strict=True)]
    overhead = statistics.median(overheads)
    print(f"Overhead per 100 MB: {round(overhead, 2)} s, limit {LIMIT} s ({round(size * 100)} MB)")
    if options.out:
        written = {
            "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "load": [round(one, 1) for one in os.getloadavg()],
            "megabytes": round(size * 100),
            "seconds": {name: [round(one, 2) for one in of_home] for name, of_home in seconds.items()},
            "secondsPer100MB": round(overhead, 2),
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
