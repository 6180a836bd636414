"""Settings of Dagster that the publisher wrote: used as they are, or refused with the file and what to write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from sqlalchemy import create_engine

from datalab_dagster.graph.errors import DagsterHomeUnusable
from datalab_dagster.graph.home import SETTINGS, check_home, child_environment, dagster_home

REGISTRY = "postgresql+psycopg2://labs:secret@db.example/labs"
BARE = "postgresql://labs:secret@db.example/labs"


def environment_of(folder: Path, **more: str) -> dict[str, str]:
    return {"DATALAB_HOME": str(folder / "home"), "DAGSTER_HOME": str(folder), "DATALAB_POSTGRES_URL": REGISTRY, **more}


def stock(config: object) -> str:
    return yaml.safe_dump({"storage": {"postgres": config}})


def in_parts(config: object, **instead: object) -> str:
    """What Dagster's Helm chart writes."""
    names = ("run_storage", "event_log_storage", "schedule_storage")
    return yaml.safe_dump({**{name: {**PART, "config": config} for name in names}, **instead})


PART = {"module": "dagster_postgres.run_storage", "class": "PostgresRunStorage"}
DB = {
    "hostname": "DB.example",
    "username": "x",
    "password": {"env": "PASSWORD"},
    "db_name": "dagster",
    "scheme": "postgresql+psycopg2",
}


@pytest.mark.parametrize(
    "text",
    [
        SETTINGS.read_text(),
        stock({"postgres_url": REGISTRY}),
        stock({"postgres_url": {"env": "DATALAB_POSTGRES_URL"}}),
        stock({"postgres_url": "postgresql+psycopg2://other@db.example:5432/another"}),
        stock({"postgres_db": DB}),
        stock({"postgres_db": {**DB, "port": 5432}}),
        in_parts({"postgres_db": DB}),
    ],
)
def test_settings_that_store_runs_where_the_registry_is_are_used_and_never_written_over(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "dagster.yaml").write_text(text)
    environment = environment_of(tmp_path, PASSWORD="p")
    assert dagster_home(environment) == tmp_path
    assert child_environment(environment)["DAGSTER_HOME"] == str(tmp_path)
    assert (tmp_path / "dagster.yaml").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["dagster.yaml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no such file"),
        ("storage: [", "not YAML"),
        ("", "not PostgreSQL"),
        ("storage: {sqlite: {base_dir: /tmp}}", "not PostgreSQL"),
        ("storage: {custom: {module: theirs, class: Theirs}}", "not PostgreSQL"),
        ("run_storage: {module: dagster_postgres, class: PostgresRunStorage}", "not PostgreSQL"),
        (in_parts({"postgres_db": DB}, run_storage={"module": "dagster", "class": "InMemory"}), "not PostgreSQL"),
        (in_parts({"postgres_db": DB}, schedule_storage={**PART, "config": {"postgres_url": "x"}}), "not PostgreSQL"),
        (in_parts({"postgres_db": {**DB, "hostname": "elsewhere.example"}}), "on elsewhere.example:5432, the registry"),
        (stock({}), "names no database"),
        (stock({"postgres_url": {"env": "NOT_SET"}}), "names no database"),
        (stock({"postgres_url": "no address"}), "names no database"),
        (stock({"postgres_url": "postgresql://x:hidden@elsewhere/labs"}), "on elsewhere:5432, the registry"),
        (
            stock({"postgres_db": {**DB, "port": 6432}}),
            "on db.example:6432, the registry on db.example:5432",
        ),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, text: str | None, reason: str) -> None:
    if text is not None:
        (tmp_path / "dagster.yaml").write_text(text)
    with pytest.raises(DagsterHomeUnusable) as refused:
        check_home(environment_of(tmp_path, PASSWORD="p"))
    message = str(refused.value)
    assert str(tmp_path / "dagster.yaml") in message and reason in message and "unset DAGSTER_HOME" in message
    assert "hidden" not in message and "secret" not in message


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        (BARE.replace("postgresql", "postgres"), "postgres"),
        (BARE.replace("postgresql", "postgresql+pg9"), "postgresql+pg9"),
    ],
)
@pytest.mark.parametrize("where", ["file", "variable", "parts"])
def test_an_address_whose_driver_is_not_installed_is_refused(
    tmp_path: Path, address: str, scheme: str, where: str
) -> None:
    text = {
        "file": stock({"postgres_url": address}),
        "variable": stock({"postgres_url": {"env": "ADDRESS"}}),
        "parts": in_parts({"postgres_db": {**DB, "scheme": scheme}}),
    }[where]
    (tmp_path / "dagster.yaml").write_text(text)
    with pytest.raises(DagsterHomeUnusable) as refused:
        check_home(environment_of(tmp_path, PASSWORD="p", ADDRESS=address))
    message = str(refused.value)
    assert str(tmp_path / "dagster.yaml") in message and f"{scheme}://" in message and "secret" not in message
    assert "postgresql+psycopg2://" in message and "scheme: postgresql+psycopg2" in message


@pytest.mark.parametrize("config", [{"postgres_url": BARE}, {"postgres_db": {**DB, "scheme": "postgresql"}}])
def test_an_address_without_a_driver_is_refused_as_dagster_would_fail(tmp_path: Path, config: object) -> None:
    """Whether it is depends on the SQLAlchemy that is installed: both ask it."""
    (tmp_path / "dagster.yaml").write_text(stock(config))
    try:
        create_engine(BARE)
    except ImportError:
        with pytest.raises(DagsterHomeUnusable, match="driver for that is not installed"):
            check_home(environment_of(tmp_path, PASSWORD="p"))
    else:
        check_home(environment_of(tmp_path, PASSWORD="p"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_settings_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").touch(mode=0)
    with pytest.raises(DagsterHomeUnusable, match="cannot be read: Permission denied"):
        check_home(environment_of(tmp_path))


def test_settings_that_are_a_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").mkdir()
    with pytest.raises(DagsterHomeUnusable, match="cannot be read: Is a directory"):
        check_home(environment_of(tmp_path))


def test_without_settings_of_ones_own_they_are_written(tmp_path: Path) -> None:
    environment = {"DATALAB_HOME": str(tmp_path)}
    assert child_environment(environment)["DAGSTER_HOME"] == str(tmp_path / "dagster")
    assert (tmp_path / "dagster" / "dagster.yaml").read_text() == SETTINGS.read_text()
