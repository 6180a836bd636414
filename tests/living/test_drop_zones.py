"""Files that appear in a drop zone: taken once, when they are complete, and never lost."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar

import dagster as dg
import fsspec
import pytest
from moto.server import ThreadedMotoServer
from pydantic import BaseModel, ConfigDict

from datalab.connectors import Connector, Entry, register
from datalab.home.settings import Settings, load_settings
from datalab.registry import KeyRole, Lab
from datalab.registry.accounts import Role
from datalab_dagster.graph.drop_zones import TakenFile, poll, take_from_drop_zone
from datalab_dagster.graph.sensors import drop_zones
from tests.living.conftest import FILES, IDENTIFIERS, ME, SEGMENTS, Living, segments


@pytest.fixture
def zone(living: Living, tmp_path: Path) -> Path:
    """A folder that is the drop zone for the segments of lab `mine`."""
    folder = tmp_path / "drop"
    folder.mkdir()
    living.deployment.home.mkdir(exist_ok=True)
    (living.deployment.home / "datalab.yaml").write_text(
        f"dropZones:\n  - {{lab: mine, dataset: segments, pattern: '{folder}/segments-*.csv'}}\n"
    )
    return folder


@pytest.fixture
def lab(living: Living) -> Lab:
    lab = living.lab()
    living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
    return lab


class Looker:
    """Looks as the sensor does, and executes what it asks for."""

    def __init__(self, living: Living) -> None:
        self.living = living
        self.cursor: str | None = None

    def __call__(self) -> list[TakenFile]:
        answer = drop_zones(dg.build_sensor_context(instance=self.living.instance, cursor=self.cursor))
        assert isinstance(answer, dg.SensorResult)
        self.cursor = answer.cursor
        return [TakenFile(**request.run_config["ops"]["take_file"]["config"]) for request in answer.run_requests or []]

    def take(self, file: TakenFile) -> bool:
        config = dg.RunConfig(ops={"take_file": file})
        job = take_from_drop_zone.execute_in_process(config, instance=self.living.instance, raise_on_error=False)
        return job.success


@pytest.fixture
def looker(living: Living) -> Iterator[Looker]:
    yield Looker(living)


def provisioned(living: Living, lab: Lab) -> bytes | None:
    manifest_hash = living.deployment.registry.provisioning.datasets(lab.id).get(SEGMENTS)
    if manifest_hash is None:
        return None
    return living.deployment.datasets.open(manifest_hash, living.deployment.datasets.key(manifest_hash)).read()


def test_a_file_is_taken_once_it_looks_the_same_twice(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    (zone / "segments-1.csv").write_text("u1,s1\n")
    assert looker() == []
    (zone / "segments-1.csv").write_text(segments(12))  # it was still being written
    assert looker() == []
    (file,) = looker()
    assert looker.take(file) and provisioned(living, lab) == segments(12).encode()
    (event,) = living.deployment.registry.provisioning.events(lab.id)[1:]
    assert event.by == "drop zone" and event.cause == "file segments-1.csv appeared"
    assert looker() == []


def test_a_file_belongs_to_the_owners_of_its_lab(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    for email in (ME, "you@publisher.example"):
        living.deployment.registry.accounts.add(email, Role.PUBLISHER, by="root")
    living.deployment.registry.labs.set_owners(lab.id, [ME, "you@publisher.example"])
    (zone / "segments-1.csv").write_text(segments(12))
    looker()
    (file,) = looker()
    assert looker.take(file)
    taken = living.deployment.registry.provisioning.datasets(lab.id)[SEGMENTS]
    owners = living.deployment.registry.keychain.entry(taken).access
    assert owners == {ME: KeyRole.OWNER, "you@publisher.example": KeyRole.OWNER}


def test_a_newer_file_replaces_it(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    for number, text in enumerate((segments(12), segments(11))):
        (zone / f"segments-{number}.csv").write_text(text)
        looker()
        assert looker.take(*looker())
    assert provisioned(living, lab) == segments(11).encode()


def test_the_same_file_is_not_taken_twice(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    (zone / "segments-1.csv").write_text(segments(12))
    looker()
    (file,) = looker()
    assert looker.take(file)
    before = living.deployment.registry.provisioning.events(lab.id)
    assert looker.take(file)  # a run that is repeated after a crash
    looker.cursor = None  # a daemon that restarts
    assert (looker(), looker()) == ([], [])
    assert living.deployment.registry.provisioning.events(lab.id) == before


def test_a_file_that_changes_before_it_is_taken_waits(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    (zone / "segments-1.csv").write_text(segments(12))
    looker()
    (file,) = looker()
    (zone / "segments-1.csv").write_text(segments(13))
    assert not looker.take(file) and provisioned(living, lab) is None


@pytest.mark.parametrize("name", ["segments-1.csv.part", "identifiers-1.csv", "segments-1.csv~", "_SUCCESS"])
def test_other_files_are_left_alone(living: Living, lab: Lab, zone: Path, looker: Looker, name: str) -> None:
    (zone / name).write_text(segments(12))
    assert (looker(), looker()) == ([], [])


def test_one_zone_that_cannot_be_read_does_not_stop_the_others(living: Living, lab: Lab, zone: Path) -> None:
    (zone / "segments-1.csv").write_text(segments(12))
    settings = {
        "dropZones": [
            {"lab": "mine", "dataset": "demographics", "pattern": "nonsense://x/*.csv"},
            {"lab": "lab of no one", "dataset": "segments", "pattern": f"{zone}/*.csv"},
            {"lab": "mine", "dataset": "segments", "pattern": f"{zone}/*.csv"},
        ]
    }
    living.deployment.settings = Settings.model_validate(settings)
    _, seen, problems = poll(living.deployment, None)
    assert len(problems) == 2 and "demographics" in problems[0] and "lab of no one" in problems[1]
    files, _, _ = poll(living.deployment, seen)
    assert [file.dataset for file in files] == ["segments"]


class ShelfOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")
    shelf: str


class ShelfConnector(Connector[ShelfOptions]):
    """Files in a dictionary: a connector that only this test knows."""

    schemes = frozenset({"shelf"})
    options_type = ShelfOptions
    shelves: ClassVar[dict[str, dict[str, bytes]]] = {}

    def list(self, pattern: str) -> Iterator[Entry]:
        for url, content in sorted(self.shelves[self.options.shelf].items()):
            if fnmatch.fnmatchcase(url, pattern):
                yield Entry(url, len(content), hashlib.sha256(content).hexdigest(), None)

    def find(self, url: str) -> Entry | None:
        return next((entry for entry in self.list("*") if entry.url == url), None)

    def open(self, entry: Entry) -> contextlib.AbstractContextManager[BinaryIO]:
        return io.BytesIO(self.shelves[self.options.shelf][entry.url])

    def write(self, url: str, content: Iterable[bytes]) -> Entry:
        raise NotImplementedError


def test_a_connector_of_another_package_works_as_a_drop_zone(living: Living, lab: Lab, looker: Looker) -> None:
    register(ShelfConnector)
    zone = {"lab": "mine", "dataset": "segments", "pattern": "shelf://top/segments-*.csv", "options": {"shelf": "a"}}
    living.deployment.home.mkdir(exist_ok=True)
    settings = living.deployment.home / "datalab.yaml"
    settings.write_text(json.dumps({"dropZones": [zone]}))
    ShelfConnector.shelves["a"] = {"shelf://top/other.csv": b"x"}
    assert looker() == []
    ShelfConnector.shelves["a"]["shelf://top/segments-1.csv"] = segments(12).encode()
    assert looker() == []
    assert looker.take(*looker()) and provisioned(living, lab) == segments(12).encode()
    assert looker() == []
    settings.write_text(json.dumps({"dropZones": [{**zone, "options": {"shelve": "geheim"}}]}))
    living.deployment.settings = load_settings(living.deployment.home)
    _, _, (problem,) = poll(living.deployment, None)
    assert "segments" in problem and "shelve: Extra inputs are not permitted" in problem and "geheim" not in problem


def test_a_zone_may_be_a_bucket(living: Living, lab: Lab, looker: Looker) -> None:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        options = {"endpoint_url": f"http://{host}:{port}", "key": "key", "secret": "secret"}
        bucket = fsspec.filesystem("s3", **options)
        bucket.mkdir("drop")
        zone = {"lab": "mine", "dataset": "segments", "pattern": "s3://drop/segments-*.csv", "options": options}
        living.deployment.home.mkdir(exist_ok=True)
        (living.deployment.home / "datalab.yaml").write_text(json.dumps({"dropZones": [zone]}))
        assert looker() == []
        for text in (segments(12), segments(11)):
            bucket.pipe("drop/segments-1.csv", text.encode())
            assert looker() == []
            assert looker.take(*looker()) and provisioned(living, lab) == text.encode()
            assert looker() == []
    finally:
        server.stop()
