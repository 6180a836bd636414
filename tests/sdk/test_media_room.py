"""A room makes the calls of the vendor's package: creation, provisioning, participants, facts."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from datalab_dagster.archv2.errors import DataRoomUnknown, JobNotCreated, NotInvited
from datalab_dagster.client import Client as RealClient
from datalab_dagster.media import CollaborationType, IdType, MediaDcr, Participant, Permission
from datalab_dagster.service import LabState
from tests.sdk.media_client import (
    ADVERTISER,
    GROUPS,
    KEY,
    ME,
    OTHER,
    PUBLISHER,
    ROOM,
    Client,
    described,
    room_of,
)


@pytest.fixture
def client() -> Client:
    return Client()


# ------------------------------------------------------------------------------------------------------- creation


def test_creating_a_room_sends_its_definition_and_invites(client: Any) -> None:
    room = MediaDcr(
        client,
        name="Autumn",
        participants=[ADVERTISER, PUBLISHER],
        collaboration_types=[CollaborationType.INSIGHTS, CollaborationType.RULE_BASED],
        matching_ids=[IdType.HASHED_EMAIL],
        show_match_rate=True,
    )
    definition = {
        "kind": "media",
        "version": "v1",
        "name": "Autumn",
        "matchingIdType": "HASHED_EMAIL",
        "collaborationTypes": ["INSIGHTS", "RULE_BASED", "OVERLAP"],
        "enableDebugMode": False,
        "hideAbsoluteValuesFromInsights": False,
        "showMatchRate": True,
        "shareAggregatedResults": False,
        "participantGroups": [
            {
                "id": "adv",
                "role": "Advertiser",
                "emails": [ME],
                "permissions": ["VIEW_OVERLAP"],
                "organizationId": None,
                "memberPermissions": None,
            },
            {
                "id": "pub",
                "role": "Publisher",
                "emails": [OTHER],
                "permissions": ["EXPORT_AUDIENCE"],
                "organizationId": "org",
                "memberPermissions": {OTHER: ["EXPORT_AUDIENCE"]},
            },
        ],
        "policies": [],
    }
    assert ("create_data_room", definition, KEY) in client.calls
    assert ("notify_participants", "room") in client.calls
    assert (room.id, room.matching_id) == ("room", IdType.HASHED_EMAIL)


def test_overlap_is_always_on(client: Any) -> None:
    MediaDcr(client, name="x", participants=[ADVERTISER], matching_ids=[IdType.EMAIL])
    sent = next(call[1] for call in client.calls if call[0] == "create_data_room")
    assert sent["collaborationTypes"] == ["OVERLAP"]


def test_a_room_that_invites_nobody_is_created_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(room: str) -> None:
        raise NotInvited(room)

    client: Any = Client(notify_participants=refuse)
    with caplog.at_level(logging.WARNING):
        room = MediaDcr(client, name="x", participants=[ADVERTISER], matching_ids=[IdType.EMAIL])
    assert room.id == "room" and "Give the participants the id of the room: room." in caplog.text


def test_an_existing_room_asks_for_nothing(client: Any) -> None:
    room = room_of(client)
    assert (room.id, client.calls, hasattr(room, "matching_id")) == ("room", [], False)
    assert room.client_v2 is client.client_v2 and room.session_v2 is client.create_session_v2()


# --------------------------------------------------------------------------------------------------- provisioning


def test_a_lab_is_checked_first_and_then_provisioned_in_one_action(client: Any) -> None:
    room_of(client).provision_base_audience("lab")
    assert client.called.index("check_data_labs_compatibility") == 0
    provision, info = client.actions
    assert provision == {
        "kind": "media",
        "provisionBaseAudiencePolicyIds": {
            "matchingPolicyId": "room/matching/aa",
            "segmentsPolicyId": "room/segments/bb",
            "demographicsPolicyId": None,
            "embeddingsPolicyId": None,
        },
    }
    assert info == {
        "kind": "media",
        "setDataLabProvisioningInfo": {
            "dataLabId": "lab",
            "identifiersConfig": [{"idName": "hem"}],
            "numIdentifiersColumns": 3,
        },
    }


@pytest.mark.parametrize(
    "answers",
    [
        {"check_data_labs_compatibility": {"errorsByDataLab": {"lab": [{"message": "no segments"}]}}},
        {"get_data_room_actions": {"actions": {}}},
    ],
)
def test_a_lab_that_does_not_fit_changes_nothing(answers: dict[str, Any]) -> None:
    client: Any = Client(**answers)
    with pytest.raises(Exception, match="Cannot provision DataLab"):
        room_of(client).provision_base_audience("lab")
    assert client.actions == []


def test_a_lab_that_is_validated_but_not_ready_needs_force(client: Any) -> None:
    client.answers["lab"].state.state = LabState.FAILED
    with pytest.raises(Exception, match=r"^Cannot provision DataLab, not validated"):
        room_of(client).provision_base_audience("lab")
    room_of(client).provision_base_audience("lab", force=True)
    assert len(client.actions) == 2


def test_a_lab_of_the_first_generation_sets_the_activation_id() -> None:
    empty = dict.fromkeys(("demographicsDataset", "embeddingsDataset"))
    datasets = {"usersDataset": {"manifestHash": "aa"}, "segmentsDataset": {"manifestHash": "bb"}}
    lab = {"isValidated": True, "matchingIdFormat": "EMAIL", **datasets, **empty}
    client: Any = Client(get_data_lab=lab)
    room_of(client)._provision_legacy_data_lab("lab")
    provision, info, activation = client.actions
    given = {leaf for leaf, policy in provision["provisionBaseAudiencePolicyIds"].items() if policy}
    assert given == {"matchingPolicyId", "segmentsPolicyId"}
    identifiers = info["setDataLabProvisioningInfo"]["identifiersConfig"]
    assert [(one["idName"], one["idType"]) for one in identifiers] == [("userId", "STRING"), ("matchingId", "EMAIL")]
    assert activation == {"kind": "media", "setActivationId": {"activationId": "userId"}}


def test_seed_and_deprovisioning(client: Any) -> None:
    room = room_of(client)
    room.provision_seed_audiences("cc")
    room.deprovision_seed_audiences()
    room.deprovision_base_audience()
    room.set_activation_id("maid")
    assert client.actions == [
        {"kind": "media", "provisionSeedAudiencePolicyIds": {"audiencesPolicyId": "room/audiences/cc"}},
        {"kind": "media", "deprovisionSeedAudiencePolicyIds": {}},
        {"kind": "media", "deprovisionBaseAudiencePolicyIds": {}},
        {"kind": "media", "setActivationId": {"activationId": "maid"}},
    ]
    assert (room.is_base_audience_provisioned(), room.are_seed_audiences_provisioned()) == (True, False)


# --------------------------------------------------------------------------------------------------- participants


def test_participants_are_read_back_without_the_vendors_hidden_group(client: Any) -> None:
    room = room_of(client)
    advertiser, publisher = room.get_participants()
    nothing = {"organizationId": None, "memberPermissions": None}
    assert [advertiser.as_dict(), publisher.as_dict()] == [nothing | group for group in GROUPS[:2]]
    assert (advertiser.can_export_audience(), publisher.can_export_audience()) == (False, True)
    assert PUBLISHER.can_export_audience() and room.can_other_participants_export_audience()
    alone = Client(get_data_room=described({**ROOM, "participantGroups": GROUPS[:1]}))
    assert not room_of(alone).can_other_participants_export_audience()
    assert Participant([], [], "").id != Participant([], [], "").id


def test_members(client: Any) -> None:
    room = room_of(client)
    room.add_user_as_participant(ADVERTISER, "new@x.example", [Permission.VIEW_OVERLAP])
    room.add_user_as_participant(ADVERTISER, "new@x.example", ["VIEW_OVERLAP"])  # type: ignore[list-item]
    room.remove_user_from_participant(ADVERTISER, "new@x.example")
    added = {"participantGroupId": "adv", "email": "new@x.example", "permissions": ["VIEW_OVERLAP"]}
    removed = {"participantGroupId": "adv", "email": "new@x.example"}
    assert client.actions == [
        {"kind": "media", "addParticipantGroupMember": added},
        {"kind": "media", "addParticipantGroupMember": added},
        {"kind": "media", "removeParticipantGroupMember": removed},
    ]


# ---------------------------------------------------------------------------------------------------------- facts


def test_configuration_owner_and_log(client: Any) -> None:
    room = room_of(client)
    found = room.get_configuration()
    assert found.config == {
        "id": "room",
        "name": "Autumn",
        "participants": GROUPS,
        "collaboration_types": ["ENABLE_INSIGHTS", "ENABLE_RULED_BASED_AUDIENCES", "ENABLE_OVERLAP"],
        "matching_id_format": "HASHED_EMAIL",
        "matching_id_hashing_algorithm": None,
    }
    assert str(found) == found.model_dump_json() == json.dumps(found.config, indent=2)
    assert room.get_owner_email() == ME
    assert room.get_audit_log() == [{"timestampMillis": 1, "details": {"kind": "dcrCreated"}}]
    assert ("get_data_room_audit_log", "room", KEY) in client.calls


# ----------------------------------------------------------------------------------------------- a real deployment


def test_a_deployment_without_rooms_says_so(quick: RealClient) -> None:
    with pytest.raises(Exception, match=r"^Failed to create data room: this deployment contains Data Labs only"):
        MediaDcr(quick, name="x", participants=[ADVERTISER], matching_ids=[IdType.EMAIL])
    room = MediaDcr.from_existing("r", quick)
    for ask in (room.get_participants, room.get_audit_log, room.deprovision_base_audience):
        with pytest.raises(DataRoomUnknown, match=r"^Data room with id r not found"):
            ask()
    with pytest.raises(DataRoomUnknown):
        room.provision_base_audience("lab")
    with pytest.raises(
        JobNotCreated, match=r"A deployment does not compute Media DCRs; no job was started.*`datalab media preflight`"
    ):
        room.get_insights()
