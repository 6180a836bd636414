"""Before a validation: how many userIds of a chosen dataset the Identifiers of a lab know."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalab.deployment import known_users
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry.errors import DatasetNotFound
from datalab_dagster.service import LabService
from tests.portal.deployments import definition

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, *_ = DatasetKind


def stored(service: LabService, content: bytes, name: str = "a.csv") -> str:
    return service.upload_dataset(io.BytesIO(content), name).manifest_hash


def rows(users: range, line: str) -> bytes:
    return "".join(line.format(user) for user in users).encode()


def parquet(users: range) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"user": [f"u{user}" for user in users], "id": [f"{user:064x}" for user in users]}), file)
    return file.getvalue()


def with_segments() -> LabDefinition:
    return definition().model_copy(update={"require_segments": True})


IDS = rows(range(300), "u{0},{0:064x}\n")


@pytest.mark.parametrize(
    "identifiers",
    [IDS, gzip.compress(IDS), parquet(range(300)), IDS.replace(b",", b";"), b"\xef\xbb\xbf" + IDS],
    ids=["csv", "gzip", "parquet", "semicolons", "byte order mark"],
)
def test_the_share_of_userids_that_identifiers_know(lab_service: LabService, identifiers: bytes) -> None:
    lab = lab_service.create_lab(definition())
    lab_service.change(lab.id, {IDENTIFIERS: stored(lab_service, identifiers)})
    half = stored(lab_service, rows(range(150, 450), "u{0},segment 1\nu{0},segment 2\n"), "half.csv")
    found = lab_service.known_users(lab.id, {SEGMENTS: half})[SEGMENTS]
    assert (found.sampled, found.known) == (300, 150)
    none = stored(lab_service, rows(range(300), "v{0},segment 1\n"), "none.csv")
    assert lab_service.known_users(lab.id, {SEGMENTS: none})[SEGMENTS].known == 0
    assert lab_service.lab(lab.id).slots[0].kind is IDENTIFIERS and len(lab_service.lab(lab.id).slots) == 1


def test_chosen_identifiers_are_compared_with_what_is_provisioned(lab_service: LabService) -> None:
    lab = lab_service.create_lab(with_segments())
    segments = stored(lab_service, rows(range(300), "u{0},segment 1\n"))
    lab_service.change(lab.id, {IDENTIFIERS: stored(lab_service, IDS), SEGMENTS: segments})
    other = stored(lab_service, rows(range(299, 500), "u{0},{0:064x}\n"), "other.csv")
    found = lab_service.known_users(lab.id, {IDENTIFIERS: other})
    assert {kind: (one.sampled, one.known) for kind, one in found.items()} == {SEGMENTS: (300, 1)}


def test_without_identifiers_and_without_time_nothing_is_known(
    lab_service: LabService, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_service.create_lab(definition())
    segments = stored(lab_service, rows(range(300), "u{0},segment 1\n"))
    assert lab_service.known_users(lab.id, {SEGMENTS: segments}) == {}
    with pytest.raises(DatasetNotFound):
        lab_service.known_users(lab.id, {SEGMENTS: "0" * 64})
    lab_service.change(lab.id, {IDENTIFIERS: stored(lab_service, IDS)})
    monkeypatch.setattr(known_users, "MOST_SECONDS", -1.0)
    assert lab_service.known_users(lab.id, {SEGMENTS: segments}) == {}
