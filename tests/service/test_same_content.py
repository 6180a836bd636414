"""The same content again: said to who uploads it and may use the stored dataset, in process and over HTTP."""

from __future__ import annotations

import io
import secrets

from datalab.kinds import DatasetKind
from datalab.registry import KeyRole
from datalab.storage.chunks import CHUNK_BYTES
from datalab_dagster.service import DatasetQuery, LabService
from datalab_dagster.service.http import HttpService
from datalab_dagster.service.models import DatasetInfo
from datalab_dagster.service.repairs_protocol import RepairQuery
from tests.portal.deployments import PUBLISHER, QuietService
from tests.recognised_files import text_of

ROW = b"u1,s1\n"
SPOILED = text_of([[f"usr{number}x", f"seg {number % 7}"] for number in range(60)], ";").encode()
OTHER = "otto@publisher.example"


def upload(service: LabService, content: bytes = ROW, **options: object) -> DatasetInfo:
    return service.upload_dataset(io.BytesIO(content), "export.csv", **options)  # type: ignore[arg-type]


def test_an_upload_names_the_stored_datasets_of_its_content(lab_service: LabService) -> None:
    one, other = upload(lab_service), upload(lab_service, b"u1,s2\n")
    assert one.same_content == other.same_content == []
    two = upload(lab_service)
    assert two.same_content == [one.manifest_hash]
    assert lab_service.dataset(one.manifest_hash).same_content == [two.manifest_hash]
    lab_service.delete_dataset(one.manifest_hash)
    assert lab_service.dataset(two.manifest_hash).same_content == []
    assert upload(lab_service).same_content == [two.manifest_hash]


def test_lists_compare_nothing(lab_service: LabService) -> None:
    upload(lab_service), upload(lab_service)
    assert [one.same_content for one in lab_service.datasets()] == [[], []]
    assert [one.same_content for one in lab_service.lists.datasets(DatasetQuery()).datasets] == [[], []]


def test_a_large_file_is_compared_however_it_was_sent(service: QuietService, remote: HttpService) -> None:
    content = secrets.token_bytes(CHUNK_BYTES + 1000)
    here, there = upload(service, content), upload(remote, content)
    assert there.same_content == [here.manifest_hash]
    assert upload(service, content[:-1]).same_content == []


def test_a_repair_that_was_done_before_is_noticed(lab_service: LabService) -> None:
    original = upload(lab_service, SPOILED).manifest_hash
    wanted = RepairQuery(original, kind=DatasetKind.SEGMENTS)
    first = lab_service.repairs.store(wanted).dataset
    second = lab_service.repairs.store(wanted).dataset
    assert (first.same_content, second.same_content) == ([], [first.manifest_hash])


def test_who_gives_an_upload_away_is_told_and_asks_no_more(service: QuietService, remote: HttpService) -> None:
    """The uploader knows the content that they have sent; later it is a dataset that they may not use."""
    mine = upload(remote)
    given = upload(remote, access={OTHER: KeyRole.OWNER})
    assert given.same_content == [mine.manifest_hash]
    assert remote.dataset(given.manifest_hash).same_content == []
    assert remote.dataset(mine.manifest_hash).same_content == []
    listed = upload(service, access={OTHER: KeyRole.OWNER, PUBLISHER: KeyRole.USER})
    assert listed.same_content == [mine.manifest_hash]
