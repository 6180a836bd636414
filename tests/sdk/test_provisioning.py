"""Datasets are provisioned all or none; every refusal is in the vendor's words and leaves the lab as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datalab.errors import DatalabError
from datalab_dagster.archv2.errors import DatasetUnknown, IdentifiersMissing, SecretMissing, SlotNotConfigured
from datalab_dagster.archv2.secret import SecretStoreOptions
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLab
from datalab_dagster.storage import Key
from tests.sdk.labs import (
    DEMOGRAPHIC,
    EMBEDDING,
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


def datasets(client: Client) -> set[str]:
    return {dataset.manifest_hash for dataset in client.service.datasets()}


# --------------------------------------------------------------------------------------------------------- files


def test_files_are_uploaded_in_order_and_provisioned_at_once(client: Client, tmp_path: Path) -> None:
    lab = two_ids(client).with_segments().with_demographics().with_embeddings(2).build()
    files = write_files(tmp_path)
    key = Key()
    before = datasets(client)
    lab.provision_local_datasets(
        key, files["identifiers"], files["segments"], files["demographics"], files["embeddings"]
    )
    uploaded = [dataset for dataset in client.service.datasets() if dataset.manifest_hash not in before]
    assert [dataset.name for dataset in uploaded] == ["identifiers", "segments", "embeddings", "demographics"]
    assert list(held(lab)) == ["identifiers", "segments", "demographics", "embeddings"]
    assert client.get_dataset_key(held(lab)["segments"]) == key
    with client.download_dataset(held(lab)["segments"], key) as content:
        assert content.read() == SEGMENTS.encode()


@pytest.mark.parametrize("path", ["", "   ", "\t\n"])
def test_the_matching_path_is_required(lab: DataLab, path: str) -> None:
    with pytest.raises(Exception, match=r"^Matching data path is required and cannot be empty or whitespace$"):
        lab.provision_local_datasets(Key(), path)


def test_a_missing_file_is_found_before_anything_is_uploaded(client: Client, lab: DataLab, tmp_path: Path) -> None:
    files, before = write_files(tmp_path), datasets(client)
    with pytest.raises(FileNotFoundError) as error:
        lab.provision_local_datasets(Key(), files["identifiers"], str(tmp_path / "nowhere.csv"))
    assert error.value.filename == str(tmp_path / "nowhere.csv")
    with pytest.raises(OSError, match="directory"):
        lab.provision_local_datasets(Key(), str(tmp_path))
    assert datasets(client) == before and held(lab) == {}


@pytest.mark.parametrize(
    ("arguments", "dataset_type", "word"),
    [
        ({"demographics_data_path": "demographics"}, "DEMOGRAPHICS", "demographics"),
        ({"embeddings_data_path": "embeddings"}, "EMBEDDINGS", "embeddings"),
    ],
)
def test_a_file_for_a_slot_that_the_lab_has_not(
    client: Client, lab: DataLab, tmp_path: Path, arguments: dict[str, str], dataset_type: str, word: str
) -> None:
    files, before = write_files(tmp_path), datasets(client)
    paths = {name: files[kind] for name, kind in arguments.items()}
    with pytest.raises(ValueError) as error:
        lab.provision_local_datasets(Key(), files["identifiers"], **paths)
    assert str(error.value) == (
        f"Cannot provision {dataset_type} dataset: DataLab was not configured with {word} support. "
        f"Use DataLabBuilder.with_{word}() when creating the DataLab."
    )
    assert datasets(client) == before and held(lab) == {}


def test_without_a_stored_key_nothing_is_uploaded(client: Client, lab: DataLab, tmp_path: Path) -> None:
    files, before = write_files(tmp_path), datasets(client)
    options = SecretStoreOptions(store_encryption_key=False)
    with pytest.raises(ValueError, match="Nothing was uploaded"):
        lab.provision_local_datasets(Key(), files["identifiers"], secret_store_options=options)
    assert datasets(client) == before


def test_a_wrong_access_list_is_found_before_anything_is_uploaded(client: Client, lab: DataLab, tmp_path: Path) -> None:
    files, before = write_files(tmp_path), datasets(client)
    options = SecretStoreOptions(encryption_key_acl={"type": "UsersList", "users": []})
    with pytest.raises(ValueError, match=r"^Encryption key ACL must contain at least one owner$"):
        lab.provision_local_datasets(Key(), files["identifiers"], secret_store_options=options)
    assert datasets(client) == before


def test_when_an_upload_breaks_the_lab_stays_and_nothing_is_left(
    client: Client, lab: DataLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_files(tmp_path)
    lab.provision_local_datasets(Key(), files["identifiers"], files["segments"])
    before, provisioned = datasets(client), held(lab)
    real = client.service.upload_dataset

    def breaks(source: Any, name: str, **options: Any) -> Any:
        if name == "segments":
            raise DatalabError("the wire broke")
        return real(source, name, **options)

    monkeypatch.setattr(client.service, "upload_dataset", breaks)
    with pytest.raises(DatalabError, match="the wire broke"):
        lab.provision_local_datasets(Key(), files["identifiers"], files["segments"])
    assert datasets(client) == before
    assert held(lab) == provisioned


def test_an_answer_that_gets_lost_deletes_nothing_that_is_provisioned(
    client: Client, lab: DataLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_files(tmp_path)
    real = client.service.change

    def loses_the_answer(*arguments: Any, **options: Any) -> Any:
        real(*arguments, **options)
        raise DatalabError("the wire broke")

    monkeypatch.setattr(client.service, "change", loses_the_answer)
    with pytest.raises(DatalabError, match="the wire broke"):
        lab.provision_local_datasets(Key(), files["identifiers"], files["segments"])
    assert set(held(lab).values()) <= datasets(client)
    assert list(held(lab)) == ["identifiers", "segments"]


# ------------------------------------------------------------------------------------------------------- datasets


def test_a_dataset_is_replaced_and_its_history_kept(client: Client, lab: DataLab) -> None:
    first, second = upload(client), upload(client)
    lab.provision_dataset(first, Key(), MATCH)
    lab.provision_dataset(second, Key(), MATCH)
    assert held(lab) == {"identifiers": second}
    assert [event.action.value for event in client.service.events(lab.id)] == ["PROVISIONED", "REPROVISIONED"]


def test_segments_wait_for_identifiers(client: Client, lab: DataLab, monkeypatch: pytest.MonkeyPatch) -> None:
    segments, identifiers = upload(client, SEGMENTS), upload(client)
    with pytest.raises(IdentifiersMissing) as error:
        lab.provision_dataset(segments, Key(), SEGMENT)
    assert str(error.value) == "Identifiers data is required for provisioning"
    assert "is remembered" in error.value.__notes__[0]
    assert held(lab) == {} and list(lab.policy_ids) == [SEGMENT]
    calls: list[Any] = []
    real = client.service.change

    def change(*given: Any, **options: Any) -> Any:
        calls.append(given)
        return real(*given, **options)

    monkeypatch.setattr(client.service, "change", change)
    lab.provision_dataset(identifiers, Key(), MATCH)
    assert len(calls) == 1, "both in one transaction"
    assert held(lab) == {"identifiers": identifiers, "segments": segments}


def test_what_waits_can_be_given_up(client: Client, lab: DataLab) -> None:
    with pytest.raises(IdentifiersMissing):
        lab.provision_dataset(upload(client, SEGMENTS), Key(), SEGMENT)
    lab.deprovision_dataset(SEGMENT)
    lab.provision_dataset(upload(client), Key(), MATCH)
    assert list(held(lab)) == ["identifiers"]


def test_what_was_deleted_while_it_waited_is_reported_once(client: Client, lab: DataLab) -> None:
    gone, identifiers = upload(client, SEGMENTS), upload(client)
    with pytest.raises(IdentifiersMissing):
        lab.provision_dataset(gone, Key(), SEGMENT)
    client.delete_dataset(gone)
    with pytest.raises(DatasetUnknown, match=gone):
        lab.provision_dataset(identifiers, Key(), MATCH)
    assert held(lab) == {}
    lab.provision_dataset(identifiers, Key(), MATCH)
    assert held(lab) == {"identifiers": identifiers}


@pytest.mark.parametrize("manifest_hash", [UNKNOWN, "nonsense", ""])
def test_a_wrong_manifest_hash(lab: DataLab, manifest_hash: str) -> None:
    with pytest.raises(DatasetUnknown) as error:
        lab.provision_dataset(manifest_hash, Key(), MATCH)
    assert str(error.value) == f"Dataset with manifest hash {manifest_hash} not found"
    with pytest.raises(DatasetUnknown):
        lab.provision_dataset(manifest_hash, Key(), SEGMENT)
    assert held(lab) == {} and lab.policy_ids == {}


def test_a_dataset_without_a_stored_key(client: Client, lab: DataLab) -> None:
    manifest_hash = upload(client, secret_store_options=SecretStoreOptions(store_encryption_key=False))
    with pytest.raises(SecretMissing) as error:
        lab.provision_dataset(manifest_hash, Key(), MATCH)
    assert str(error.value) == f"Dataset with manifest hash {manifest_hash} has no associated secret"
    assert held(lab) == {}


@pytest.mark.parametrize(
    ("dataset_type", "word"), [(EMBEDDING, "embeddings"), (DEMOGRAPHIC, "demographics"), (SEGMENT, "segments")]
)
def test_slots_that_the_lab_has_not(client: Client, dataset_type: Any, word: str) -> None:
    lab = two_ids(client).build()
    text = (
        f"Cannot provision {dataset_type.name} dataset: DataLab was not configured with {word} support. "
        f"Use DataLabBuilder.with_{word}() when creating the DataLab."
    )
    for attempt in (
        lambda: lab.provision_dataset(UNKNOWN, Key(), dataset_type),
        lambda: lab.deprovision_dataset(dataset_type),
    ):
        with pytest.raises(SlotNotConfigured) as error:
            attempt()
        assert isinstance(error.value, ValueError) and str(error.value) == text


@pytest.mark.parametrize("nonsense", ["MATCH", 3, None, []])
def test_an_unknown_dataset_type(lab: DataLab, nonsense: Any) -> None:
    with pytest.raises(Exception) as error:
        lab.provision_dataset(UNKNOWN, Key(), nonsense)
    assert str(error.value) == f"Unknown dataset type {nonsense}"


def test_deprovisioning(client: Client, lab: DataLab) -> None:
    with pytest.raises(Exception, match=r"^Cannot deprovision MATCH: dataset is not provisioned$"):
        lab.deprovision_dataset(MATCH)
    lab.provision_dataset(upload(client), Key(), MATCH)
    lab.provision_dataset(upload(client, SEGMENTS), Key(), SEGMENT)
    lab.deprovision_dataset(SEGMENT)
    assert list(lab.policy_ids) == [MATCH]
    with pytest.raises(Exception, match=r"^Cannot deprovision SEGMENTS: dataset is not provisioned$"):
        lab.deprovision_dataset(SEGMENT)
