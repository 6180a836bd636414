"""The floor of validation: DuckDB copies the same CSV files to Parquet with two threads and checks nothing.

    python -m benchmarks.floor DIR     prints one JSON line: seconds of each file, their sum, CPU seconds, peak memory

The columns are declared, so that DuckDB does not detect them. Run it as a separate process: the peak memory is that
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

from datalab.kinds import KINDS, Kind

THREADS = 2


def copy_sql(kind: Kind, source: Path, target: Path, dimensions: int) -> str:
    """Return the statement that copies the CSV file `source` of a dataset to the Parquet file `target`."""
    columns = {column.name: "VARCHAR" for column in kind.columns}
    if kind.numbered:
        columns |= {kind.numbered.column(number).name: "DOUBLE" for number in range(dimensions)}
    declared = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
    return (
        f"COPY (SELECT * FROM read_csv({_quoted(source)}, auto_detect = false, header = false, delim = ',', "
        f"quote = '\"', escape = '\"', columns = {{{declared}}})) TO {_quoted(target)} (FORMAT parquet)"
    )


def measure_floor(directory: Path, dimensions: int) -> dict[str, Any]:
    """Copy the files of a lab, one at a time.

    Returns:
        `seconds` of all, `files` with the seconds of each, `cpuSeconds` and `peakBytes` of this process so far.
    """
    files: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="floor-", dir=directory) as scratch, duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        for kind in KINDS.values():
            target = Path(scratch) / f"{kind.name}.parquet"
            started = time.perf_counter()
            connection.execute(copy_sql(kind, directory / f"{kind.name}.csv", target, dimensions))
            files[kind.name] = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": sum(files.values()), "files": files, "cpuSeconds": time.process_time(), "peakBytes": peak}


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


if __name__ == "__main__":
    lab = Path(sys.argv[1])
    size = json.loads((lab / "LAB.json").read_text(encoding="utf-8"))["numEmbeddings"]
    print(json.dumps(measure_floor(lab, size)))
