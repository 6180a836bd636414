"""The runs that take what is in drop zones: one that failed or was stopped is repeated, a limited number of times."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

import dagster as dg

from datalab_dagster.graph.drop_zones import DROP_ZONE_USER, TakenFile, take_from_drop_zone
from datalab_dagster.graph.runs.start import BY_TAG, DATASETS_TAG, LAB_TAG
from datalab_dagster.graph.runs.waiting import UNFINISHED

FILE_TAG = "datalab/file"
"""The fingerprint of what a run takes, and the time for which it is read again."""
_ATTEMPTS = 3
_PAUSE_SECONDS = 60.0
"""Before the second attempt; twice as long before the third."""
_RUNS = 500
"""How many runs that did not succeed are read, the newest ones."""

Attempts = Mapping[str, Sequence[dg.RunRecord]]
"""`TakenFile.key` → its runs that failed or were stopped."""


def earlier_attempts(instance: dg.DagsterInstance) -> Attempts:
    """Return the runs that took nothing, by the key of the file."""
    ended = dg.RunsFilter(
        job_name=take_from_drop_zone.name, statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    )
    found: dict[str, list[dg.RunRecord]] = defaultdict(list)
    for record in instance.get_run_records(ended, limit=_RUNS):
        if key := record.dagster_run.tags.get(FILE_TAG):
            found[key].append(record)
    return found


def given_up(attempts: Attempts) -> set[str]:
    """Return the keys whose runs failed so often that no further one is started; stopped runs do not count."""
    failure = dg.DagsterRunStatus.FAILURE
    return {
        key
        for key, records in attempts.items()
        if sum(record.dagster_run.status is failure for record in records) >= _ATTEMPTS
    }


def is_being_read(instance: dg.DagsterInstance, file: TakenFile) -> bool:
    """Return whether a run takes data for the same slot now, which may last until the next time."""
    unfinished = dg.RunsFilter(
        job_name=take_from_drop_zone.name,
        statuses=UNFINISHED,
        tags={LAB_TAG: file.lab, DATASETS_TAG: file.dataset},
    )
    return bool(instance.get_runs(unfinished, limit=1))


def next_attempt(file: TakenFile, attempts: Attempts) -> dg.RunRequest | None:
    """Return the request for the run that takes a file; None: the last attempt has only just ended."""
    earlier = attempts.get(file.key, ())
    last = max((record.end_time or 0.0 for record in earlier), default=0.0)
    if earlier and time.time() < last + _PAUSE_SECONDS * len(earlier):
        return None
    attempt = f":{len(earlier) + 1}" if earlier else ""
    return dg.RunRequest(
        run_key=f"{file.lab}:{file.key}{attempt}",
        run_config=dg.RunConfig(ops={"take_file": file}),
        tags={
            LAB_TAG: file.lab,
            DATASETS_TAG: file.dataset,
            BY_TAG: DROP_ZONE_USER,
            FILE_TAG: file.key,
        },
    )
