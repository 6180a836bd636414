"""What Dagster calls labs: unique, readable and harmless whatever their names are; earlier labs keep their id."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import PurePosixPath

import dagster as dg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from datalab.lab_limits import LONGEST_NAME
from datalab.registry import Database, Lab, NewResult, Registry
from datalab.registry.errors import LabNotFound
from datalab.registry.partition_keys import LONGEST, RekeyRefused, new_key, upload_key

from .conftest import IDENTIFIERS, ME, SEGMENTS, definition
from .test_database import upgrade_to

KEY = re.compile("[a-z0-9]+(-[a-z0-9]+)*~[0-9a-f]{4,32}")
Upload = Callable[..., str]

names = st.one_of(
    st.text(max_size=LONGEST_NAME),
    st.text("...[]{},:~|/\\-_ aZ9é🎉日", max_size=LONGEST_NAME),
    st.sampled_from(["", "...", "[a,b]", "a...b", "~", "lab~3f2a", "🎉", "🎉" * LONGEST_NAME, "x" * LONGEST_NAME]),
)
ids = st.uuids().map(str)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(names, ids), min_size=1, max_size=20, unique_by=lambda lab: lab[1]))
@example([("Spring", f"3f2a{number:04x}-0000-4000-8000-{number:012x}") for number in range(1, 20)])
def test_keys_are_unique_and_harmless(labs: list[tuple[str, str]]) -> None:
    taken: list[str] = []
    for name, lab_id in labs:
        taken.append(new_key(name, lab_id, taken.__contains__))
    assert len(set(taken)) == len(labs)
    for key, (name, lab_id) in zip(taken, labs, strict=True):
        assert KEY.fullmatch(key) and len(key) <= LONGEST
        assert PurePosixPath("a", key).name == key and f"{key}...{key}".split("...") == [key, key]
        assert lab_id.replace("-", "").startswith(key.rpartition("~")[2])
        if not re.search("[a-z0-9]", name, re.IGNORECASE) and name.isascii():
            assert key.startswith("lab~")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names, st.text("0123456789abcdef", min_size=64, max_size=64))
def test_the_key_of_a_dataset_is_harmless_too(name: str, manifest_hash: str) -> None:
    key = upload_key(name, manifest_hash)
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*~[0-9a-f]{12}", key) and len(key) <= LONGEST
    assert key.endswith(f"~{manifest_hash[:12]}")
    if not any(character.isalnum() for character in name):
        assert key.startswith("dataset~")


def test_dagster_takes_keys_of_hostile_names(registry: Registry) -> None:
    hostile = ("", "...", "[a,b]", "a...b", "~", "x" * LONGEST_NAME, "Spring", "Spring")
    keys = [registry.labs.create(definition(name=name), by=ME).partition_key for name in hostile]
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("data_labs", keys)
        assert instance.get_dynamic_partitions("data_labs") == keys


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("Spring campaign, base", "spring-campaign-base"),
        ("Größe & Café", "grosse-cafe"),
        ("...", "lab"),
        ("🎉", "lab"),
        ("日本", "lab"),
        ("[a,b]", "a-b"),
        ("x" * 255, "x" * 55),
        ("a" * 54 + " b", "a" * 54),
    ],
)
def test_a_key_is_the_beginning_of_the_name_and_of_the_id(name: str, beginning: str) -> None:
    assert new_key(name, "3f2a9c11-0000-4000-8000-000000000000", lambda _: False) == f"{beginning}~3f2a"


def test_the_key_is_longer_while_labs_share_it(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter([uuid.UUID(f"3f2a9c1{last}-0000-4000-8000-000000000000") for last in range(3)])
    monkeypatch.setattr("datalab.registry.labs.uuid.uuid4", lambda: next(made))
    keys = []
    for _ in range(3):
        lab = registry.labs.create(definition(name="Spring"), by=ME)
        keys.append(lab.partition_key)
        registry.labs.delete(lab.id, by=ME)  # its history in Dagster stays
    assert keys == ["spring~3f2a", "spring~3f2a9", "spring~3f2a9c"]


def test_a_lab_is_found_by_its_key(registry: Registry) -> None:
    lab = registry.labs.create(definition(name="Spring"), by=ME)
    registry.labs.create(definition(name=lab.partition_key), by=ME)
    assert registry.labs.get(lab.partition_key) == registry.labs.of_partition(lab.partition_key) == lab
    for unknown in (lab.id, lab.name, "", "\0"):
        with pytest.raises(LabNotFound):
            registry.labs.of_partition(unknown)
    registry.labs.delete(lab.id, by=ME)
    with pytest.raises(LabNotFound):
        registry.labs.of_partition(lab.partition_key)


@pytest.fixture
def earlier(registry: Registry, database: Database) -> Lab:
    """A lab that an earlier version made."""
    lab = registry.labs.create(definition(name="Spring", require_segments=True), by=ME)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE datalab_registry.labs SET partition_key = id"))
    return registry.labs.get(lab.id)


class TestRekey:
    def test_an_earlier_lab_gets_a_readable_key_once(self, registry: Registry, earlier: Lab, upload: Upload) -> None:
        assert earlier.partition_key == earlier.id == registry.labs.of_partition(earlier.id).id
        dataset = upload()
        registry.provisioning.provision(earlier.id, {IDENTIFIERS: dataset}, by=ME)
        registry.validated.add(earlier.id, IDENTIFIERS, dataset)
        found = registry.labs.rekey(earlier.id)
        assert found.partition_key == f"spring~{earlier.id[:4]}" and found == registry.labs.rekey(earlier.id)
        assert registry.validated.of(earlier.id) == set(), "Dagster has no history of it under the new key"
        assert registry.labs.of_partition(found.partition_key) == found
        assert registry.changes.read(0, certain=0).partitions == {found.partition_key}

    def test_is_refused_while_a_validation_runs_or_is_requested(
        self, registry: Registry, earlier: Lab, upload: Upload
    ) -> None:
        registry.provisioning.provision(earlier.id, {IDENTIFIERS: upload(), SEGMENTS: upload()}, by=ME)
        sequence = registry.provisioning.last_sequence(earlier.id)
        registry.claims.take(earlier.id, sequence, "sensor")
        with pytest.raises(RekeyRefused, match="running or requested"):
            registry.labs.rekey(earlier.id)
        registry.runs.start(earlier.id, "run-1", sequence=sequence)
        with pytest.raises(RekeyRefused, match="running or requested"):
            registry.labs.rekey(earlier.id)
        registry.runs.fail("run-1", "it died")
        assert registry.labs.rekey(earlier.id).partition_key.startswith("spring~")

    def test_is_refused_for_a_lab_with_results(self, registry: Registry, earlier: Lab, upload: Upload) -> None:
        registry.provisioning.provision(earlier.id, {IDENTIFIERS: upload(), SEGMENTS: upload()}, by=ME)
        registry.runs.start(earlier.id, "run-1")
        registry.results.record("run-1", NewResult("FAILED"))
        registry.runs.finish("run-1")
        with pytest.raises(RekeyRefused, match=r"create another lab with the same definition\. Nothing was changed"):
            registry.labs.rekey(earlier.id)
        assert registry.labs.get(earlier.id) == earlier


def test_labs_of_the_previous_version_have_their_id_as_key(empty_url: str) -> None:
    with Database(empty_url) as database:
        upgrade_to(database, "0015")
        with database.engine.begin() as connection:
            connection.execute(
                text(
                    """INSERT INTO datalab_registry.labs (id, name, definition, created_by)
                    VALUES ('one', 'Twin', CAST(:wire AS jsonb), 'me'), ('two', 'Twin', CAST(:wire AS jsonb), 'me')"""
                ),
                {"wire": definition().model_dump_json(by_alias=True)},
            )
        database.migrate()
        assert [(lab.id, lab.partition_key) for lab in Registry(database).labs.all()] == [
            ("one", "one"),
            ("two", "two"),
        ]
