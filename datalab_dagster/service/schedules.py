"""The schedules of a deployment on this machine, behind `Schedules`, which documents every call."""

from __future__ import annotations

from datetime import UTC, datetime

from datalab.deployment import Deployment
from datalab.home.due import due_after
from datalab.registry import Lab, LabSchedule, RunState
from datalab.registry.ownership import Verb, decide
from datalab_dagster.graph.access import DagsterAccess
from datalab_dagster.graph.home import LAB_SCHEDULES
from datalab_dagster.service.obstacles import Obstacles
from datalab_dagster.service.schedules_protocol import ScheduleInfo


class LocalSchedules:
    """The schedules, as `user` may see and set them.

    Args:
        deployment: whose schedules.
        dagster: its instance.
        user: named in what they set.
    """

    def __init__(self, deployment: Deployment, dagster: DagsterAccess, user: str) -> None:
        self._registry = deployment.registry
        self._settings = deployment.settings
        self._dagster = dagster
        self._obstacles = Obstacles(deployment.home, dagster)
        self._user = user

    def all(self) -> list[ScheduleInfo]:
        from datalab_dagster.graph.scheduled import scheduled

        asker, now = self._registry.ownership.check(self._user, Verb.LIST), datetime.now(UTC)
        known = {one.name: one for one in scheduled(self._settings, lambda: self._dagster.instance)}
        of_labs = known.pop(LAB_SCHEDULES)
        labs = {lab.id: lab for lab in self._registry.labs.all() if decide(asker, Verb.READ_LAB, lab) is None}
        found = []
        for one in known.values():
            next_at = due_after(one.cron, one.timezone, now)
            more = {"lab_id": None, "next_at": next_at, "obstacle": self._obstacle(one.name, loads_dagster=True)}
            found.append(ScheduleInfo.model_validate({**vars(one), **more}))
        obstacle = self._obstacle(LAB_SCHEDULES, loads_dagster=True)
        return found + [
            _info(labs[one.lab_id], one, obstacle, is_on=of_labs.is_on)
            for one in self._registry.schedules.all()
            if one.lab_id in labs
        ]

    def of(self, lab: str) -> ScheduleInfo | None:
        found = self._lab(lab, Verb.READ_LAB)
        schedule = self._registry.schedules.of(found.id)
        return None if schedule is None else _info(found, schedule, self._obstacle(LAB_SCHEDULES))

    def set(self, lab: str, cron: str, timezone: str | None = None) -> ScheduleInfo:
        found = self._lab(lab, Verb.CHANGE_LAB)
        timezone = self._settings.timezone if timezone is None else timezone
        schedule = self._registry.schedules.set(found.id, cron, timezone, by=self._user)
        return _info(found, schedule, self._obstacle(LAB_SCHEDULES))

    def remove(self, lab: str) -> None:
        self._registry.schedules.remove(self._lab(lab, Verb.CHANGE_LAB).id)

    def _obstacle(self, name: str, *, loads_dagster: bool = False) -> str:
        return self._obstacles.of("schedule", name, loads_dagster=loads_dagster) or ""

    def _lab(self, lab: str, verb: Verb) -> Lab:
        return self._registry.labs.get_for(self._user, verb, lab)


def _info(lab: Lab, found: LabSchedule, obstacle: str, *, is_on: bool | None = None) -> ScheduleInfo:
    more = {
        "name": LAB_SCHEDULES,
        "lab_name": lab.name,
        "last_at": found.due_at,
        "last": _last(found),
        "run_id": found.run_id if found.run_state else None,
        "is_on": is_on,
        "obstacle": obstacle,
    }
    return ScheduleInfo.model_validate({**vars(found), **more})


def _last(found: LabSchedule) -> str:
    """Return what came of the last time when a lab was due."""
    if found.due_at is None or found.outcome:
        return found.outcome
    return _RUN_WORDS[found.run_state]


_RUN_WORDS = {
    None: "The validation was requested.",
    RunState.STARTED: "The validation is running.",
    RunState.FINISHED: "The validation has ended.",
    RunState.FAILED: "The validation was interrupted.",
    RunState.SUPERSEDED: "The validation was stopped, because the datasets were replaced.",
    RunState.CANCELLED: "The validation was cancelled.",
}
