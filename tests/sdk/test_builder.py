"""Labs are built as scripts say, or taken up; what the vendor's builder refuses is refused in its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from datalab.errors import ConfigurationError, DatalabError
from datalab_dagster.api import NotFoundError
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLab, DataLabBuilder, DataLabConfig, IdentifiersConfig, IdType
from datalab_dagster.data_lab.check_data_lab_type import DataLabType, get_data_lab_type
from datalab_dagster.media import CollaborationType
from datalab_dagster.types import DataLabDatasetType, MatchingId
from tests.sdk.labs import MATCH, ME, SEGMENT, two_ids, upload


def content(lab: DataLab) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(lab.get()["signedContent"]["content"])
    return definition


def test_a_lab_is_made_as_it_was_said(client: Client) -> None:
    lab = (
        two_ids(client, "Everything")
        .with_segments()
        .with_demographics()
        .with_embeddings(2)
        .with_collaboration_types([CollaborationType.INSIGHTS, CollaborationType.EXCLUSION_TARGETING])
        .build()
    )
    wire = content(lab)
    assert {key: wire[key] for key in wire if key.startswith(("require", "num", "coll", "name", "publisher"))} == {
        "name": "Everything",
        "publisherEmail": ME,
        "requireSegments": True,
        "requireDemographics": True,
        "requireEmbeddings": True,
        "numEmbeddings": 2,
        "numIdentifiersColumns": 3,
        "collaborationTypes": ["INSIGHTS", "EXCLUSION_TARGETING", "OVERLAP"],
    }
    assert wire["identifiersConfig"] == [
        {"idName": "userId", "idType": "STRING", "isMatchingId": False, "isActivationId": True},
        {"idName": "email", "idType": "EMAIL", "isMatchingId": True, "isActivationId": False},
    ]
    assert wire["kind"] == "dataLab" and wire["version"] == "v0" and wire["policies"] == []
    assert lab.get()["ownerId"] == ME
    assert lab.id == lab.data_lab_id == lab.get()["id"]


def test_without_identifiers_there_are_a_user_id_and_a_matching_id(client: Client) -> None:
    lab = DataLabBuilder(client).with_num_identifiers_columns(2).build()
    assert lab.cfg.identifiers_config == [
        IdentifiersConfig("userId", IdType.STRING, False, True),
        IdentifiersConfig("matchingId", IdType.STRING, True, False),
    ]
    assert lab.cfg.collaboration_types == [
        CollaborationType.INSIGHTS,
        CollaborationType.LOOKALIKE,
        CollaborationType.OVERLAP,
        CollaborationType.REMARKETING,
        CollaborationType.RULE_BASED,
    ]
    assert lab.info.name == ""


def test_the_old_matching_id_still_works_with_a_warning(client: Client) -> None:
    builder = DataLabBuilder(client).with_num_identifiers_columns(2)
    with pytest.warns(DeprecationWarning) as warned:
        builder.with_matching_id_format(MatchingId.HASHED_EMAIL)
    assert str(warned[0].message) == (
        "Call to deprecated method with_matching_id_format. (This function is deprecated. Please use the identifiers "
        "config instead.)"
    )
    assert warned[0].filename == __file__
    assert content(builder.build())["identifiersConfig"][1]["idType"] == "HASHED_EMAIL"


def test_matching_id_and_identifiers_exclude_each_other(client: Client) -> None:
    builder = two_ids(client)
    with pytest.warns(DeprecationWarning):
        builder.with_matching_id_format(MatchingId.EMAIL)
    before = len(client.service.labs())
    with pytest.raises(DatalabError) as error:
        builder.build()
    assert str(error.value) == (
        "Matching ID and identifiers config cannot be used together. Please remove the matching ID and use the "
        "identifiers config instead."
    )
    assert len(client.service.labs()) == before


def test_the_number_of_columns_must_be_set(client: Client) -> None:
    with pytest.raises(Exception, match=r"^Number of identifiers columns must be set by calling `with_num_identif"):
        DataLabBuilder(client).with_name("no columns").build()


def test_mistakes_are_listed_and_nothing_is_made(client: Client) -> None:
    before = len(client.service.labs())
    builder = (
        DataLabBuilder(client)
        .with_num_identifiers_columns(7)
        .with_identifiers_config([IdentifiersConfig("user", IdType.STRING, False, False)])
        .with_collaboration_types([CollaborationType.REMARKETING])
    )
    with pytest.raises(DatalabError) as error:
        builder.build()
    text = str(error.value)
    assert text.startswith("Failed to create data lab: 422 ")
    for problem in (
        "At least one identifier must be a matching ID",
        "named 'userId'",
        "REMARKETING needs at least one",
    ):
        assert problem in text
    assert isinstance(error.value.__cause__, ConfigurationError)
    assert len(client.service.labs()) == before


def test_a_foreign_collaboration_type_is_refused(client: Client) -> None:
    builder = two_ids(client).with_collaboration_types(["INSIGHTS"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"^Unhandled CollaborationType: 'INSIGHTS'$"):
        builder.build()


def test_by_default_only_types_that_the_identifiers_allow(client: Client) -> None:
    ids = [
        IdentifiersConfig("userId", IdType.STRING, False, False),
        IdentifiersConfig("email", IdType.EMAIL, True, False),
    ]
    lab = DataLabBuilder(client).with_num_identifiers_columns(3).with_identifiers_config(ids).build()
    assert lab.cfg.collaboration_types == [CollaborationType.INSIGHTS, CollaborationType.OVERLAP]


def test_invalid_rows_need_not_be_dropped(client: Client) -> None:
    assert content(two_ids(client).build())["dropInvalidRows"] is True
    kept = two_ids(client).with_disable_drop_invalid_rows().build()
    assert content(kept)["dropInvalidRows"] is False


def test_overlap_is_always_on_and_the_callers_list_stays() -> None:
    given = [CollaborationType.INSIGHTS]
    cfg = DataLabConfig("n", False, False, 0, False, 3, collaboration_types=given)
    assert cfg.collaboration_types == [CollaborationType.INSIGHTS, CollaborationType.OVERLAP]
    assert given == [CollaborationType.INSIGHTS]
    assert DataLabConfig("n", False, False, 0, False, 3).collaboration_types == [CollaborationType.OVERLAP]


def test_statistics_are_shared_only_where_it_was_said(client: Client) -> None:
    ids = [IdentifiersConfig("userId", IdType.STRING, True, True)]
    lab = DataLab(client, DataLabConfig("shared", False, False, 0, False, 1, ids, share_statistics=True))
    assert lab.is_statistics_shared_with_dq() and content(lab)["shareStatistics"] is True
    assert not two_ids(client).build().is_statistics_shared_with_dq()


# -------------------------------------------------------------------------------------------------------- existing


def test_an_existing_lab_is_taken_up_whole(client: Client, colleague: Client) -> None:
    made = (
        two_ids(client, "Taken up")
        .with_segments()
        .with_disable_drop_invalid_rows()
        .with_collaboration_types([CollaborationType.RULE_BASED])
        .build()
    )
    made.provision_dataset(upload(client), _key(), MATCH)
    client.service.set_lab_owners(made.id, [client.user_email, colleague.user_email])
    again = DataLabBuilder(colleague).from_existing(made.id).build()
    assert isinstance(again, DataLab)
    assert again.id == made.id
    assert vars(again.cfg) == vars(made.cfg)
    assert again.policy_ids == made.policy_ids
    assert list(again.policy_ids) == [MATCH]
    again.provision_dataset(upload(colleague, "u1,sport\n"), _key(), SEGMENT)
    assert set(made.policy_ids) == {MATCH, SEGMENT}


def test_the_state_names_what_is_provisioned(client: Client) -> None:
    lab = two_ids(client).build()
    manifest_hash = upload(client)
    lab.provision_dataset(manifest_hash, _key(), MATCH)
    (policy,) = content(lab)["policies"]
    assert policy["leafId"] == "matching" and policy["publishedByEmail"] == ME
    assert policy["policyId"] == lab.policy_ids[DataLabDatasetType.MATCH]
    known = lab.client_v2.get_data_room_policies(lab.id, [policy["policyId"], "f" * 64])
    assert known[policy["policyId"]] == {
        "status": "ok",
        "manifest_hash_hex": manifest_hash,
        "target_leaf": "matching",
    }
    assert known["f" * 64] == {"status": "not_found"}


def test_a_lab_can_be_taken_up_by_its_name(client: Client) -> None:
    made = two_ids(client, "The only one").build()
    assert DataLabBuilder(client).from_existing("The only one").build().id == made.id


@pytest.mark.parametrize("lab_id", ["", None])
def test_taking_up_needs_an_id(client: Client, lab_id: str) -> None:
    with pytest.raises(Exception, match=r"^Data lab ID is required when building from an existing data lab\.$"):
        DataLabBuilder(client).from_existing(lab_id).build()


def test_an_unknown_lab_is_reported(client: Client) -> None:
    with pytest.raises(NotFoundError, match=r"^Data lab with id nowhere not found: "):
        DataLabBuilder(client).from_existing("nowhere").build()
    with pytest.raises(Exception, match=r"^Data lab with id nowhere not found"):
        get_data_lab_type(client, "nowhere")


def test_every_lab_is_a_current_one(client: Client) -> None:
    assert get_data_lab_type(client, two_ids(client).build().id) is DataLabType.ARCHV2


def test_a_deleted_lab_is_gone(client: Client) -> None:
    lab = two_ids(client).build()
    client.client_v2.delete_data_lab(lab.id)
    with pytest.raises(NotFoundError):
        lab.get()
    with pytest.raises(Exception, match=r"^Failed to delete data lab: 404 "):
        client.client_v2.delete_data_lab(lab.id)


def _key() -> Any:
    from datalab_dagster.storage import Key

    return Key()
