"""Statistics of the same ids under ten matching ids and under one; the first should cost less than twice the second.

    python -m benchmarks.matching_ids DIR     DIR holds LAB.json and the four files; prints one JSON line of seconds

The rows of each id name are spread over ten names, so that every matching id has ids of its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datalab.engines import open_engine
from datalab.id_types import IdType
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, load_lab
from datalab.scratch import scratch_directory
from datalab.statistics import ValidatedDataset, compute_statistics
from datalab.validation.stream import validate

TYPES = [kind for kind in IdType if kind is not IdType.STRING][:10]


def lab_with(lab: LabDefinition, names: list[str], matching: int) -> LabDefinition:
    """Return `lab` with `names` as its identifiers, the first of which are matching ids."""
    identifiers = [{"idName": "userId", "idType": "STRING", "isActivationId": True}]
    identifiers += [
        {"idName": name, "idType": kind.value, "isMatchingId": index < matching}
        for index, (name, kind) in enumerate(zip(names, TYPES, strict=True))
    ]
    wire = lab.model_dump(by_alias=True, mode="json")
    return LabDefinition.model_validate({**wire, "identifiersConfig": identifiers})


def spread(source: Path, target: Path, names: list[str]) -> None:
    """Write the identifiers of `source` to `target` with names in turn."""
    with pq.ParquetFile(source) as file, pq.ParquetWriter(target, file.schema_arrow) as writer:
        for batch in file.iter_batches():
            turns = pa.array([names[row % len(names)] for row in range(batch.num_rows)])
            columns = [batch.column("user_id"), turns, batch.column("id")]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=file.schema_arrow))


def main() -> None:
    """Validate once, compute twice."""
    directory = Path(sys.argv[1])
    lab = load_lab(directory / "LAB.json")
    names = [f"id{index}" for index in range(len(TYPES))]
    with scratch_directory(directory) as scratch:
        rows, summaries = {}, {}
        for kind in lab.datasets:
            rows[kind] = scratch / f"{kind.value}.parquet"
            outcome = validate(directory / f"{kind.value}.csv", kind, lab, valid_rows=rows[kind])
            summaries[kind] = ValidatedDataset.from_report(outcome.report, outcome.facts)
        spread(rows[DatasetKind.IDENTIFIERS], scratch / "spread.parquet", names)
        rows[DatasetKind.IDENTIFIERS] = scratch / "spread.parquet"
        seconds: dict[int, float] = {}
        for matching in (1, 10, 1, 10):
            started = time.perf_counter()
            with open_engine() as engine:
                report = compute_statistics(lab_with(lab, names, matching), rows, summaries, engine)
            took = time.perf_counter() - started
            seconds[matching] = min(took, seconds.get(matching, took))
            if len(report.remarketing_activation_potential or {}) != matching:
                raise SystemExit("not the expected statistics")
    print(json.dumps({"one": seconds[1], "ten": seconds[10]}))


if __name__ == "__main__":
    main()
