"""The floor of validation: DuckDB copies the same CSV files to Parquet as text, with two threads, and checks nothing.

    python -m benchmarks.floor DIR [ROUNDS]     prints one JSON line: seconds and CPU seconds of each file, peak memory

`DIR` holds a lab of `benchmarks.labs`. The columns are declared, so that DuckDB does not detect them; rows of a wrong
width are left out. Of several rounds the least CPU seconds count. Run it as a separate process: the peak memory is that
of the process.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.labs import PreparedLab
from datalab.kinds import KINDS, DatasetKind
from datalab.lab import LabDefinition, load_lab

THREADS = 2


def copy_sql(lab: PreparedLab, definition: LabDefinition, kind: DatasetKind, target: Path) -> str:
    """Return the statement that copies the CSV file of a dataset to the Parquet file `target`."""
    columns = ", ".join(f"'{column.name}': 'VARCHAR'" for column in KINDS[kind].file_columns(definition))
    line_end = lab.line_end.replace("\r", "\\r").replace("\n", "\\n")
    return (
        f"COPY (SELECT * FROM read_csv({_quoted(lab.files[kind])}, auto_detect = false, header = false, delim = ',', "
        f"quote = '\"', escape = '\"', new_line = '{line_end}', ignore_errors = true, columns = {{{columns}}})) "
        f"TO {_quoted(target)} (FORMAT parquet)"
    )


def measure_floor(lab: PreparedLab, rounds: int = 1) -> dict[str, Any]:
    """Copy the files of a lab, one at a time, `rounds` times.

    Returns:
        `seconds` and `cpuSeconds` of each file by its dataset, and `peakBytes` of this process so far.
    """
    definition = load_lab(lab.definition)
    found: dict[DatasetKind, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory(prefix="floor-", dir=lab.directory) as scratch, duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        for round_ in range(rounds):
            for kind in DatasetKind:
                target = Path(scratch) / f"{kind}-{round_}.parquet"
                started, cpu = time.perf_counter(), time.process_time()
                connection.execute(copy_sql(lab, definition, kind, target))
                took = (time.process_time() - cpu, time.perf_counter() - started)
                found[kind] = min(found.get(kind, took), took)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": {kind: seconds for kind, (_, seconds) in found.items()},
        "cpuSeconds": {kind: cpu for kind, (cpu, _) in found.items()},
        "peakBytes": peak,
    }


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


if __name__ == "__main__":
    print(json.dumps(measure_floor(PreparedLab.found(Path(sys.argv[1])), int(sys.argv[2]) if sys.argv[2:] else 1)))
