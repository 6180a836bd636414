"""Uploads in parts: resumed, repeated, replaced, completed twice, and what is refused; the stored format is the
usual one."""

from __future__ import annotations

import hashlib
import io
import secrets
from datetime import timedelta

import pytest

from datalab.deployment import Deployment
from datalab.storage import Key
from datalab.storage import parts as storage_parts
from datalab.storage.chunks import CHUNK_BYTES
from datalab.storage.errors import PartsDiffer
from tests.portal.conftest import Client
from tests.portal.deployments import PUBLISHER, QuietService

FILE = secrets.token_bytes(2 * CHUNK_BYTES + 1000)
PARTS = [FILE[:CHUNK_BYTES], FILE[CHUNK_BYTES : 2 * CHUNK_BYTES], FILE[2 * CHUNK_BYTES :]]


def begin(client: Client, **more: object) -> str:
    answer = client().post("/api/uploads", json={"name": "ids.csv", "size": len(FILE), **more})
    assert answer.status_code in (200, 201), answer.text
    return f"/api/uploads/{answer.json()['uploadId']}"


def test_parts_in_any_order_and_twice_make_the_file(client: Client, service: QuietService) -> None:
    me = client()
    path = begin(client)
    for number in (2, 0, 0, 1, 2):
        assert me.put(f"{path}/parts/{number}", content=PARTS[number]).status_code == 200
    assert me.get(path).json()["stored"] == [[0, 2]]
    dataset = me.post(f"{path}/complete").json()
    assert service.download_dataset(dataset["manifestHash"]).read() == FILE


def test_an_upload_is_found_again_and_tells_what_is_there(client: Client, service: QuietService) -> None:
    me = client()
    path = begin(client)
    me.put(f"{path}/parts/1", content=PARTS[1])
    again = me.post("/api/uploads", json={"name": "ids.csv", "size": len(FILE)})
    assert again.status_code == 200 and f"/api/uploads/{again.json()['uploadId']}" == path
    assert again.json()["stored"] == [[1, 1]]
    expected = hashlib.sha256(PARTS[1]).hexdigest()
    assert me.get(f"{path}/parts/1").json() == {"number": 1, "size": CHUNK_BYTES, "sha256": expected}
    missing = me.post(f"{path}/complete")
    assert missing.status_code == 409 and missing.json()["error"]["details"] == {"numbers": [0, 2]}
    assert me.get(path).json()["stored"] == [[1, 1]], "what is there is kept"
    other = me.post("/api/uploads", json={"name": "ids.csv", "size": len(FILE), "description": "another"})
    assert other.status_code == 201, "only the same upload is resumed"
    another_key = me.post("/api/uploads", json={"name": "ids.csv", "size": len(FILE), "key": Key().to_text()})
    assert another_key.status_code == 201
    assert len(me.get("/api/uploads").json()) == 3
    assert service.datasets() == []


def test_a_part_that_is_sent_anew_replaces_the_old_one(client: Client, service: QuietService) -> None:
    me = client()
    path = begin(client)
    for number, part in enumerate([bytes(CHUNK_BYTES), *PARTS[1:]]):
        me.put(f"{path}/parts/{number}", content=part)
    me.put(f"{path}/parts/0", content=PARTS[0])
    dataset = me.post(f"{path}/complete").json()
    assert service.download_dataset(dataset["manifestHash"]).read() == FILE


def test_a_part_that_two_senders_differ_about_counts_as_missing(client: Client, deployment: Deployment) -> None:
    me = client()
    path = begin(client)
    for number, part in enumerate(PARTS):
        me.put(f"{path}/parts/{number}", content=part)
    me.put(f"{path}/parts/1", content=bytes(CHUNK_BYTES))
    upload = deployment.registry.uploads.get(path.rpartition("/")[2])
    restarted = deployment.datasets.store.parts(upload.upload_id, deployment.datasets.upload_key(upload), len(FILE))
    assert restarted.stored() == [0, 2]
    restarted.put(1, PARTS[1])
    assert restarted.stored() == [0, 1, 2]
    manifest_hash = restarted.publish("ids.csv")
    assert deployment.datasets.store.open(manifest_hash, deployment.datasets.upload_key(upload)).read() == FILE


def test_the_sender_can_say_what_the_whole_must_be(
    client: Client, service: QuietService, deployment: Deployment
) -> None:
    me = client()
    path = begin(client)
    for number, part in enumerate(PARTS):
        me.put(f"{path}/parts/{number}", content=part)
    upload = deployment.registry.uploads.get(path.rpartition("/")[2])
    restarted = deployment.datasets.store.parts(upload.upload_id, deployment.datasets.upload_key(upload), len(FILE))
    digests = b"".join(hashlib.sha256(part).digest() for part in PARTS)
    right, wrong = hashlib.sha256(digests).hexdigest(), hashlib.sha256(digests[32:]).hexdigest()
    refused = me.post(f"{path}/complete", json={"sha256": wrong})
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "PartsDiffer"
    with pytest.raises(PartsDiffer):
        restarted.publish("ids.csv", "", wrong)
    assert service.datasets() == [] and me.get(path).json()["stored"] == [[0, 2]]
    dataset = me.post(f"{path}/complete", json={"sha256": right}).json()
    assert service.download_dataset(dataset["manifestHash"]).read() == FILE


def test_completing_twice_gives_the_same_dataset(client: Client, service: QuietService) -> None:
    me = client()
    path = begin(client)
    for number, part in enumerate(PARTS):
        me.put(f"{path}/parts/{number}", content=part)
    first, second = me.post(f"{path}/complete"), me.post(f"{path}/complete")
    assert first.json() == second.json() and len(service.datasets()) == 1
    assert me.put(f"{path}/parts/0", content=PARTS[0]).status_code == 404, "a dataset is not written to"


def test_the_parts_of_an_upload_are_its_owners(client: Client, service: QuietService, deployment: Deployment) -> None:
    path = begin(client)
    stranger = deployment.registry.accounts
    stranger.add("paul@publisher.example", "publisher", by="test")  # type: ignore[arg-type]
    _, token = stranger.tokens.create("paul@publisher.example", "t", lifetime=timedelta(hours=1), by="test")
    other = client()
    other.headers["Authorization"] = f"Bearer {token}"
    for answer in (
        other.get(path),
        other.put(f"{path}/parts/0", content=PARTS[0]),
        other.post(f"{path}/complete"),
        other.delete(path),
    ):
        assert answer.status_code == 404 and answer.json()["error"]["code"] == "UploadNotFound"
    assert other.get("/api/uploads").json() == []


def test_what_does_not_belong_there_is_refused_and_harms_nothing(client: Client) -> None:
    me = client()
    path = begin(client)
    me.put(f"{path}/parts/0", content=PARTS[0])
    refused = {
        "PartSizeWrong": me.put(f"{path}/parts/1", content=b"short"),
        "PartUnknown": me.put(f"{path}/parts/3", content=b"x"),
        "RequestTooLarge": me.put(f"{path}/parts/1", content=bytes(CHUNK_BYTES + 1)),
        "ContentTypeWrong": me.put(
            f"{path}/parts/1", content=PARTS[1], headers={"Content-Type": "multipart/form-data; boundary=x"}
        ),
        "RequestInvalid": me.put(f"{path}/parts/-1", content=b"x"),
        "PartMissing": me.get(f"{path}/parts/1"),
    }
    assert {name: answer.json()["error"]["code"] for name, answer in refused.items()} == {
        name: name for name in refused
    }
    assert me.get(path).json()["stored"] == [[0, 0]]
    ownerless = {"name": "x", "size": 1, "access": {PUBLISHER: "User"}}
    assert me.post("/api/uploads", json=ownerless).json()["error"]["code"] == "AccessListWrong"


PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(CHUNK_BYTES)


def test_an_empty_file_is_refused_before_anything_is_sent(client: Client, service: QuietService) -> None:
    me = client()
    answer = me.post("/api/uploads", json={"name": "empty.csv", "size": 0})
    assert answer.status_code == 422
    assert answer.json()["error"] == {
        "code": "NotADataset",
        "message": "empty.csv: not stored: the file is empty (0 bytes). Export it again.",
        "details": {"reason": "the file is empty (0 bytes). Export it again."},
    }
    assert me.get("/api/uploads").json() == []
    whole = me.put("/api/datasets?name=empty.csv", content=b"", headers={"Content-Type": "application/octet-stream"})
    assert whole.json()["error"]["code"] == "NotADataset" and service.datasets() == []


def test_a_picture_is_refused_with_its_first_part(client: Client, service: QuietService) -> None:
    me = client()
    begun = me.post("/api/uploads", json={"name": "holiday.png", "size": len(PICTURE)}).json()
    path = f"/api/uploads/{begun['uploadId']}"
    refused = me.put(f"{path}/parts/0", content=PICTURE[:CHUNK_BYTES])
    assert refused.status_code == 422
    assert "this is a picture, not a dataset" in refused.json()["error"]["message"]
    assert me.get(path).json()["stored"] == [] and service.datasets() == []


def test_facts_of_the_first_part_are_kept_with_the_dataset(client: Client, service: QuietService) -> None:
    content = b"".join(
        b"usr%dx;%s\n" % (number // 3, (b"sport", b"food", b"cars")[number % 3]) for number in range(900)
    )
    me = client()
    path = f"/api/uploads/{me.post('/api/uploads', json={'name': 's.csv', 'size': len(content)}).json()['uploadId']}"
    me.put(f"{path}/parts/0", content=content)
    facts = me.post(f"{path}/complete").json()["facts"]
    assert (facts["kind"], facts["separator"], facts["columns"], facts["isWhole"]) == ("segments", ";", 2, True)
    assert me.get("/api/datasets").json()[0]["facts"] == facts
    assert "usr" not in str(facts) and "sport" not in str(facts)


def test_parts_have_the_format_of_every_other_upload(deployment: Deployment) -> None:
    """The same file, key, upload id and chunks: an ordinary upload finds all chunks there and sends none again."""
    store, key, upload_id = deployment.datasets.store, Key(), "ab" * 16
    by_parts = store.parts(upload_id, key, len(FILE))
    for number, part in enumerate(PARTS):
        by_parts.put(number, part)
    manifest_hash = by_parts.publish("ids.csv", "words")
    again = store.upload(io.BytesIO(FILE), key, "ids.csv", description="words", upload_id=upload_id)
    assert again == manifest_hash and store.made_of(upload_id) == [manifest_hash]
    assert store.made_of("../datasets") == []


def test_one_listing_of_the_store_serves_many_parts(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    listings = []
    whole = storage_parts.PartUpload._list_chunks
    monkeypatch.setattr(storage_parts.PartUpload, "_list_chunks", lambda self: (listings.append(1), whole(self))[1])
    parts = deployment.datasets.store.parts("cd" * 16, Key(), 100, chunk_size=10)
    for number in range(10):
        parts.put(number, bytes([number]) * 10)
    assert len(listings) == 1 and parts.stored() == list(range(10))
