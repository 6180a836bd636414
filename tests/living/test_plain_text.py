"""Nothing row-level in plain text: planted identifiers are searched in every byte that a running lab leaves."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from datalab.kinds import DatasetKind
from datalab.registry import EmbeddedPostgres, LabState
from datalab.registry.accounts import Role
from datalab.results.files import AGGREGATES
from datalab_dagster.portal.pages.routes import PAGES
from datalab_dagster.service import LabInfo, RowsQuery
from datalab_dagster.service.repairs_protocol import RepairQuery
from tests.changing_files import every_content
from tests.commands import COMMAND
from tests.living.world import ME, World, eventually, gone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
PATIENT = 400.0
PLANTED = [f"Plant{number:02d}ed-7f3a91c6" for number in range(40)]
"""User ids and ids that occur in valid rows, in invalid ones of every kind, and in duplicates."""
IDENTIFIERS = "".join(
    [
        *(f"{plant},hashed_email,{number:064x}\n" for number, plant in enumerate(PLANTED[:10])),
        *(f"{plant},hashed_email,{plant}@x.example\n" for plant in PLANTED[10:20]),
        f"{PLANTED[20]},hashed_email\n",
        f"{PLANTED[21]},hashed_email,,{PLANTED[22]}\n",
        f"{PLANTED[0]},hashed_email,{0:064x}\n",
        f'"{PLANTED[23]}\n',
    ]
)


SPOILED = "".join(f"{plant} ; seg {number % 7}\n" for number, plant in enumerate(PLANTED * 3))
"""Segments that a repair corrects."""
PRIVATE = ("/rows/", "/reports")
"""Pages that show values to those who may read them."""


@pytest.fixture
def world() -> Iterator[World]:
    world = World(users=500)
    yield world
    world.end()


def database_text(home: Path) -> Iterator[str]:
    """Every row of every table, as text."""
    engine = create_engine(EmbeddedPostgres(home).url)
    with engine.connect() as connection:
        tables = connection.execute(
            text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog')")
        ).all()
        for schema, table in tables:
            for row in connection.execute(text(f'SELECT t::text FROM "{schema}"."{table}" t')):
                yield str(row[0])
    engine.dispose()


def holds_planted(content: bytes) -> bool:
    return any(plant.encode() in content for plant in PLANTED)


def repaired(world: World) -> tuple[str, bytes]:
    """Store the spoiled segments twice, repair one and a file; return the repaired one, and what commands printed."""
    (world.files / "spoiled.csv").write_text(SPOILED)
    uploads = [
        world.service.upload_dataset(io.BytesIO(content.encode()), name)
        for content, name in ((SPOILED, "one.csv"), (SPOILED, "two.csv"))
    ]
    assert uploads[1].same_content == [uploads[0].manifest_hash]
    made = world.service.repairs.store(RepairQuery(uploads[0].manifest_hash, kind=DatasetKind.SEGMENTS)).dataset
    assert {step.rows for step in made.steps} == {len(PLANTED) * 3}
    printed = b""
    file, options = str(world.files / "spoiled.csv"), ["--kind", "segments", "--yes"]
    for words in (
        ["repair", file, *options, "--store"],
        ["repair", file, *options, "--store", "--json"],
        ["dataset", "upload", file],
        ["dataset", "upload", file, "--json"],
        ["dataset", "inspect", made.manifest_hash, "--user", ME],
    ):
        ended = subprocess.run([COMMAND, *words], env=world.environment, capture_output=True, check=True)
        printed += ended.stdout + ended.stderr
    assert b"The same content is stored already" in printed
    return made.manifest_hash, printed


def shown(world: World, url: str, lab: LabInfo, dataset: str) -> Iterator[tuple[str, bytes]]:
    """What the portal answers with: every page that is not private, its twin, the CSV of the trends."""
    world.service.accounts.add(ME, Role.PUBLISHER)  # the owner of a home without users is on no access list
    _, secret = world.service.accounts.create_token(ME, "test", lifetime=timedelta(hours=1))
    values = {"lab": lab.id, "kind": "segments", "run": world.service.runs(lab.id)[0].run_id, "dataset": dataset}
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {secret}"}, timeout=60) as client:
        findings = next(
            number
            for number in range(100)
            if client.get(f"/datalabs/{lab.id}/findings/{number + 1}").status_code == 404
        )
        assert findings
        for page in PAGES:
            if page.path in ("/", "/login", "/logout") or any(part in page.path for part in PRIVATE):
                continue
            choices = {"{finding}": map(str, range(1, findings + 1)), "{name}": AGGREGATES}
            [(field, chosen)] = [one for one in choices.items() if one[0] in page.path] or [("{}", [""])]
            for choice in chosen:
                path = page.path.replace(field, choice).format(**values)
                for address in (path, f"{path}.json") if page.twin else (path,):
                    answer = client.get(address)
                    assert answer.status_code == 200, (address, answer.text)
                    yield address, answer.content
        # What people search for is in the address, and in no log.
        for address in ("/datasets", "/datalabs", f"/datalabs/{lab.id}/history", "/datasets.json"):
            assert client.get(address, params={"q": PLANTED[38]}).status_code == 200
        for address in ("/api/lists/datasets", "/api/lists/labs", f"/api/labs/{lab.id}/lists/history"):
            assert client.get(address, params={"text": PLANTED[39]}).status_code == 200
            refused = client.get(address, params={"text": PLANTED[39] * 20, "sort": PLANTED[39]})
            assert refused.status_code == 422, refused.text
        yield "the audit log", client.get("/api/audit").content


def test_planted_identifiers_are_found_nowhere(world: World) -> None:
    url = world.start(portal=True).portal_url
    assert url is not None
    sample = {kind: (world.files / f"{kind.value}.csv").read_text() for kind in DatasetKind}
    rows = {
        DatasetKind.IDENTIFIERS: IDENTIFIERS,
        DatasetKind.SEGMENTS: "".join(f"{plant},\n,{plant}\n{plant}\n" for plant in PLANTED),
        DatasetKind.DEMOGRAPHICS: "".join(f"{plant}\n" for plant in PLANTED),
        DatasetKind.EMBEDDINGS: "".join(f"{plant},{plant},x\n" for plant in PLANTED),
    }
    planted = {kind: sample[kind] + rows[kind] for kind in DatasetKind}
    lab = world.service.create_lab(world.definition)
    hashes = {
        kind: world.service.upload_dataset(io.BytesIO(content.encode()), f"{kind.value}.csv").manifest_hash
        for kind, content in planted.items()
    }
    world.service.change(lab.id, hashes)
    assert world.becomes(lab, LabState.READY, PATIENT), world.told(lab)
    # The reports do hold them, which shows that the search below would find them if they were not encrypted.
    reports = b"".join(world.service.validation_report(lab.id, kind) for kind in hashes)
    assert sum(plant.encode() in reports for plant in PLANTED) >= 10
    for kind in hashes:
        with world.service.invalid_rows.csv(RowsQuery(lab.id, kind)) as content:
            rows_kept = content.read()
        assert sum(plant.encode() in rows_kept for plant in PLANTED) >= 10, kind

    dataset, printed = repaired(world)

    # A run that is killed while the plain rows are in scratch, and one that fails.
    segments = io.BytesIO(planted[DatasetKind.SEGMENTS].encode() + b"u,s\n")
    world.service.change(
        lab.id, {DatasetKind.SEGMENTS: world.service.upload_dataset(segments, "segments.csv").manifest_hash}
    )
    process = world.process_of(world.running_run(lab, "validate_segments"))
    os.kill(process.pid, signal.SIGKILL)
    assert gone(process) and world.becomes(lab, LabState.READY, PATIENT), world.told(lab)
    broken = io.BytesIO(b"PK\x03\x04" + PLANTED[0].encode())
    world.service.change(
        lab.id, {DatasetKind.SEGMENTS: world.service.upload_dataset(broken, "segments.zip").manifest_hash}
    )
    assert world.becomes(lab, LabState.FAILED, PATIENT), world.told(lab)
    assert eventually(lambda: world.scratch() == [], 30)
    asked = subprocess.run([COMMAND, "status", lab.id], env=world.environment, capture_output=True, check=False)
    answers = dict(shown(world, url, lab, dataset))
    assert [address for address, content in answers.items() if holds_planted(content)] == []
    assert len(answers) > 30 and answers[f"/datalabs/{lab.id}/history/trends.csv"].count(b"\n") > 3
    needles = [plant.encode() for plant in PLANTED]
    plain = hashlib.sha256(SPOILED.encode())
    digests = (plain.hexdigest(), hashlib.sha256(plain.digest()).hexdigest())
    rows_read = copied_reports = 0
    in_bytes = [needle.hex() for needle in needles]
    for row in database_text(world.data_home):
        rows_read += 1
        copied_reports += "/report.bin," in row
        assert not any(plant in row for plant in (*PLANTED, *in_bytes)), "in the database"
        assert not any(digest in row for digest in digests), "a hash of a content without the key"
    assert rows_read > 1_000
    assert (copied_reports > 0) is ("DATALAB_STORAGE_URL" in os.environ), "copies are searched, and there are some"
    world.stop()
    world.service.close()
    EmbeddedPostgres(world.data_home).stop()
    searched = 0
    for path, content in every_content(world.data_home):
        searched += len(content)
        assert not any(needle in content for needle in needles), path
    assert searched > 10_000_000  # the database's files, its write-ahead log, all logs
    assert asked.stdout and not holds_planted(asked.stdout + asked.stderr + printed)
