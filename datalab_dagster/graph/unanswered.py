"""Which provisioning events still need a run. The cursor of the sensor is a hint only: others can set it.

Dagster's pages, its command line and its database can set a cursor. If it were believed, one that is too high would
leave events without a run, and no message. Nor is a tick stored because it was answered: the daemon may have died.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from datalab.deployment import Deployment
from datalab.registry import Changed


@dataclass
class _Progress:
    certain: int = 0
    """The last event that Dagster has got from this process for certain; 0 after a start."""
    returned: str | None = None
    """The last cursor, which no one else can know before Dagster has stored it."""


_progress: dict[str, _Progress] = {}
"""Per home directory."""


def unanswered(deployment: Deployment, cursor: str | None, warn: Callable[[str], None]) -> Changed:
    """Return the labs whose changes need a run, or have one that is not known yet.

    An event after the cursor needs one. An event before the cursor needs one if Dagster did not get it from this
    process and its lab has no run for it or a later one: after a start, all labs are checked once. So does one whose
    claim was released because its run could not be made.

    Args:
        deployment: whose events.
        cursor: what `passed_on` returned last, or what was set since.
        warn: called with a sentence if the cursor cannot be right.
    """
    progress = _progress.setdefault(str(deployment.home), _Progress())
    seen = _number(cursor)
    if cursor == progress.returned and seen is not None:
        progress.certain = seen
    changed = deployment.registry.changes.read(seen, certain=progress.certain)
    if seen is None or seen > changed.newest:
        warn(
            f"This sensor did not set its cursor to {cursor!r:.40}: the last provisioning event is {changed.newest}. "
            "The cursor was corrected, and every lab was checked for events without a run."
        )
    return changed


def passed_on(deployment: Deployment, cursor: str | None, changed: Changed, last: int) -> str:
    """Return the next cursor, which names the last event that this tick passes on to Dagster.

    It is another text in every tick that passes something on, so that the next tick knows whether this one was stored.
    """
    progress = _progress[str(deployment.home)]
    if not changed.labs and cursor == progress.returned:
        return cursor or ""
    progress.returned = f"{last} {secrets.token_hex(4)}"
    return progress.returned


def _number(cursor: str | None) -> int | None:
    """Return the number of a cursor, 0 without one; None for other text."""
    try:
        return max(0, int((cursor or "0").split(" ")[0]))
    except ValueError:
        return None
