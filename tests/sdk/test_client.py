"""Datasets, keys, access lists and labs through the client, on a real deployment."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest

from datalab.errors import DatalabError
from datalab.registry.errors import KeyAccessDenied
from datalab.storage.errors import KeyMismatch
from datalab_dagster.api import NotFoundError
from datalab_dagster.archv2.errors import DatasetPublished, DatasetUnknown, SecretMissing
from datalab_dagster.client import Client, SecretStoreOptions
from datalab_dagster.storage import Key
from datalab_dagster.types import DataLabListFilter, DatasetUsage
from tests.sdk.labs import MATCH, ME, two_ids, upload

UNKNOWN = "0" * 64
COLLEAGUE = "colleague@publisher.example"


@pytest.fixture(params=["embedded", "http"])
def way(request: pytest.FixtureRequest) -> str:
    """On this machine, and over HTTP."""
    return str(request.param)


def users(*given: tuple[str, str], kind: str = "UsersList") -> dict[str, Any]:
    return {"type": kind, "users": [{"id": user, "role": role} for user, role in given]}


# ------------------------------------------------------------------------------------------------------- datasets


def test_what_is_uploaded_can_be_found_and_read(client: Client) -> None:
    key = Key()
    manifest_hash = client.upload_dataset(
        io.BytesIO(b"u1,sport\n"), key, "segments.csv", description="of November", usage=DatasetUsage.TEST
    )
    found = client.get_dataset(manifest_hash)
    assert found is not None
    assert {**found, "createdAt": "", "encryptionKeySecretId": ""} == {
        "id": manifest_hash,
        "manifestHash": manifest_hash,
        "name": "segments.csv",
        "description": "of November",
        "createdAt": "",
        "size": 9,
        "usage": DatasetUsage.TEST,
        "encryptionKeySecretId": "",
        "metadataSecretId": None,
    }
    assert client.get_available_datasets()[-1]["manifestHash"] == manifest_hash
    with client.download_dataset(manifest_hash, key) as content:
        assert content.read(3) == b"u1," and content.read() == b"sport\n"
    assert client.get_dataset_key(manifest_hash) == key
    assert client.get_dataset_encryption_key_secret_id(manifest_hash) == found["encryptionKeySecretId"]


def test_equal_content_has_different_hashes(client: Client) -> None:
    key = Key()
    first, second = (client.upload_dataset(io.BytesIO(b"same"), key, "same") for _ in range(2))
    assert first != second


def test_an_upload_begins_where_the_stream_stands(client: Client) -> None:
    stream, key = io.BytesIO(b"header\nu1,sport\n"), Key()
    stream.seek(7)
    manifest_hash = client.upload_dataset(stream, key, "rest")
    with client.download_dataset(manifest_hash, key) as content:
        assert content.read() == b"u1,sport\n"


def test_only_own_uploads_are_listed(client: Client, colleague: Client) -> None:
    theirs = upload(colleague)
    assert theirs not in [dataset["manifestHash"] for dataset in client.get_available_datasets()]
    assert client.get_dataset(theirs) is not None


def test_unknown_datasets(client: Client) -> None:
    assert client.get_dataset(UNKNOWN) is None
    for ask in (
        client.get_dataset_key,
        client.get_dataset_encryption_key_secret_id,
        client.delete_dataset,
        lambda manifest_hash: client.download_dataset(manifest_hash, Key()),
    ):
        with pytest.raises(DatasetUnknown) as error:
            ask(UNKNOWN)
        assert str(error.value) == f"Dataset with manifest hash {UNKNOWN} not found"
        assert isinstance(error.value, NotFoundError) and error.value.message == str(error.value)


def test_a_wrong_key_reads_nothing(client: Client) -> None:
    manifest_hash = upload(client)
    with pytest.raises(KeyMismatch), client.download_dataset(manifest_hash, Key()) as content:
        content.read()


def test_a_key_that_is_not_stored(client: Client) -> None:
    manifest_hash = upload(client, secret_store_options=SecretStoreOptions(store_encryption_key=False))
    assert client.get_dataset_encryption_key_secret_id(manifest_hash) is None
    with pytest.raises(SecretMissing) as error:
        client.get_dataset_key(manifest_hash)
    assert str(error.value) == f"Dataset with manifest hash {manifest_hash} has no associated secret"


@pytest.mark.parametrize("material", [b"", b"short", b"x" * 31, b"x" * 33])
def test_keys_have_32_bytes(material: bytes) -> None:
    with pytest.raises(Exception, match=r"^Invalid key length, must be 32 bytes$"):
        Key(material)


def test_keys_are_random_or_given() -> None:
    assert Key() != Key() and len(Key().material) == 32
    assert Key(b"x" * 32).material == b"x" * 32
    assert "xxxx" not in repr(Key(b"x" * 32))


def test_deleting_a_published_dataset(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    manifest_hash = upload(client)
    labs = [two_ids(client).build() for _ in range(2)]
    for lab in labs:
        lab.provision_dataset(manifest_hash, Key(), MATCH)
    with pytest.raises(DatasetPublished) as error:
        client.delete_dataset(manifest_hash)
    text, *lines = str(error.value).split("\n")
    assert text == (
        "This dataset is published to the following data rooms and needs to be unpublished before it can be deleted!"
    )
    assert sorted(lines) == sorted(f"- {lab.id}" for lab in labs)
    assert client.get_dataset(manifest_hash) is not None
    with caplog.at_level(logging.WARNING):
        client.delete_dataset(manifest_hash, force=True)
    assert all(lab.id in caplog.text for lab in labs)
    assert client.get_dataset(manifest_hash) is None
    assert labs[0].policy_ids == {}


def test_deleting_a_dataset_that_nobody_uses(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    manifest_hash = upload(client)
    client.delete_dataset(manifest_hash, force=True)
    assert client.get_dataset(manifest_hash) is None
    assert caplog.text == ""


# ---------------------------------------------------------------------------------------------------- access lists


def test_the_uploader_owns_the_key(client: Client, colleague: Client) -> None:
    manifest_hash = upload(client)
    with pytest.raises(KeyAccessDenied):
        colleague.get_dataset_key(manifest_hash)
    secret, index = client.create_session_v2().get_secret(
        str(client.get_dataset_encryption_key_secret_id(manifest_hash))
    )
    assert secret.state["acl"] == users((ME, "Owner")) and index == 0
    assert secret.secret == client.get_dataset_key(manifest_hash).material
    assert repr(secret.secret) not in repr(secret)


def test_a_key_can_be_shared(client: Client, colleague: Client) -> None:
    options = SecretStoreOptions(encryption_key_acl=users((ME, "Owner"), (COLLEAGUE, "User")))
    manifest_hash = upload(client, secret_store_options=options)
    assert colleague.get_dataset_key(manifest_hash) == client.get_dataset_key(manifest_hash)
    session = client.create_session_v2()
    secret_id = str(client.get_dataset_encryption_key_secret_id(manifest_hash))
    assert session.update_secret_acl(secret_id, users((ME, "Owner")), 0)
    with pytest.raises(KeyAccessDenied):
        colleague.get_dataset_key(manifest_hash)
    with pytest.raises(NotFoundError, match=r"^Secret with id nonsense not found$"):
        session.get_secret("nonsense")


def test_an_access_list_needs_a_stored_key() -> None:
    with pytest.raises(ValueError, match=r"^Encryption key ACL can only be set when storing the encryption key$"):
        SecretStoreOptions(store_encryption_key=False, encryption_key_acl=users((ME, "Owner")))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"encryption_key_acl": users((ME, "User"))}, "Encryption key ACL must contain at least one owner"),
        ({"encryption_key_acl": users()}, "Encryption key ACL must contain at least one owner"),
        (
            {"encryption_key_acl": users((ME, "Owner"), ("spy@elsewhere.example", "User"))},
            "Encryption key ACL must contain only users from your organization",
        ),
        (
            {"encryption_key_acl": users((ME, "Owner"), kind="All")},
            "Unsupported encryption key ACL type All",
        ),
        ({"encryption_key_acl": {}}, "Unsupported encryption key ACL type None"),
        (
            {"encryption_key_acl": users((ME, "Owner")), "encryption_key_acl_version": 1},
            "Unsupported encryption key ACL version 1",
        ),
        (
            {"encryption_key_acl": users((ME, "owner"))},
            "Encryption key ACL must list its users as {'id': e-mail, 'role': 'Owner' or 'User'}",
        ),
        (
            {"encryption_key_acl": {"type": "UsersList"}},
            "Encryption key ACL must list its users as {'id': e-mail, 'role': 'Owner' or 'User'}",
        ),
    ],
)
def test_wrong_access_lists_are_refused_before_the_upload(client: Client, options: dict[str, Any], text: str) -> None:
    before = len(client.service.datasets())
    with pytest.raises(ValueError) as error:
        upload(client, secret_store_options=SecretStoreOptions(**options))
    assert str(error.value) == text and isinstance(error.value, DatalabError)
    assert len(client.service.datasets()) == before


def test_the_organisation_is_not_checked_where_that_is_turned_off(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECENTRIQ_DISABLE_DATASET_ACL_ORGANIZATION_CHECK", "true")
    options = SecretStoreOptions(encryption_key_acl=users((ME, "Owner"), ("partner@elsewhere.example", "User")))
    assert upload(client, secret_store_options=options)


def test_further_users_of_the_organisation_are_known_by_name() -> None:
    options = SecretStoreOptions(encryption_key_acl=users((ME, "Owner"), ("me@brand.example", "User")))
    options.validate_users(ME, [{"email": "me@brand.example"}])
    with pytest.raises(ValueError, match="only users from your organization"):
        options.validate_users(ME, [])


# ------------------------------------------------------------------------------------------------------------ labs


def test_labs_are_listed(client: Client, colleague: Client) -> None:
    mine, theirs = two_ids(client, "Mine").with_segments().build(), two_ids(colleague, "Theirs").build()
    manifest_hash = upload(client, name="ids.csv")
    mine.provision_dataset(manifest_hash, Key(), MATCH)
    found = {lab["id"]: lab for lab in client.list_data_labs()}
    assert mine.id in found and theirs.id not in found, "of a colleague's lab one sees that it exists"
    assert theirs.id in [lab.id for lab in client.service.other_labs()]
    assert found[mine.id] == client.get_data_lab(mine.id)
    lab = found[mine.id]
    assert lab["usersDataset"] == {"id": manifest_hash, "manifestHash": manifest_hash, "name": "ids.csv"}
    assert lab["datasets"] == [
        {"name": "matching", "dataset": lab["usersDataset"]},
        {"name": "segments", "dataset": None},
    ]
    assert (lab["requireSegmentsDataset"], lab["requireEmbeddingsDataset"], lab["isValidated"]) == (True, False, False)
    assert lab["matchingIdFormat"] == "EMAIL" and lab["statistics"] is None
    assert mine.id not in [lab["id"] for lab in client.list_data_labs(DataLabListFilter.VALIDATED)]
    assert mine.id in [lab["id"] for lab in client.list_data_labs(filter=DataLabListFilter.UNVALIDATED)]
    own = [lab["id"] for lab in client.list_data_labs_v2()]
    assert mine.id in own and theirs.id not in own
    with pytest.raises(NotFoundError, match=r"^Data lab with id nowhere not found"):
        client.get_data_lab("nowhere")


def test_a_client_closes_what_it_opened(environment: dict[str, str]) -> None:
    from datalab_dagster.service.open import open_service

    service = open_service(ME, environment)
    closed: list[bool] = []
    real = service.close
    service.close = lambda: closed.append(True) or real()  # type: ignore[method-assign, func-returns-value]
    with Client(service) as client:
        assert client.user_email == ME
        assert client.get_dataset(UNKNOWN) is None
    assert closed == [True]
