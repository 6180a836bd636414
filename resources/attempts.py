"""Attempts of a run: Dagster starts another one, from the step that was interrupted, if it has no reason of its own.

It has none if its process was killed, or lost the database. What fails with a reason says so by a tag.
"""

from __future__ import annotations

import logging

import dagster as dg

_log = logging.getLogger(__name__)

RETRY_TAG = "dagster/retry_number"
RETRIES = {"dagster/retry_on_asset_or_op_failure": "true"}
"""Tags of the job: a lost database shows as a failed step, too."""
LIMIT_TAG = "dagster/max_retries"
NO_RETRY = {LIMIT_TAG: "0"}
"""Tags of a run that has ended for a reason of its own."""
AGAIN = "automatic, another attempt: the process of the last one was lost"
_RESUMES, _ROOT = "dagster/is_resume_retry", "dagster/root_run_id"
WILL_RETRY_TAG = "dagster/will_retry"
_NEXT = "dagster/auto_retry_run_id"


def earlier_attempts(instance: dg.DagsterInstance | None, run: dg.DagsterRun) -> list[str]:
    """Return the attempts before a run that resumes where the last one stopped, the newest first; else none."""
    root = run.root_run_id
    if instance is None or root is None or run.tags.get(_RESUMES) != "true":
        return []
    attempts = instance.get_runs(dg.RunsFilter(tags={_ROOT: root}))
    return [*(one.run_id for one in attempts if one.run_id != run.run_id), root]


def give_up(instance: dg.DagsterInstance, run_id: str) -> None:
    """Record that a run is not tried again; if the database is away, it is."""
    try:
        instance.add_run_tags(run_id, NO_RETRY)
    except Exception as error:  # noqa: BLE001 - the errors of Dagster's storage share no base class
        _log.warning("Run %s may be tried again: %s.", run_id, type(error).__name__)


def attempts_left(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    """Return how many further attempts of a run there may be."""
    limit = instance.run_retries_max_retries if instance.run_retries_enabled else 0
    return int(run.tags.get(LIMIT_TAG, limit)) - int(run.tags.get(RETRY_TAG, 0))


def is_dropped(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether Dagster could not start the next attempt of a failed run, because no code server answered.

    It tries that once, and then marks the run as one that is not tried again.
    """
    return run.tags.get(WILL_RETRY_TAG) == "false" and _NEXT not in run.tags and attempts_left(instance, run) > 0


def is_tried_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether another attempt of a failed run follows, or has followed."""
    known = instance.get_run_by_id(run.run_id)
    return known is not None and (known.tags.get(WILL_RETRY_TAG) == "true" or is_dropped(instance, known))
