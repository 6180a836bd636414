"""Changes of a room's state, one class each. Which of them a user may make is decided by the deployment."""

from __future__ import annotations

from typing import Any

from datalab_dagster.client import Client
from datalab_dagster.media.api import CustomAudience
from datalab_dagster.media.audiences import reference_of
from datalab_dagster.media.errors import SourceNotAnAudience
from datalab_dagster.media.exclusion_targeting_audience_builder import ExclusionTargetingAudienceDefinition
from datalab_dagster.media.helper import media_action
from datalab_dagster.media.lookalike_audience_builder import LookalikeAudienceDefinition
from datalab_dagster.media.remarketing_audience_builder import RemarketingAudienceDefinition
from datalab_dagster.media.rule_based_builder import RuleBasedAudienceDefinition
from datalab_dagster.types import Permission

JSONType = dict[str, "JSONType"] | list["JSONType"] | str | int | float | bool | None
"""What an action answers."""


class Action:
    """A change of a room's state."""

    def __init__(self, dcr_id: str, client: Client) -> None:
        self.dcr_id = dcr_id
        self.client = client
        self.session = client.create_session_v2()

    def _send_action(self, action: Any) -> JSONType:
        answer: JSONType = self.session.send_data_room_state_action_request(self.dcr_id, action)
        return answer

    def _create(self, name: str, definition: dict[str, Any], shared_with: list[str]) -> JSONType:
        return self._send_action(
            media_action("createCustomAudience", name=name, definition=definition, sharedWith=shared_with)
        )


class CreateLookalikeAudienceAction(Action):
    """Creates a lookalike audience."""

    def __init__(self, dcr_id: str, client: Client, definition: LookalikeAudienceDefinition) -> None:
        super().__init__(dcr_id, client)
        self.definition = definition

    def create(self) -> JSONType:
        """Create the audience and return the answer with it.

        Raises:
            SourceNotAnAudience: the source is no audience.
        """
        wire = {
            "kind": self.definition.kind,
            "reach": self.definition.reach,
            "sourceRef": _source(self.definition.source_audience),
            "excludeSeedAudience": self.definition.exclude_seed_audience,
        }
        return self._create(self.definition.name, wire, self.definition.shared_with)


class CreateRuleBasedAudienceAction(Action):
    """Creates a rule-based audience."""

    def __init__(self, dcr_id: str, client: Client, definition: RuleBasedAudienceDefinition) -> None:
        super().__init__(dcr_id, client)
        self.definition = definition

    def create(self) -> JSONType:
        """Create the audience and return the answer with it.

        Raises:
            SourceNotAnAudience: the source, or that of a combinator, is no audience.
        """
        wire: dict[str, Any] = {
            "kind": self.definition.kind,
            "sourceRef": _source(self.definition.source_audience),
            "filters": self.definition.filters.as_dict() if self.definition.filters else None,
            "combine": [one.as_dict() for one in self.definition.combinators] if self.definition.combinators else None,
        }
        return self._create(self.definition.name, wire, self.definition.shared_with)


class CreateRemarketingAudienceAction(Action):
    """Creates a remarketing audience."""

    def __init__(self, dcr_id: str, client: Client, definition: RemarketingAudienceDefinition) -> None:
        super().__init__(dcr_id, client)
        self.definition = definition

    def create(self) -> JSONType:
        """Create the audience and return the answer with it."""
        return self._create(self.definition.name, _of_seed(self.definition), self.definition.shared_with)


class CreateExclusionTargetingAudienceAction(Action):
    """Creates an exclusion targeting audience."""

    def __init__(self, dcr_id: str, client: Client, definition: ExclusionTargetingAudienceDefinition) -> None:
        super().__init__(dcr_id, client)
        self.definition = definition

    def create(self) -> JSONType:
        """Create the audience and return the answer with it."""
        return self._create(self.definition.name, _of_seed(self.definition), self.definition.shared_with)


class UpdateCustomAudienceAction(Action):
    """Changes an audience to what `audience` says now: name, definition, and with whom it is shared."""

    def __init__(self, dcr_id: str, client: Client, audience: CustomAudience) -> None:
        super().__init__(dcr_id, client)
        self.audience = audience

    def update(self) -> JSONType:
        """Change the audience."""
        return self._send_action(
            media_action(
                "updateCustomAudience",
                audienceId=self.audience.id,
                definition=self.audience.definition.model_dump(mode="json"),
                name=self.audience.name,
                sharedWith=list(self.audience.sharedWith or ()),
            )
        )


class GetAudiencePrerequisitesAction(Action):
    """Asks which audiences an audience is made of."""

    def __init__(self, dcr_id: str, client: Client, audience: CustomAudience) -> None:
        super().__init__(dcr_id, client)
        self.audience = audience

    def get(self) -> JSONType:
        """Return the answer with these audiences."""
        return self._send_action(media_action("getAudiencePrerequisites", audienceId=self.audience.id))


class DeleteCustomAudienceAction(Action):
    """Deletes an audience; with `force_delete_prerequisites`, also those that depend on it."""

    def __init__(self, dcr_id: str, client: Client, audience_id: str, force_delete_prerequisites: bool) -> None:
        super().__init__(dcr_id, client)
        self.audience_id = audience_id
        self.force_delete_prerequisites = force_delete_prerequisites

    def delete(self) -> JSONType:
        """Delete the audience and return the answer with the number of deleted audiences."""
        return self._send_action(
            media_action(
                "deleteCustomAudience",
                audienceId=self.audience_id,
                forceDeletePrerequisites=self.force_delete_prerequisites,
            )
        )


class AddParticipantGroupMemberAction(Action):
    """Adds a colleague to a participant."""

    def __init__(
        self, dcr_id: str, client: Client, participant_group_id: str, email: str, permissions: list[Permission]
    ) -> None:
        super().__init__(dcr_id, client)
        self.participant_group_id = participant_group_id
        self.email = email
        self.permissions = permissions

    def add(self) -> JSONType:
        """Add the user."""
        return self._send_action(
            media_action(
                "addParticipantGroupMember",
                participantGroupId=self.participant_group_id,
                email=self.email,
                permissions=[permission.value for permission in self.permissions],
            )
        )


class RemoveParticipantGroupMemberAction(Action):
    """Removes a user from a participant."""

    def __init__(self, dcr_id: str, client: Client, participant_group_id: str, email: str) -> None:
        super().__init__(dcr_id, client)
        self.participant_group_id = participant_group_id
        self.email = email

    def remove(self) -> JSONType:
        """Remove the user."""
        return self._send_action(
            media_action("removeParticipantGroupMember", participantGroupId=self.participant_group_id, email=self.email)
        )


def _source(audience: object) -> dict[str, str]:
    reference = reference_of(audience)
    if reference is None:
        raise SourceNotAnAudience(audience)
    return reference


def _of_seed(definition: RemarketingAudienceDefinition | ExclusionTargetingAudienceDefinition) -> dict[str, Any]:
    return {"kind": definition.kind, "seedAudienceRef": {"audienceType": definition.source_audience_type}}
