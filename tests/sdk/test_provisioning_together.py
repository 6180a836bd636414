"""Two clients that change one lab see and spare each other; policies change several slots in one action."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from datalab.errors import DatalabError
from datalab.registry.errors import ProvisioningRefused
from datalab_dagster.archv2.client import ClientV2
from datalab_dagster.archv2.errors import DatasetUnknown
from datalab_dagster.archv2.release_policy_builder import ReleasePolicyBuilder
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLab, DataLabBuilder
from datalab_dagster.storage import Key
from tests.sdk.labs import (
    MATCH,
    SEGMENT,
    SEGMENTS,
    held,
    two_ids,
    upload,
    write_files,
)

UNKNOWN = "0" * 64


@pytest.fixture(params=["embedded", "http"])
def way(request: pytest.FixtureRequest) -> str:
    """On this machine, and over HTTP."""
    return str(request.param)


@pytest.fixture
def lab(client: Client) -> DataLab:
    """A lab with identifiers and segments."""
    return two_ids(client).with_segments().build()


# ------------------------------------------------------------------------------------------- two clients at once


def test_two_clients_see_each_others_changes(client: Client, colleague: Client, lab: DataLab) -> None:
    lab.provision_dataset(upload(client), Key(), MATCH)
    lab.provision_dataset(upload(client, SEGMENTS), Key(), SEGMENT)
    client.service.set_lab_owners(lab.id, [client.user_email, colleague.user_email])
    other = DataLabBuilder(colleague).from_existing(lab.id).build()
    theirs = upload(colleague)
    other.provision_dataset(theirs, Key(), MATCH)
    other.deprovision_dataset(SEGMENT)
    with pytest.raises(Exception, match=r"^Cannot deprovision SEGMENTS: dataset is not provisioned$"):
        lab.deprovision_dataset(SEGMENT)
    mine = upload(client, SEGMENTS)
    lab.provision_dataset(mine, Key(), SEGMENT)
    assert held(lab) == {"identifiers": theirs, "segments": mine}, "a change of one slot touches no other"


def test_two_clients_that_provision_at_once_mix_nothing(
    client: Client, colleague: Client, lab: DataLab, tmp_path: Path
) -> None:
    client.service.set_lab_owners(lab.id, [client.user_email, colleague.user_email])
    other = DataLabBuilder(colleague).from_existing(lab.id).build()
    keys = {lab: Key(), other: Key()}
    files = write_files(tmp_path)
    failures: list[Exception] = []
    begin = threading.Barrier(2)

    def provision(mine: DataLab) -> None:
        begin.wait()
        try:
            for _ in range(3):
                mine.provision_local_datasets(keys[mine], files["identifiers"], files["segments"])
        except DatalabError as error:
            failures.append(error)

    threads = [threading.Thread(target=provision, args=(mine,)) for mine in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    by = {slot.provisioned_by for slot in lab.info.slots}
    assert len(by) == 1, "identifiers and segments are of the same call"
    owner = client if by == {client.user_email} else colleague
    key = keys[lab] if owner is client else keys[other]
    assert all(owner.get_dataset_key(manifest_hash) == key for manifest_hash in held(lab).values())


# ------------------------------------------------------------------------------------------------- the lower level


def test_policies_provision_in_one_action(client: Client, lab: DataLab) -> None:
    session, identifiers, segments = client.create_session_v2(), upload(client), upload(client, SEGMENTS)
    policies = {
        key: session.create_policy(
            ReleasePolicyBuilder(client, lab.id, manifest_hash).with_target_leaf_node_name(leaf).build()
        )
        for key, leaf, manifest_hash in (
            ("identifiersPolicyId", "matching", identifiers),
            ("segmentsPolicyId", "segments", segments),
        )
    }
    action = {"kind": "dataLab", "provisionDatasetPolicyIds": {**policies, "embeddingsPolicyId": None}}
    session.send_data_room_state_action_request(lab.id, action)
    assert held(lab) == {"identifiers": identifiers, "segments": segments}
    removal = {"kind": "dataLab", "deprovisionDatasetPolicyIds": {"segmentsPolicyId": policies["segmentsPolicyId"]}}
    session.send_data_room_state_action_request(lab.id, removal)
    assert held(lab) == {"identifiers": identifiers}
    with pytest.raises(ProvisioningRefused):
        session.send_data_room_state_action_request(lab.id, removal)


def test_policies_that_cannot_be(client: Client, lab: DataLab) -> None:
    session = client.create_session_v2()
    with pytest.raises(DatasetUnknown):
        session.create_policy(
            ReleasePolicyBuilder(client, lab.id, UNKNOWN).with_target_leaf_node_name("matching").build()
        )
    with pytest.raises(Exception, match=r"^Unknown dataset type identifiers$"):
        ReleasePolicyBuilder(client, lab.id, UNKNOWN).with_target_leaf_node_name("identifiers")
    action = {"kind": "dataLab", "provisionDatasetPolicyIds": {"identifiersPolicyId": UNKNOWN}}
    with pytest.raises(DatalabError, match="There is no policy"):
        session.send_data_room_state_action_request(lab.id, action)


def test_the_low_level_client_is_the_clients(client: Client) -> None:
    assert isinstance(client.client_v2, ClientV2)
    assert client.create_session_v2() is client.create_session_v2()
    assert client.create_session_v2().send_get_verification_key_request() == b""
