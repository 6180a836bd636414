"""The passes of validation alone, in a process that has loaded everything: CPU seconds and memory per dataset.

    python -m benchmarks.passes DIR [ROUNDS]     prints one JSON line; of several rounds the least CPU seconds count

`DIR` holds a lab of `benchmarks.labs`. On a small lab the start of a process is most of `datalab preflight`; here a
change of validation is seen.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.labs import PreparedLab
from datalab.kinds import DatasetKind
from datalab.lab import load_lab
from datalab.scratch import scratch_directory
from datalab.validation.stream import validate


def measure_passes(lab: PreparedLab, rounds: int = 2) -> dict[str, Any]:
    """Validate each dataset `rounds` times, with its valid and invalid rows kept.

    Returns:
        `cpuSeconds` of each dataset, and `peakBytes` of this process so far.
    """
    definition = load_lab(lab.definition)
    cpu: dict[DatasetKind, float] = {}
    for _ in range(rounds):
        for kind, path in lab.files.items():
            with scratch_directory(lab.directory) as scratch:
                started = time.process_time()
                validate(path, kind, definition, valid_rows=scratch / "valid", invalid_rows=scratch / "invalid")
                took = time.process_time() - started
            cpu[kind] = min(cpu.get(kind, took), took)
    return {"cpuSeconds": cpu, "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


if __name__ == "__main__":
    found = measure_passes(PreparedLab.found(Path(sys.argv[1])), int(sys.argv[2]) if sys.argv[2:] else 2)
    print(json.dumps(found))
