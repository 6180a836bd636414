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
NO_RETRY = {"dagster/max_retries": "0"}
"""Tags of a run that has ended for a reason of its own."""
AGAIN = "automatic, another attempt: the process of the last one was lost"
_RESUMES, _ROOT = "dagster/is_resume_retry", "dagster/root_run_id"
_WILL_RETRY = "dagster/will_retry"


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


def is_tried_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether Dagster starts another attempt of a failed run, or has started it."""
    known = instance.get_run_by_id(run.run_id)
    return known is not None and known.tags.get(_WILL_RETRY) == "true"
