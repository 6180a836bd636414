"""How fast the lists answer with 10,000 datasets and 1,000 labs: `python -m benchmarks.lists [--out FILE]`; over HTTP.

Milliseconds to the last byte of a page, and of its part of the API.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.process import machine
from datalab.deployment import Deployment
from datalab.deployment.addresses import result
from datalab.formats import number
from datalab.home.settings import Settings
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import Registry
from datalab.results.files import VALIDATION_STATUS
from datalab.results.statistics import Finding
from datalab.results.status import DatasetStatus, ValidationStatus
from tests.many_labs import fill

GOAL = 300
REPEAT = 10
_ERROR = Finding(code="EMPTY_DATASET", message="segments: 0 valid rows (at least 1 needed)")
_PAGES = (
    "/datalabs",
    "/datalabs?size=100",
    "/datalabs?state=Failed&sort=name&q=9",
    "/datasets",
    "/datasets?size=100",
    "/datasets?kind=segments&use=unused&sort=-size&q=1",
    "/datasets?page=400",
    "/datalabs/{lab}",
    "/datalabs/{lab}/choose/segments",
    "/datalabs/{lab}/history",
    "/datalabs/{lab}/history?what=run&state=FINISHED&size=100",
    "/api/lists/labs?count=100",
    "/api/lists/datasets?count=100",
)


def main() -> None:
    """Measure, print a line per page, and fail if one takes longer than the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--labs", type=int, default=1_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    from benchmarks.portal import running

    with running() as (folder, service, browser):
        lab = filled(folder / "home", service.user, options.datasets, options.labs)
        found = {page: milliseconds(browser, page.format(lab=lab)) for page in _PAGES}
    for page, (middle, slowest) in found.items():
        print(f"{page}: {number(round(middle))} ms (slowest {number(round(slowest))})")
    if options.out:
        written = {
            "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "datasets": options.datasets,
            "labs": options.labs,
            "milliseconds": {page: [round(one, 1) for one in times] for page, times in found.items()},
        }
        options.out.write_text(json.dumps(written, indent=2) + "\n")
    slow = [page for page, (middle, _) in found.items() if middle > GOAL]
    if slow:
        raise SystemExit(f"longer than {GOAL} ms: {', '.join(slow)}")


def filled(home: Path, owner: str, datasets: int, labs: int) -> str:
    """Fill the registry of a home and write the status of every result; return the id of a lab that is not Ready."""
    identifiers = [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
    ]
    definition = LabDefinition.model_validate(
        {"name": "Many", "identifiersConfig": identifiers, "requireSegments": True}
    )
    with Registry.open({"DATALAB_HOME": str(home)}) as registry:
        fill(
            registry.database.engine,
            definition,
            owner=owner,
            datasets=datasets,
            labs=labs,
            runs=40,
            files=json.dumps({VALIDATION_STATUS.name: ""}),
        )
        failed = ""
        folders = Deployment(home, Settings(), registry, {}).folders
        for one in registry.results.current_of([lab.id for lab in registry.labs.all()]):
            errors = [] if one.status == "SUCCESS" else [_ERROR]
            dataset = DatasetStatus(status=one.status, errors=errors, valid_rows=1, invalid_rows=0)
            status = ValidationStatus(status=one.status, datasets={DatasetKind.SEGMENTS.value: dataset})
            folders.place(one.lab_id).write(result(one.run_id, VALIDATION_STATUS.name), status.model_dump_json())
            failed = failed if one.status == "SUCCESS" else one.lab_id
    return failed


def milliseconds(browser: httpx.Client, page: str) -> tuple[float, float]:
    """Return the median and the slowest of the requests of a page, after two that are not counted."""
    times = []
    for _ in range(REPEAT + 2):
        began = time.perf_counter()
        browser.get(page).raise_for_status()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times[2:]), max(times[2:])


if __name__ == "__main__":
    main()
