"""Nothing row-level in plain text: planted identifiers are searched in every byte that a running lab leaves."""

from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from datalab.kinds import DatasetKind
from datalab.registry import EmbeddedPostgres, LabState
from datalab_dagster.service import RowsQuery
from tests.changing_files import every_content
from tests.commands import COMMAND
from tests.living.world import World, eventually, gone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
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


def test_planted_identifiers_are_found_nowhere(world: World) -> None:
    world.start()
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
    assert world.becomes(lab, LabState.READY), world.told(lab)
    # The reports do hold them, which shows that the search below would find them if they were not encrypted.
    reports = b"".join(world.service.validation_report(lab.id, kind) for kind in hashes)
    assert sum(plant.encode() in reports for plant in PLANTED) >= 10
    for kind in hashes:
        with world.service.invalid_rows.csv(RowsQuery(lab.id, kind)) as content:
            rows_kept = content.read()
        assert sum(plant.encode() in rows_kept for plant in PLANTED) >= 10, kind

    # A run that is killed while the plain rows are in scratch, and one that fails.
    segments = io.BytesIO(planted[DatasetKind.SEGMENTS].encode() + b"u,s\n")
    world.service.change(
        lab.id, {DatasetKind.SEGMENTS: world.service.upload_dataset(segments, "segments.csv").manifest_hash}
    )
    process = world.process_of(world.running_run(lab, "validate_segments"))
    os.kill(process.pid, signal.SIGKILL)
    assert gone(process) and world.becomes(lab, LabState.READY), world.told(lab)
    broken = io.BytesIO(b"PK\x03\x04" + PLANTED[0].encode())
    world.service.change(
        lab.id, {DatasetKind.SEGMENTS: world.service.upload_dataset(broken, "segments.zip").manifest_hash}
    )
    assert world.becomes(lab, LabState.FAILED), world.told(lab)
    assert eventually(lambda: world.scratch() == [], 30)
    asked = subprocess.run([COMMAND, "status", lab.id], env=world.environment, capture_output=True, check=False)
    needles = [plant.encode() for plant in PLANTED]
    for row in database_text(world.data_home):
        assert not any(plant in row for plant in PLANTED), "in the database"
    world.stop()
    world.service.close()
    EmbeddedPostgres(world.data_home).stop()
    searched = 0
    for path, content in every_content(world.data_home):
        searched += len(content)
        assert not any(needle in content for needle in needles), path
    assert searched > 10_000_000  # the database's files, its write-ahead log, all logs
    assert asked.stdout and not any(needle in asked.stdout + asked.stderr for needle in needles)
