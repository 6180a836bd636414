"""A Media DCR in the vendor's words: the room that joins a lab with a seed dataset; the deployment does the work."""

from __future__ import annotations

import logging
from typing import Any, Self, TypeVar

from datalab.errors import DatalabError
from datalab_dagster.archv2.models import DataRoomAuditLog
from datalab_dagster.client import Client
from datalab_dagster.media.action import (
    AddParticipantGroupMemberAction,
    CreateExclusionTargetingAudienceAction,
    CreateLookalikeAudienceAction,
    CreateRemarketingAudienceAction,
    CreateRuleBasedAudienceAction,
    DeleteCustomAudienceAction,
    RemoveParticipantGroupMemberAction,
    UpdateCustomAudienceAction,
)
from datalab_dagster.media.api import CustomAudience
from datalab_dagster.media.audiences import AudienceType
from datalab_dagster.media.compute_job import (
    ComputeJob,
    MediaAudiencesValidationReportJob,
    MediaAudienceUserListJob,
    MediaBaseAudienceValidationReportsJob,
    MediaDataAttributesJob,
    MediaEstimateAudienceSizeJob,
    MediaGetAudiencesJob,
    MediaInsightsJob,
    MediaLookalikeAudienceStatisticsJob,
    MediaModelQualityReportJob,
    MediaOverlapStatisticsJob,
)
from datalab_dagster.media.errors import InNoParticipant, OneMatchingIdOnly, RoomIncomplete
from datalab_dagster.media.exclusion_targeting_audience_builder import ExclusionTargetingAudienceDefinition
from datalab_dagster.media.lookalike_audience_builder import LookalikeAudienceDefinition
from datalab_dagster.media.participant import Participant
from datalab_dagster.media.provisioning import DatasetType, Provisioning
from datalab_dagster.media.remarketing_audience_builder import RemarketingAudienceDefinition
from datalab_dagster.media.room_state import MODEL_QUALITY_GROUP, DcrConfiguration, content_of
from datalab_dagster.media.rule_based_builder import RuleBasedAudienceDefinition
from datalab_dagster.types import CollaborationType, IdType, Permission

__all__ = ["AudienceType", "CollaborationType", "DatasetType", "DcrConfiguration", "MediaDcr"]

logger = logging.getLogger(__name__)
_Job = TypeVar("_Job", bound=ComputeJob)


class MediaDcr(Provisioning):
    """A room of a deployment. Without `_existing_dcr_id` it is created immediately.

    Args:
        client: calls the deployment.
        name: of the room.
        participants: groups of users with their permissions.
        collaboration_types: what the room may be used for; OVERLAP is always on.
        matching_ids: the type of the id that both sides know; exactly one.
        hide_absolute_values: whether results hold shares only, and no sizes.
        show_match_rate: whether the overlap has the rate.

    Attributes:
        id: of the room.
        client, client_v2, session_v2: call the deployment.
        matching_id: the type of the matching id; only of a room created by this object.

    Raises:
        RoomIncomplete, OneMatchingIdOnly: the arguments make no room; nothing was created.
        RoomNotCreated: the deployment refused.
    """

    def __init__(
        self,
        client: Client,
        *,
        name: str | None = None,
        participants: list[Participant] | None = None,
        collaboration_types: list[CollaborationType] | None = None,
        matching_ids: list[IdType] | None = None,
        hide_absolute_values: bool = False,
        show_match_rate: bool = False,
        _existing_dcr_id: str | None = None,
    ) -> None:
        self.client = client
        self.client_v2 = client.client_v2
        self.session_v2 = client.create_session_v2()
        if _existing_dcr_id is not None:
            self.id = _existing_dcr_id
            return
        if not name or not participants or not matching_ids:
            raise RoomIncomplete
        if len(matching_ids) != 1:
            raise OneMatchingIdOnly
        self.matching_id = matching_ids[0]
        self.id = self._build(
            name, participants, collaboration_types or [], matching_ids, hide_absolute_values, show_match_rate, False
        )

    @classmethod
    def from_existing(cls, dcr_id: str, client: Client) -> Self:
        """Return the room with an id; nothing is requested."""
        return cls(client, _existing_dcr_id=dcr_id)

    def _build(
        self,
        name: str,
        participants: list[Participant],
        collaboration_types: list[CollaborationType],
        matching_ids: list[IdType],
        hide_absolute_values: bool,
        show_match_rate: bool,
        share_aggregated_results: bool,
    ) -> str:
        types = list(dict.fromkeys([*collaboration_types, CollaborationType.OVERLAP]))
        definition = {
            "kind": "media",
            "version": "v1",
            "name": name,
            "matchingIdType": matching_ids[0].value,
            "collaborationTypes": [one.name for one in types],
            "enableDebugMode": False,
            "hideAbsoluteValuesFromInsights": hide_absolute_values,
            "showMatchRate": show_match_rate,
            "shareAggregatedResults": share_aggregated_results,
            "participantGroups": [participant.as_dict() for participant in participants],
            "policies": [],
        }
        created: str = self.client_v2.create_data_room(definition, self._get_verification_key())["id"]
        try:
            self.client.notify_participants(created)
        except DatalabError as error:
            logger.warning("The room %s was created, but its participants were not invited: %s", created, error)
        return created

    # -------------------------------------------------------------------------------------------------- results

    def get_insights(self) -> MediaInsightsJob:
        """Start the job that describes matched users by segment, age and gender."""
        return self._started(MediaInsightsJob(self.id, self.client))

    def get_overlap_statistics(self) -> MediaOverlapStatisticsJob:
        """Start the job that counts the ids that both sides know."""
        return self._started(MediaOverlapStatisticsJob(self.id, self.client))

    def get_data_attributes(self) -> MediaDataAttributesJob:
        """Start the job that lists the attributes of the base."""
        return self._started(MediaDataAttributesJob(self.id, self.client))

    def get_base_audience_validation_reports(self) -> MediaBaseAudienceValidationReportsJob:
        """Start the jobs that fetch the validation reports of the base audience."""
        jobs = MediaBaseAudienceValidationReportsJob(self.id, self.client)
        jobs.run()
        return jobs

    def get_seed_audiences_validation_report(self) -> MediaAudiencesValidationReportJob:
        """Start the job that fetches the validation report of the seed dataset."""
        return self._started(MediaAudiencesValidationReportJob(self.id, self.client))

    def get_lookalike_audience_statistics(self, audience: AudienceType) -> MediaLookalikeAudienceStatisticsJob:
        """Start the job that measures a lookalike model."""
        return self._started(MediaLookalikeAudienceStatisticsJob(self.id, audience, self.client))

    def get_audience_size(self, audience: AudienceType) -> MediaEstimateAudienceSizeJob:
        """Start the job that counts the users of an audience."""
        return self._started(MediaEstimateAudienceSizeJob(self.id, audience, self.client))

    def get_audience_user_list(self, audience: AudienceType) -> MediaAudienceUserListJob:
        """Start the job that lists the activation ids of an audience."""
        return self._started(MediaAudienceUserListJob(self.id, audience, self.client))

    def _retrieve_model_quality_report(self) -> MediaModelQualityReportJob:
        return self._started(MediaModelQualityReportJob(self.id, self.client))

    def _run_compute_job(self, compute_job: ComputeJob) -> ComputeJob:
        return self._started(compute_job)

    def _started(self, job: _Job) -> _Job:
        job.run()
        return job

    # ------------------------------------------------------------------------------------------------ audiences

    def get_audiences(self) -> MediaGetAudiencesJob:
        """Start the job that lists the audiences of the user's participant.

        Raises:
            InNoParticipant: no participant lists the user.
        """
        user = self.client.user_email
        own = next((one for one in self.get_participants() if user in one.emails), None)
        if own is None:
            raise InNoParticipant(user)
        return self._started(MediaGetAudiencesJob(self.id, user, self.client, own.id))

    def create_lookalike_audience(self, definition: LookalikeAudienceDefinition) -> CustomAudience:
        """Create a lookalike audience.

        Raises:
            SourceNotAnAudience: its source is no audience.
        """
        return _created(CreateLookalikeAudienceAction(self.id, self.client, definition).create())

    def create_rule_based_audience(self, definition: RuleBasedAudienceDefinition) -> CustomAudience:
        """Create a rule-based audience; raises as `create_lookalike_audience`."""
        return _created(CreateRuleBasedAudienceAction(self.id, self.client, definition).create())

    def create_remarketing_audience(self, definition: RemarketingAudienceDefinition) -> CustomAudience:
        """Create a remarketing audience."""
        return _created(CreateRemarketingAudienceAction(self.id, self.client, definition).create())

    def create_exclusion_targeting_audience(self, definition: ExclusionTargetingAudienceDefinition) -> CustomAudience:
        """Create an exclusion targeting audience."""
        return _created(CreateExclusionTargetingAudienceAction(self.id, self.client, definition).create())

    def share_audiences(self, audiences: list[CustomAudience], participants: list[Participant]) -> None:
        """Share audiences with these participants, and with no others; the audiences given are changed too."""
        for audience in audiences:
            audience.sharedWith = [participant.id for participant in participants]
            UpdateCustomAudienceAction(self.id, self.client, audience).update()

    def delete_audiences(self, audiences: list[CustomAudience], *, delete_dependent_audiences: bool = False) -> None:
        """Delete audiences; with `delete_dependent_audiences`, also those that are made of them."""
        for audience in audiences:
            DeleteCustomAudienceAction(self.id, self.client, audience.id, delete_dependent_audiences).delete()

    # --------------------------------------------------------------------------------------------- participants

    def get_participants(self) -> list[Participant]:
        """Return the participants."""
        groups = content_of(self._get_data_room())["participantGroups"]
        return [Participant.of_wire(group) for group in groups if MODEL_QUALITY_GROUP not in group["emails"]]

    def can_other_participants_export_audience(self) -> bool:
        """Return whether a participant that does not list the user may fetch user lists."""
        user = self.client.user_email
        return any(one.can_export_audience() for one in self.get_participants() if user not in one.emails)

    def add_user_as_participant(self, participant: Participant, email: str, permissions: list[Permission]) -> None:
        """Add a colleague to a participant, with some of its permissions.

        Raises:
            ValueError: a permission does not exist.
        """
        checked = [Permission(permission) for permission in permissions]
        AddParticipantGroupMemberAction(self.id, self.client, participant.id, email, checked).add()

    def remove_user_from_participant(self, participant: Participant, email: str) -> None:
        """Remove a user from a participant."""
        RemoveParticipantGroupMemberAction(self.id, self.client, participant.id, email).remove()

    # ---------------------------------------------------------------------------------------------------- facts

    def get_owner_email(self) -> str:
        """Return the e-mail address of the room's owner."""
        return self._get_data_room()["ownerId"]

    def get_configuration(self) -> DcrConfiguration:
        """Return name, participants, collaboration types and matching id.

        Raises:
            VersionMissing: the state of the room has no version.
        """
        return DcrConfiguration(self.id, self._get_data_room())

    def get_audit_log(self) -> list[DataRoomAuditLog]:
        """Return every change of the room and every fetched result: who, when, and of which kind."""
        return self.client_v2.get_data_room_audit_log(self.id, self._get_verification_key())

    def __repr__(self) -> str:
        return f"MediaDcr(id={self.id!r})"


def _created(answer: Any) -> CustomAudience:
    return CustomAudience.model_validate(answer["createCustomAudience"]["audience"])
