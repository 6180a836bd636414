"""Which provisioning events still need a run. The cursor of the sensor is a hint only: others can set it.

Dagster's pages, its command line and its database can set a cursor. If it were believed, one that is too high would
leave events without a run, and no message.
"""

from __future__ import annotations

from collections.abc import Callable

from datalab.deployment import Deployment
from datalab.registry import LabChange

_passed_on: dict[str, int] = {}
"""Per home directory, the last event that this process has passed on to Dagster; only this is known for certain."""


def unanswered(deployment: Deployment, cursor: str | None, warn: Callable[[str], None]) -> tuple[list[LabChange], int]:
    """Return the changes that need a run, one per lab, and the number of the last event, which is the next cursor.

    An event after the cursor needs one. An event before the cursor needs one if it was not passed on by this process
    and its lab has no run for it or a later one: after a start, all labs are checked once. So does one whose claim was
    released because its run could not be made.

    Args:
        deployment: whose events.
        cursor: what the sensor returned last, or what was set since.
        warn: called with a sentence if the cursor cannot be right.
    """
    provisioning, home = deployment.registry.provisioning, str(deployment.home)
    newest = provisioning.newest_sequence()
    claimed = _number(cursor)
    certain = _passed_on.get(home, 0)
    if claimed is None or claimed > newest:
        warn(
            f"This sensor did not set its cursor to {cursor!r:.40}: the last provisioning event is {newest}. The "
            "cursor was corrected, and every lab was checked for events without a run."
        )
        claimed, certain = newest, 0
    changes = {change.lab_id: change for change in provisioning.changes_after(claimed)}
    if certain < claimed:
        for change in provisioning.changes_after(certain):
            if not _has_run(deployment, change, up_to=claimed):
                changes[change.lab_id] = change
    for claim in deployment.registry.claims.released():
        for change in provisioning.changes_after(claim.sequence - 1):
            if change.lab_id == claim.lab_id and change.sequence == claim.sequence:
                changes.setdefault(change.lab_id, change)
    last = max([claimed, *(change.sequence for change in changes.values())])
    _passed_on[home] = last
    return sorted(changes.values(), key=lambda change: change.sequence), last


def _number(cursor: str | None) -> int | None:
    """Return the number of a cursor, 0 without one; None for other text."""
    try:
        return max(0, int(cursor or 0))
    except ValueError:
        return None


def _has_run(deployment: Deployment, change: LabChange, *, up_to: int) -> bool:
    """Return whether the lab has a run for its last event that is not after `up_to`."""
    last = max((event.sequence for event in change.events if event.sequence <= up_to), default=0)
    return any(run.sequence >= last for run in deployment.registry.runs.history(change.lab_id, limit=5))
