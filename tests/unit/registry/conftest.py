"""One real PostgreSQL for all tests of a session, and an empty database for each."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.registry import Database, EmbeddedPostgres, Lab, Registry, WrappedKey
from datalab.registry.models import SCHEMA, Base

ME = "me@publisher.example"
IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS, *_ = DatasetKind
SHARED = "shared"
DAGSTERS_OWN = {"alembic_version", "secondary_indexes", "instance_info"}
"""Tables that say which form the others have."""
_numbers = itertools.count()


@pytest.fixture
def home() -> Iterator[Path]:
    """A home directory; beside pytest's, which other sessions close to the server's user."""
    path = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    yield path
    EmbeddedPostgres(path).stop()
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    path = Path(tempfile.mkdtemp(prefix="datalab-test-"))
    server = EmbeddedPostgres(path)
    server.start()
    for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", f"CREATE DATABASE {SHARED}"):
        administrate(server, statement)
    with Database(url_of(server, SHARED)) as database:
        assert database.migrate()
    yield server
    server.stop()
    shutil.rmtree(path)


@pytest.fixture
def empty_url(server: EmbeddedPostgres) -> Iterator[str]:
    """A database of its own, without anything in it."""
    name = f"test_{next(_numbers)}"
    administrate(server, f"CREATE DATABASE {name}")
    yield url_of(server, name)
    administrate(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(server: EmbeddedPostgres) -> Iterator[str]:
    """A database with an empty registry and no runs; emptied afterwards, which is ten times as fast as a new one."""
    yield url_of(server, SHARED)
    engine = create_engine(url_of(server, SHARED), poolclass=NullPool)
    with engine.begin() as connection:
        of_dagster = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        ours = [f"{SCHEMA}.{table.name}" for table in Base.metadata.sorted_tables]
        tables = ", ".join([*ours, *(f"public.{name}" for name in of_dagster if name not in DAGSTERS_OWN)])
        connection.execute(text("SET session_replication_role = replica"))  # past the triggers
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as database:
        yield database


@pytest.fixture
def registry(database: Database) -> Registry:
    return Registry(database)


@pytest.fixture
def lab(registry: Registry) -> Lab:
    """A lab with identifiers and segments."""
    return registry.labs.create(definition(require_segments=True), by=ME)


@pytest.fixture
def upload(registry: Registry) -> Callable[..., str]:
    """Registers a dataset with its key, and returns its manifest hash."""
    return lambda name="file", **options: register(registry, name, **options)


def register(registry: Registry, name: str = "file", *, key: bool = True, by: str = ME) -> str:
    manifest_hash = hash_number(next(_numbers))
    wrapped = WrappedKey(b"wrapped " + manifest_hash.encode(), "master-1") if key else None
    registry.datasets.register(manifest_hash, name=name, size_bytes=10, by=by, key=wrapped)
    return manifest_hash


def hash_number(number: int) -> str:
    return f"{number:064x}"


def definition(**options: object) -> LabDefinition:
    identifiers = [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
    ]
    return LabDefinition.model_validate({"identifiers_config": identifiers, **options})


def administrate(server: EmbeddedPostgres, statement: str) -> None:
    engine = create_engine(url_of(server, "postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))


def url_of(server: EmbeddedPostgres, database: str) -> str:
    return make_url(server.url).set(database=database).render_as_string(hide_password=False)
