"""The vendor's low-level client of labs and jobs, on your own deployment; `Client` manages datasets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from datalab.errors import ConfigurationError, DatalabError
from datalab.lab import lab_from_dict
from datalab.results.validation import Hint
from datalab_dagster.archv2 import results
from datalab_dagster.archv2.errors import (
    DataRoomUnknown,
    JobNotCreated,
    JobUnknown,
    LabNotCreated,
    LabNotDeleted,
    LabUnknown,
)
from datalab_dagster.archv2.leaves import LEAVES, policies
from datalab_dagster.archv2.legacy_definition import legacy_definition
from datalab_dagster.archv2.models import (
    CreatedJob,
    DataLabCompatibilityResponse,
    DataLabV2,
    DataRoomActionSummary,
    DataRoomActionsView,
    Job,
    JobStatus,
    JobStatusView,
    JobTasksView,
    Policy,
    PolicyStatus,
    RunStatus,
    SignedContent,
    TaskView,
)
from datalab_dagster.archv2.signed_content import data_lab_v2
from datalab_dagster.service import LabNameAmbiguous, LabNotFound, RunNotFound, RunState
from datalab_dagster.service.models import LabInfo, RunInfo
from datalab_dagster.service.protocol import LabService
from datalab_dagster.types import DataLabDefinition

__all__ = [
    "ClientV2",
    "CreatedJob",
    "DataLabCompatibilityResponse",
    "DataLabV2",
    "DataRoomActionSummary",
    "DataRoomActionsView",
    "Job",
    "JobStatus",
    "JobStatusView",
    "JobTasksView",
    "Policy",
    "PolicyStatus",
    "RunStatus",
    "SignedContent",
    "TaskView",
]


class ClientV2:
    """Labs and jobs of a deployment in the vendor's dictionaries. A verification key is accepted and ignored."""

    def __init__(self, service: LabService) -> None:
        self.service = service

    # --------------------------------------------------------------------------------------------------- labs

    def create_data_lab(self, create_data_lab: Mapping[str, Any], verification_key: bytes = b"") -> DataLabV2:
        """Create a lab from its definition in wire keys.

        Raises:
            LabNotCreated: the definition has errors (all listed), or the deployment refused.
        """
        del verification_key
        try:
            definition = lab_from_dict(dict(create_data_lab), "The lab's definition")
            return data_lab_v2(self.service.create_lab(definition))
        except DatalabError as error:
            raise LabNotCreated(error) from error

    def get_data_lab(self, data_lab_id: str, verification_key: bytes = b"") -> DataLabV2:
        """Return a lab by its id.

        Raises:
            LabUnknown: there is none.
        """
        del verification_key
        return data_lab_v2(self.lab(data_lab_id))

    def get_data_labs(self, user_id: str, verification_key: bytes = b"") -> list[DataLabV2]:
        """Return the labs that a user owns, the oldest first."""
        del verification_key
        return [data_lab_v2(lab) for lab in self.service.labs() if user_id in lab.owners]

    def delete_data_lab(self, data_lab_id: str) -> None:
        """Deprovision everything and delete the lab; its datasets are kept.

        Raises:
            LabNotDeleted: there is none, or the deployment refused.
        """
        try:
            self.service.delete_lab(data_lab_id)
        except DatalabError as error:
            raise LabNotDeleted(error) from error

    def check_data_labs_compatibility(
        self, data_room_id: str, data_lab_ids: Iterable[str]
    ) -> DataLabCompatibilityResponse:
        """Refuse: Media DCRs run in the vendor's clean room, and only it knows their requirements.

        Raises:
            DataRoomUnknown: always.
        """
        del data_lab_ids
        raise DataRoomUnknown(data_room_id)

    def get_data_room_actions(self, data_room_id: str) -> DataRoomActionsView:
        """Return the results for the datasets provisioned to a lab now, with their run.

        Raises:
            LabUnknown: there is no such lab.
        """
        lab = self.lab(data_room_id)
        current = self.service.current_result(lab.id)
        actions: dict[str, DataRoomActionSummary] = {}
        if current is not None:
            reports = {results.REPORTS[kind] for kind in current.reports}
            for name in sorted({results.STATISTICS, results.STATUS, results.ENHANCED_STATUS} | reports):
                summary: DataRoomActionSummary = {
                    "action": json.dumps(results.lab_action(name)),
                    "jobs": [current.run_id],
                }
                actions[results.result_id(lab.id, name)] = summary
        return {"actions": actions}

    def get_data_room_policies(self, data_room_id: str, policy_ids: Iterable[str]) -> dict[str, Policy]:
        """Return the dataset and slot of each policy of a lab.

        Raises:
            LabUnknown: there is no such lab.
        """
        lab = self.lab(data_room_id)
        hashes = {slot.kind: slot.manifest_hash for slot in lab.slots}
        found: dict[str, Policy] = {policy: {"status": PolicyStatus.NOT_FOUND} for policy in policy_ids}
        for kind, policy in policies(lab).items():
            if policy in found:
                found[policy] = {
                    "status": PolicyStatus.OK,
                    "manifest_hash_hex": hashes[kind],
                    "target_leaf": LEAVES[kind],
                }
        return found

    def definitions(self) -> list[DataLabDefinition]:
        """Return the labs that the user may read in the shape of the vendor's first labs, the oldest first."""
        return [legacy_definition(self.service, lab) for lab in self.service.labs()]

    def definition(self, data_lab_id: str) -> DataLabDefinition:
        """Return a lab in the shape of the vendor's first labs.

        Raises:
            LabUnknown: there is none.
        """
        return legacy_definition(self.service, self.lab(data_lab_id))

    def lab(self, data_lab_id: str) -> LabInfo:
        """Return the deployment's description of a lab.

        Raises:
            LabUnknown: there is none, or several have this name.
        """
        try:
            return self.service.lab(data_lab_id)
        except (LabNotFound, LabNameAmbiguous) as error:
            raise LabUnknown(data_lab_id, str(error)) from error

    # --------------------------------------------------------------------------------------------------- jobs

    def create_job(
        self,
        data_room_id: str,
        data_room_compute_action: Any,
        freshness_token: str | None = None,
        mode: Literal["always", "if_stale"] | None = None,
    ) -> CreatedJob:
        """Start the run for an action of a lab, or join the run on the datasets provisioned now, active or finished.

        Args:
            data_room_id: the lab's id.
            data_room_compute_action: such as ``{"kind": "dataLab", "computeStatistics": {}}``.
            freshness_token: accepted and ignored: the datasets' hashes show whether a result is current.
            mode: ``always`` starts a new run in every case.

        Raises:
            JobNotCreated: it is not an action of a lab, or the deployment refused.
        """
        del freshness_token
        if results.action_name(data_room_compute_action) is None:
            known = ", ".join(sorted(results.TASKS))
            raise JobNotCreated(ConfigurationError("The action", [f"Unknown action. Actions of a Data Lab: {known}"]))
        run = self.validate(data_room_id, again=mode == "always")
        status = RunStatus.COMPLETED if run.is_complete else RunStatus.COMPUTING
        return {"id": run.run_id, "run_id": run.run_id, "run_status": status}

    def validate(self, data_lab_id: str, *, again: bool = False) -> RunInfo:
        """Start the run that computes all results of a lab, or join it.

        Raises:
            JobNotCreated: the deployment refused, for instance because a dataset is missing.
        """
        try:
            return self.service.validate(data_lab_id, again=again)
        except DatalabError as error:
            raise JobNotCreated(error) from error

    def run(self, job_id: str) -> RunInfo:
        """Return the current state of the run of a job.

        Raises:
            JobUnknown: there is none.
        """
        try:
            return self.service.run(job_id)
        except RunNotFound as error:
            raise JobUnknown(job_id) from error

    def get_job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            JobUnknown: there is none.
        """
        return {"id": self.run(job_id).run_id}

    def get_job_status(self, job_id: str) -> JobStatusView:
        """Return the status of a job.

        Raises:
            JobUnknown: there is none.
        """
        run = self.run(job_id)
        return {
            "status": self._status(run),
            "registered_at": run.started_at.isoformat(),
            "completed_at": run.ended_at.isoformat() if run.ended_at else None,
        }

    def get_job_tasks(self, job_id: str) -> JobTasksView:
        """Return the results of a job, one task each.

        Raises:
            JobUnknown: there is none.
        """
        run = self.run(job_id)
        completed = ["success"] if self._status(run) is JobStatus.SUCCESS else []
        tasks: dict[str, TaskView] = {}
        for action, name in results.TASKS.items():
            kind = results.KINDS_OF_REPORTS.get(action)
            if kind is None or kind in run.datasets:
                tasks[action] = {
                    "name": name,
                    "results": {"success": results.result_id(run.run_id, action)},
                    "dependencies": [],
                    "completed": completed,
                }
        return {"tasks": tasks, "target_task": results.ENHANCED_STATUS}

    def result(self, run: RunInfo, action: str) -> bytes:
        """Return the result of a run for an action, as the vendor's zip.

        Raises:
            ResultNotFound: the run has no such result, or the result was removed.
        """
        return results.zipped_result(self.service, run, action)

    def hints(self, run: RunInfo, action: str) -> list[Hint]:
        """Return the hints in addition to the report that an action of a run requested.

        Raises:
            ResultNotFound: as `result`.
        """
        return self.service.hints(run.lab_id, results.KINDS_OF_REPORTS[action], run_id=run.run_id)

    def _status(self, run: RunInfo) -> JobStatus:
        if not run.is_complete:
            return JobStatus.RUNNING
        if run.state is RunState.FINISHED:
            return JobStatus.SUCCESS
        kept = any(result.run_id == run.run_id for result in self.service.results(run.lab_id))
        return JobStatus.SUCCESS if kept else JobStatus.FAILED  # a run may fail after its verdict
