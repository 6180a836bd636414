"""Why nothing starts automatically: Dagster's daemon is not running, or what starts runs is switched off in Dagster."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from datalab.formats import moment
from datalab.home.up import UpRecord, running
from datalab_dagster.graph.access import DAEMON_PATIENCE, DagsterAccess

_NOTHING = "No validation starts automatically"


class Obstacles:
    """What keeps sensors and schedules of a deployment from starting runs.

    Args:
        home: of the deployment.
        dagster: its instance, which records when the daemon has last reported.
    """

    def __init__(self, home: Path, dagster: DagsterAccess) -> None:
        self._home = home
        self._dagster = dagster

    def of(self, what: str, name: str, *, loads_dagster: bool) -> str | None:
        """Return why no validation starts automatically; None: one does.

        The answer is empty where no daemon is expected: no `datalab up` runs, and no daemon has ever reported.

        Args:
            what: "sensor" or "schedule".
            name: of the sensor or schedule that starts it.
            loads_dagster: whether to load Dagster for it, which takes a second; else it is asked if it is loaded.
        """
        up = running(self._home)
        if not (self._dagster.is_open or (loads_dagster and (up or self._dagster.has_home))):
            return None if up else ""
        try:
            seen, is_off = self._dagster.daemon_seen(), self._dagster.is_switched_off(name)
        except Exception:  # noqa: BLE001 - the errors of Dagster's storage share no base class
            return f"{_NOTHING}: Dagster's database does not answer."
        if not _is_recent(seen) and not (up and _is_recent(_started(up))):
            last = f" (last seen {moment(seen)})" if seen else ""
            return f"{_NOTHING}: Dagster's daemon is not running{last}." if up or seen else ""
        return f"{_NOTHING}: the {what} “{name}” is switched off in Dagster." if is_off else None


def _started(up: UpRecord) -> datetime:
    """Return when `datalab up` has started its last process; now, while it has started none."""
    created = max((child.created for child in up.children), default=None)
    return datetime.now(UTC) if created is None else datetime.fromtimestamp(created, UTC)


def _is_recent(moment: datetime | None) -> bool:
    return moment is not None and datetime.now(UTC) - moment < DAEMON_PATIENCE
