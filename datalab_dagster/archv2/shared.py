"""The low-level client of a vendor's admin, who reads what labs share; the deployment refuses everything else."""

from __future__ import annotations

import json

from datalab.results import files
from datalab_dagster.archv2 import results
from datalab_dagster.archv2.client import ClientV2
from datalab_dagster.archv2.errors import JobNotCreated, JobUnknown, LabUnknown
from datalab_dagster.archv2.legacy_definition import shared_definition
from datalab_dagster.archv2.models import DataLabV2, DataRoomActionSummary, DataRoomActionsView
from datalab_dagster.archv2.signed_content import shared_data_lab_v2
from datalab_dagster.service import LabNameAmbiguous, RunState
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.models import RunInfo, SharedLab
from datalab_dagster.service.protocol import LabService
from datalab_dagster.service.shared_labs import SharedLabs
from datalab_dagster.types import DataLabDefinition

_FILES = {
    results.STATISTICS: files.STATISTICS,
    results.STATUS: files.VALIDATION_STATUS,
    results.ENHANCED_STATUS: files.VALIDATION_STATUS,
}


class SharedClientV2(ClientV2):
    """The labs that share their aggregates. A job is the current result of a lab; its id is that of the lab."""

    def __init__(self, service: LabService, shared: SharedLabs) -> None:
        super().__init__(service)
        self._shared = shared

    # --------------------------------------------------------------------------------------------------- labs

    def shared_lab(self, data_lab_id: str) -> SharedLab:
        """Return a lab that shares something, by its id, or by its name if only one has it.

        Raises:
            LabUnknown: there is none, or several have this name.
        """
        labs = self._shared.all()
        found = [lab for lab in labs if lab.id == data_lab_id] or [lab for lab in labs if lab.name == data_lab_id]
        if len(found) > 1:
            error = LabNameAmbiguous(data_lab_id, [lab.id for lab in found])
            raise LabUnknown(data_lab_id, str(error)) from error
        if not found:
            raise LabUnknown(data_lab_id)
        return found[0]

    def get_data_lab(self, data_lab_id: str, verification_key: bytes = b"") -> DataLabV2:
        del verification_key
        return shared_data_lab_v2(self.shared_lab(data_lab_id))

    def get_data_labs(self, user_id: str, verification_key: bytes = b"") -> list[DataLabV2]:
        """Return the labs that share something, the oldest first, of all owners."""
        del user_id, verification_key
        return [shared_data_lab_v2(lab) for lab in self._shared.all()]

    def definitions(self) -> list[DataLabDefinition]:
        return [self._definition(lab) for lab in self._shared.all()]

    def definition(self, data_lab_id: str) -> DataLabDefinition:
        return self._definition(self.shared_lab(data_lab_id))

    def get_data_room_actions(self, data_room_id: str) -> DataRoomActionsView:
        """Return what was computed for the current result of a lab; validation reports are not given to admins."""
        lab = self.shared_lab(data_room_id)
        actions: dict[str, DataRoomActionSummary] = {}
        if lab.computed_at is not None:
            for name in (*_FILES, *results.KINDS_OF_REPORTS):
                actions[results.result_id(lab.id, name)] = {
                    "action": json.dumps(results.lab_action(name)),
                    "jobs": [lab.id],
                }
        return {"actions": actions}

    # --------------------------------------------------------------------------------------------------- jobs

    def validate(self, data_lab_id: str, *, again: bool = False) -> RunInfo:
        """Return the current result of a lab as a run that has ended; nothing is started.

        Raises:
            JobNotCreated: there is no current result, or a new one is asked for, which only publishers may.
        """
        if again:
            return super().validate(data_lab_id, again=True)
        lab = self.shared_lab(data_lab_id)
        run = _run(lab)
        if run is None:
            raise JobNotCreated(ResultNotFound(lab.id, "result for what is provisioned now"))
        return run

    def run(self, job_id: str) -> RunInfo:
        found = next((lab for lab in self._shared.all() if lab.id == job_id), None)
        run = _run(found) if found else None
        if run is None:
            raise JobUnknown(job_id)
        return run

    def result(self, run: RunInfo, action: str) -> bytes:
        if action not in _FILES:
            return super().result(run, action)
        content = self._shared.file(run.lab_id, _FILES[action].name)
        if action == results.STATUS:
            status = json.loads(content)
            content = json.dumps({key: status[key] for key in ("status", "datasets")}).encode()
        return _FILES[action].zipped(content)

    def _definition(self, lab: SharedLab) -> DataLabDefinition:
        try:
            statistics = self._shared.file(lab.id, files.STATISTICS.name).decode() if lab.computed_at else None
        except ResultNotFound:  # in the old format, whose counts cannot be hidden
            statistics = None
        return shared_definition(lab, statistics)


def _run(lab: SharedLab) -> RunInfo | None:
    if lab.computed_at is None:
        return None
    return RunInfo(
        run_id=lab.id,
        lab_id=lab.id,
        datasets={},
        cause="shared",
        state=RunState.FINISHED,
        reason=None,
        started_at=lab.computed_at,
        ended_at=lab.computed_at,
    )
