"""Where the registry lies, how its schema comes up to date, and what people read when it cannot be used."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from datalab.errors import UnexpectedFailure
from datalab.home.directory import home_directory
from datalab.registry import Database, EmbeddedPostgres, Lab, Registry, database_url, embedded_server
from datalab.registry.database import REVISIONS, with_driver
from datalab.registry.errors import (
    DatabaseRefused,
    DatabaseUnreachable,
    DatabaseUrlWrong,
    RegistryBusy,
    SchemaTooNew,
    SchemaTooOld,
)
from datalab.registry.migrating import MIGRATIONS, OPTIONS
from datalab.registry.models import Base, KeyRow

from .conftest import administrate, url_of

# ------------------------------------------------------------------------------------------------------------- URL


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_the_driver_is_written_into_the_url(scheme: str) -> None:
    assert with_driver(f"{scheme}://me:p%40ss@db:5433/labs") == "postgresql+psycopg2://me:p%40ss@db:5433/labs"


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite:///x", "postgresql+asyncpg://u:geheim@h/d", "postgresql://u:geheim@h:x/d"]
)
def test_a_wrong_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUrlWrong, match="DATALAB_POSTGRES_URL cannot be used") as failure:
        Database(url)
    assert "geheim" not in str(failure.value)


def test_the_environment_decides(home: Path) -> None:
    assert home_directory({}) == Path(".datalab").absolute()
    assert home_directory({"DATALAB_HOME": str(home)}) == home
    there = {"DATALAB_POSTGRES_URL": "postgresql://me@db/labs", "DATALAB_HOME": str(home)}
    assert embedded_server(there) is None
    assert database_url(there) == "postgresql+psycopg2://me@db/labs"
    assert not (home / "postgres").exists()


def test_without_a_url_a_server_is_started_under_the_home(home: Path) -> None:
    environment = {"DATALAB_HOME": str(home), "DATALAB_POSTGRES_URL": ""}
    with Registry.open(environment) as registry:
        assert registry.labs.all() == []
    server = embedded_server(environment)
    assert server is not None and server.running()
    assert database_url(environment) == server.url
    with Registry.open(environment) as again:
        again.database.check()


# ------------------------------------------------------------------------------------------------------- migrations


def test_from_nothing_to_the_newest_and_again(empty_url: str) -> None:
    with Database(empty_url) as database:
        with pytest.raises(SchemaTooOld):
            database.check()
        with pytest.raises(SchemaTooOld, match="`datalab up` migrates it"):
            Registry(database).labs.all()
        assert database.migrate() is True
        assert database.migrate() is False
        database.check()


def test_the_models_equal_the_migrations(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), Base.metadata) == []


def test_dagster_keeps_its_own_version_table(empty_url: str) -> None:
    with Database(empty_url) as database:
        with database.engine.begin() as connection:
            connection.execute(text("CREATE TABLE public.alembic_version (version_num TEXT)"))
            connection.execute(text("INSERT INTO public.alembic_version VALUES ('of dagster')"))
        assert database.migrate()
        with database.engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM public.alembic_version")).scalar() == "of dagster"
            assert compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), Base.metadata) == []


def test_many_migrate_at_once_and_one_does_it(empty_url: str) -> None:
    did: list[bool] = []

    def migrate() -> None:
        with Database(empty_url) as database:
            did.append(database.migrate())

    threads = [threading.Thread(target=migrate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(did) == [False] * 5 + [True]


def test_a_migration_that_fails_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(empty_url) as database:
        with monkeypatch.context() as broken:
            broken.setattr(Operations, "execute", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                database.migrate()
        with database.engine.connect() as connection:
            assert connection.execute(text("SELECT to_regnamespace('datalab_registry')")).scalar() is None
        assert database.migrate()


def upgrade_to(database: Database, revision: str) -> None:
    """Bring an empty database to the schema of an earlier version."""
    with database.engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA datalab_registry"))
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, revision)


@pytest.mark.parametrize("earlier", REVISIONS[:-1])
def test_a_registry_of_an_earlier_version_is_brought_up_to_date(empty_url: str, earlier: str) -> None:
    with Database(empty_url) as database:
        upgrade_to(database, earlier)
        with pytest.raises(SchemaTooOld):
            database.check()
        assert database.migrate() is True
        database.check()
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), Base.metadata) == []


def test_migrating_leaves_logging_and_the_place_of_the_program_alone(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    odd = tmp_path / "100 % ours: here" / "migrations"
    shutil.copytree(MIGRATIONS, odd)
    monkeypatch.setattr("datalab.registry.migrating.MIGRATIONS", odd)

    def logging_now() -> list[tuple[int, int, bool, bool]]:
        names = ("", "alembic", "alembic.runtime.migration", "sqlalchemy", "sqlalchemy.engine", "datalab")
        loggers = [logging.getLogger(name) for name in names]
        return [(one.level, len(one.handlers), one.disabled, one.propagate) for one in loggers]

    before, path = logging_now(), sys.path.copy()
    with Database(empty_url) as database:
        assert database.migrate()
    assert (logging_now(), sys.path) == (before, path)


def test_what_a_drop_zone_took_before_is_read_from_the_old_causes(empty_url: str) -> None:
    """Up to revision 0004 the fingerprint of the file was part of the cause."""
    taken = "file segments-1 (2).csv appeared (0123456789abcdef)"
    events = [("drop zone", taken), ("drop zone", "file ids.csv appeared"), ("me@publisher.example", taken)]
    with Database(empty_url) as database:
        upgrade_to(database, "0004")
        with database.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO datalab_registry.labs (id, name, definition, created_by) VALUES ('a', 'a', '{}', 'me')"
                )
            )
            for kind, (actor, cause) in zip("xyz", events, strict=True):
                connection.execute(
                    text(
                        "INSERT INTO datalab_registry.provisioning_events (lab_id, kind, replaced, actor, cause) "
                        "VALUES ('a', :kind, 'before', :actor, :cause)"
                    ),
                    {"kind": kind, "actor": actor, "cause": cause},
                )
        assert database.migrate()
        provisioning = Registry(database).provisioning
        assert provisioning.has_taken("a", "0123456789abcdef")
        assert not provisioning.has_taken("a", "fedcba9876543210")
        assert not provisioning.has_taken("b", "0123456789abcdef")
        with database.engine.connect() as connection:
            rows = connection.execute(
                text("SELECT actor, cause, source FROM datalab_registry.provisioning_events ORDER BY sequence")
            )
            assert [tuple(row) for row in rows] == [
                (actor, cause, "0123456789abcdef" if (actor, cause) == events[0] else None) for actor, cause in events
            ]
            with pytest.raises(DBAPIError, match="UPDATE of provisioning_events is refused"):
                connection.execute(text("UPDATE datalab_registry.provisioning_events SET source = NULL"))


def test_a_newer_registry_is_refused(empty_url: str) -> None:
    with Database(empty_url) as database:
        database.migrate()
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE datalab_registry.alembic_version SET version_num = '9999'"))
        for use in (database.migrate, database.check):
            with pytest.raises(SchemaTooNew, match=r"a newer datalab \(revision 9999 is unknown here\)"):
                use()


# ----------------------------------------------------------------------------------------------------------- errors


def test_nobody_answers() -> None:
    with Database("postgresql://me:geheim@127.0.0.1:1/labs") as database, pytest.raises(DatabaseUnreachable) as failure:
        database.migrate()
    assert "127.0.0.1:1, database labs" in str(failure.value)
    assert "geheim" not in str(failure.value) and failure.value.__cause__ is None


def test_wrong_credentials(server: EmbeddedPostgres, url: str) -> None:
    administrate(server, "CREATE ROLE guest LOGIN PASSWORD 'right'")
    rules = server.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all guest scram-sha-256\n" + before)
    administrate(server, "SELECT pg_reload_conf()")
    try:
        guest = url.replace("datalab@", "guest:{}@")
        for place, reason in [
            (guest.format("geheim"), "wrong user or password"),
            (url.replace("datalab@", "guest@"), "a password is needed"),
            (url.replace("datalab@", "nobody@"), "there is no such user"),
            (url_of(server, "nowhere"), "there is no such database"),
        ]:
            with Database(place) as database, pytest.raises(DatabaseRefused, match=reason) as failure:
                database.check()
            assert "geheim" not in str(failure.value)
        with Database(guest.format("right")) as database, pytest.raises(DatabaseRefused, match="may not use"):
            Registry(database).labs.all()
    finally:
        rules.write_text(before)
        administrate(server, "SELECT pg_reload_conf()")
        administrate(server, "DROP ROLE guest")


def test_a_connection_that_breaks_keeps_nothing_and_the_next_call_works(
    server: EmbeddedPostgres, registry: Registry, lab: Lab
) -> None:
    with (
        pytest.raises(DatabaseUnreachable, match="connection to PostgreSQL broke"),
        registry.database.write() as session,
    ):
        session.execute(text("CREATE TABLE half_done ()"))
        me = session.execute(text("SELECT pg_backend_pid()")).scalar()
        administrate(server, f"SELECT pg_terminate_backend({me})")
        session.execute(text("SELECT 1"))
    with registry.database.read() as session:
        assert session.execute(text("SELECT to_regclass('half_done')")).scalar() is None
    assert registry.labs.get(lab.id) == lab


def test_waiting_for_a_lock_ends(registry: Registry, lab: Lab) -> None:
    with registry.database.write() as holder:
        holder.execute(text("SELECT 1 FROM datalab_registry.labs FOR UPDATE"))
        with pytest.raises(RegistryBusy), registry.database.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            session.execute(text("SELECT 1 FROM datalab_registry.labs FOR UPDATE"))


def test_an_error_of_the_database_repeats_no_value(server: EmbeddedPostgres, registry: Registry) -> None:
    key = {"manifest_hash": "no such dataset", "secret_id": "s", "wrapped_key": b"planted-key", "master_key_id": "m"}
    with pytest.raises(UnexpectedFailure) as failure, registry.database.write() as session:
        session.add(KeyRow(**key))
    assert "no such dataset" not in str(failure.value) and "planted" not in str(failure.value)
    assert failure.value.__cause__ is None
    log = server.log.read_text()
    assert "violates foreign key constraint" in log
    assert "planted" not in log and "no such dataset" not in log and b"planted-key".hex() not in log


def test_events_are_append_only_and_labs_immutable_in_the_database_too(database: Database, lab: Lab) -> None:
    for statement in (
        "UPDATE datalab_registry.provisioning_events SET actor = 'x'",
        "DELETE FROM datalab_registry.provisioning_events",
        "TRUNCATE datalab_registry.provisioning_events CASCADE",
        "UPDATE datalab_registry.labs SET definition = '{}'",
        "UPDATE datalab_registry.labs SET name = 'x'",
    ):
        with pytest.raises(DBAPIError, match="is refused"), database.engine.begin() as connection:
            connection.execute(text(statement))


def test_reading_changes_nothing(database: Database) -> None:
    with pytest.raises(UnexpectedFailure), database.read() as session:
        session.execute(text("CREATE TABLE datalab_registry.x ()"))


def test_who_creates_tables_without_naming_a_schema_does_not_meet_ours(database: Database) -> None:
    """PostgreSQL's default is a schema named like the user, if there is one: Dagster's tables would land in it."""
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT current_schema()")).scalar() == "public"


def test_the_files_of_the_steps_are_named_as_the_steps() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert [script.revision for script in scripts][::-1] == REVISIONS


def test_a_registry_that_is_up_to_date_is_opened_without_what_migrates_it(url: str) -> None:
    code = (
        "import sys; from datalab.registry import Database; "
        f"print(Database({url!r}).migrate(), 'alembic' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]
