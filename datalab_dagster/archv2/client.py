"""The vendor's low-level client of labs and jobs, on your own deployment; `Client` manages datasets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from datalab.errors import DatalabError
from datalab.lab import lab_from_dict
from datalab_dagster.archv2 import results
from datalab_dagster.archv2.errors import (
    LabNotCreated,
    LabNotDeleted,
    LabUnknown,
)
from datalab_dagster.archv2.jobs import Jobs
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
from datalab_dagster.archv2.rooms import DataRooms
from datalab_dagster.archv2.signed_content import data_lab_v2
from datalab_dagster.service import LabNameAmbiguous, LabNotFound
from datalab_dagster.service.models import LabInfo
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


class ClientV2(Jobs, DataRooms):
    """Labs and jobs of a deployment in the vendor's dictionaries. A verification key is accepted and ignored."""

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
