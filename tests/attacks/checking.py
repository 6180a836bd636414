"""Checks the files that standard input names, and prints what each gave and took; `hostile.Checker` starts it."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from datalab.kinds import DatasetKind
from datalab.lab import lab_from_dict
from datalab.validation.stream import validate


def main() -> None:
    """Answer every line with the report, the number of valid rows, the largest memory and the seconds of a check."""
    for line in sys.stdin:
        path, dataset, wire = json.loads(line)
        print(json.dumps(checked(Path(path), dataset, wire)), flush=True)


def checked(path: Path, dataset: str, wire: dict[str, Any]) -> dict[str, Any]:
    """Check a file."""
    with contextlib.suppress(OSError):  # without it the peak is that of all files so far
        Path("/proc/self/clear_refs").write_text("5")
    begun = time.monotonic()
    rows = path.with_suffix(".parquet")
    outcome = validate(path, DatasetKind(dataset), lab_from_dict(wire), valid_rows=rows)
    seconds = time.monotonic() - begun
    peak = _peak()
    report = json.loads(outcome.report.model_dump_json(by_alias=True))["report"]
    found = {"report": report, "rows": pq.read_metadata(rows).num_rows, "peak": peak, "seconds": seconds}
    rows.unlink()
    return found


def _peak() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    main()
