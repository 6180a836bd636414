"""All invalid rows of a dataset: pages, filter and download, on this machine and over HTTP; on a page and as a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from datalab.deployment import Deployment, layout
from datalab.deployment.addresses import INVALID_ROWS, Address, validated
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.errors import UsageError
from datalab.formats import harmless
from datalab.kinds import DatasetKind
from datalab.registry import Registry
from datalab.storage.errors import EncryptedFileDamaged
from datalab_dagster.service import LabInfo, LabService, ResultNotFound, RowsQuery
from tests.commands import datalab_here
from tests.portal.conftest import Client, client
from tests.portal.deployments import PUBLISHER, QuietService, ready_lab
from tests.portal.pages.conftest import keep_report

__all__ = ["client"]
IDENTIFIERS, SEGMENTS, *_ = DatasetKind
SECRET = "secret@sample.example"


@pytest.fixture
def lab(service: QuietService, deployment: Deployment) -> LabInfo:
    """A lab whose identifiers have five invalid rows."""
    found = ready_lab(service)
    keep_report(deployment, found, IDENTIFIERS, found.slots[0].manifest_hash)
    return found


def stored_file(place: EncryptedPlace, address: Address) -> Path:
    [found] = Path(place.location(address)).rglob(f"{layout.in_set(address)}")
    return found


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


def test_rows_come_in_pages_and_by_reason(lab_service: LabService, lab: LabInfo) -> None:
    rows = lab_service.invalid_rows
    page = rows.page(RowsQuery(lab.id, IDENTIFIERS), first=1, count=2)
    assert (page.total, page.kept, page.matching, page.reasons) == (5, 5, 5, {"EMPTY_CELL": 3, "DUPLICATE_VALUES": 2})
    assert [(row.row, row.reasons) for row in page.rows] == [(9, ["EMPTY_CELL"]), (10, ["EMPTY_CELL"])]
    assert page.columns == ["user_id", "id_name", "id"] and page.rows[0].values[0] == "user-1"
    repeated = rows.page(RowsQuery(lab.id, IDENTIFIERS, reason="DUPLICATE_VALUES"), first=1)
    assert repeated.matching == 2 and [row.row for row in repeated.rows] == [12]
    assert rows.page(RowsQuery(lab.id, IDENTIFIERS), first=99).rows == []


def test_a_download_has_every_row_and_no_formula(lab_service: LabService, lab: LabInfo) -> None:
    with lab_service.invalid_rows.csv(RowsQuery(lab.id, IDENTIFIERS)) as content:
        table = rows_of(content.read())
    assert table[0] == ["row", "reasons", "user_id", "id_name", "id", "further"]
    assert table[1] == ["8", "EMPTY_CELL", "user-0", "'=1+1", f"<b>{SECRET}</b>", ""]
    assert len(table) == 6
    with lab_service.invalid_rows.csv(RowsQuery(lab.id, IDENTIFIERS, reason="DUPLICATE_VALUES")) as content:
        assert [line[0] for line in rows_of(content.read())] == ["row", "11", "12"]


def test_an_unknown_reason_is_named_and_a_dataset_without_rows_is_not_found(
    lab_service: LabService, lab: LabInfo
) -> None:
    with pytest.raises(UsageError, match="did you mean 'EMPTY_CELL'"):
        lab_service.invalid_rows.page(RowsQuery(lab.id, IDENTIFIERS, reason="EMPTY_CELLS"))
    with pytest.raises(ResultNotFound):
        lab_service.invalid_rows.page(RowsQuery(lab.id, SEGMENTS))


def test_rows_are_encrypted_and_gone_with_their_dataset(
    lab_service: LabService, deployment: Deployment, lab: LabInfo
) -> None:
    manifest_hash = lab.slots[0].manifest_hash
    place = deployment.folders.place(lab.id)
    stored = stored_file(place, validated(IDENTIFIERS, manifest_hash, INVALID_ROWS))
    assert SECRET.encode() not in stored.read_bytes() and stored.stat().st_mode & 0o777 == 0o600
    run = lab_service.results(lab.id)[0].run_id
    lab_service.delete_dataset(manifest_hash, force=True)
    with pytest.raises(ResultNotFound):
        lab_service.invalid_rows.page(RowsQuery(lab.id, IDENTIFIERS, run_id=run))


def test_a_damaged_file_ends_a_download_without_a_value(
    service: QuietService, deployment: Deployment, lab: LabInfo
) -> None:
    address = validated(IDENTIFIERS, lab.slots[0].manifest_hash, INVALID_ROWS)
    stored = stored_file(deployment.folders.place(lab.id), address)
    damaged = bytearray(stored.read_bytes())
    damaged[40:60] = bytes(20)
    stored.write_bytes(damaged)
    with (
        pytest.raises(EncryptedFileDamaged) as failed,
        service.invalid_rows.csv(RowsQuery(lab.id, IDENTIFIERS)) as content,
    ):
        content.read()
    assert SECRET not in str(failed.value)


def test_the_page_shows_and_the_audit_log_names_what_was_read_without_a_value(
    client: Client, registry: Registry, lab: LabInfo
) -> None:
    me = client()
    page = me.get(f"/datalabs/{lab.id}/rows/identifiers?size=2&page=2")
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    assert "Rows 3–4 of 5" in page.text and "&lt;b&gt;secret@sample" in page.text and "<b>secret" not in page.text
    here = f"/datalabs/{lab.id}/rows/identifiers?size=2"
    assert f'href="{here}&amp;page=3" rel="next"' in page.text and f'href="{here}" rel="prev"' in page.text
    filtered = me.get(f"/datalabs/{lab.id}/rows/identifiers.json?reason=DUPLICATE_VALUES").json()
    assert [row["row"] for row in filtered["found"]["rows"]] == [11, 12]
    assert [reason["rows"] for reason in filtered["reasons"]] == [3, 2]
    answer = me.get(f"/datalabs/{lab.id}/rows/identifiers/download?reason=EMPTY_CELL")
    assert answer.headers["cache-control"] == "no-store" and answer.headers["content-type"].startswith("text/csv")
    assert f"{lab.id}-identifiers-invalid-rows.csv" in answer.headers["content-disposition"]
    assert len(rows_of(answer.content)) == 4
    entries = registry.accounts.audit.entries(limit=3)
    assert [entry.action for entry in entries] == ["rows.download", "rows.read", "rows.read"]
    assert SECRET not in repr(entries) and "user-1" not in repr(entries)


def test_the_command_writes_a_private_file_once(
    service: QuietService, lab: LabInfo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("datalab_dagster.cli.deployment.open_service", service.for_user)
    words = ["rows", lab.id, "identifiers", "--reason", "EMPTY_CELL", "--out", "bad.csv", "--user", PUBLISHER]
    ended = datalab_here(*words, cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "bad.csv: 3 rows.\n")
    written = tmp_path / "bad.csv"
    assert len(rows_of(written.read_bytes())) == 4 and written.stat().st_mode & 0o777 == 0o600
    assert datalab_here(*words, cwd=tmp_path).code == 2


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+49 170", "'+49 170"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "\t'=1+1"),
        ("\r=1+1", "\r'=1+1"),
        ("a;=1+1", "a;'=1+1"),
        ('a;"=1+1', "a;'\"=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-0.25", "-0.25"),
        ("-1e-3;-2", "-1e-3;-2"),
        ("a=b@c-d", "a=b@c-d"),
    ],
)
def test_cells_that_a_spreadsheet_would_run_are_made_harmless(cell: str, safe: str) -> None:
    assert harmless(cell) == safe
