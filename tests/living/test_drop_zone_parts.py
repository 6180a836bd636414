"""Parts of one export in a drop zone, and files that cannot be taken: nothing is lost without a message."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import dagster as dg
import pytest
from moto.server import ThreadedMotoServer

from datalab.connectors import connector_for
from datalab.home.settings import load_settings
from datalab.registry import Lab
from datalab_dagster.graph.drop_zones import TakenFile, poll
from datalab_dagster.graph.zone_attempts import FILE_TAG, earlier_attempts, given_up, next_attempt
from tests.living.conftest import SEGMENTS, Living, living, segments, server, url
from tests.living.test_drop_zones import Looker, lab, looker, provisioned

__all__ = ["lab", "living", "looker", "server", "url"]


@pytest.fixture
def zone(living: Living, tmp_path: Path) -> Path:
    """A folder that is the drop zone for the segments of lab `mine`, with every name."""
    folder = tmp_path / "drop"
    folder.mkdir()
    configure(living, f"{folder}/*")
    return folder


def configure(living: Living, pattern: str, **options: object) -> None:
    zone = {"lab": "mine", "dataset": "segments", "pattern": pattern, "options": options}
    living.deployment.home.mkdir(exist_ok=True)
    (living.deployment.home / "datalab.yaml").write_text(json.dumps({"dropZones": [zone]}))
    living.deployment.settings = load_settings(living.deployment.home)


def validated_rows(living: Living, lab: Lab) -> int:
    """The rows that a run of the lab finds in its segments."""
    (request,) = living.tick()
    assert living.execute(request).success
    result = living.deployment.registry.results.current(lab.id)
    assert result is not None
    manifest_hash = living.deployment.registry.provisioning.datasets(lab.id)[SEGMENTS]
    return living.deployment.registry.datasets.get(manifest_hash).rows or 0


def test_parts_become_one_dataset_once_all_are_there(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    (zone / "_SUCCESS").touch()
    for part in range(2):
        (zone / f"part-0000{part}").write_text(segments(12).replace("s", f"s{part}"))
    assert looker() == []
    (zone / "part-00002").write_text(segments(12).replace("s", "s2"))
    assert looker() == []  # the set has changed
    (file,) = looker()
    assert looker.take(file)
    (event,) = living.deployment.registry.provisioning.events(lab.id)[1:]
    assert event.cause == "3 parts appeared, part-00000 to part-00002"
    assert looker() == []
    taken = living.deployment.registry.datasets.get(event.manifest_hash or "")
    assert taken.name == "part-00000 and 2 more.zip"
    assert validated_rows(living, lab) == 36
    (zone / "part-00003").write_text(segments(12).replace("s", "s3"))
    assert looker() == []
    assert looker.take(*looker())
    assert validated_rows(living, lab) == 48


def test_what_is_left_of_taken_parts_is_not_taken(
    living: Living, lab: Lab, zone: Path, looker: Looker, caplog: pytest.LogCaptureFixture
) -> None:
    for part in range(3):
        (zone / f"data_0_{part}_0.csv.gz").write_bytes(gzip.compress(segments(12).encode()))
    looker()
    assert looker.take(*looker())
    before = living.deployment.registry.provisioning.events(lab.id)
    (zone / "data_0_1_0.csv.gz").unlink()
    assert [looker(), looker(), looker()] == [[], [], []]
    assert caplog.text.count("were removed after they were taken") == 1  # said once
    (zone / "data_0_0_0.csv.gz").unlink()
    (zone / "data_0_2_0.csv.gz").unlink()
    assert [looker(), looker()] == [[], []]
    assert living.deployment.registry.provisioning.events(lab.id) == before


def test_a_run_takes_no_other_set_than_the_listed_one(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    for part in range(3):
        (zone / f"part-{part}").write_text(segments(12))
    looker()
    (file,) = looker()
    (zone / "part-1").unlink()
    assert not looker.take(file) and provisioned(living, lab) is None
    pattern = str(zone / "s-0-of-2")
    (zone / "s-0-of-2").write_text(segments(12))
    (entry,) = connector_for(pattern).list(pattern)
    forged = TakenFile(lab=lab.id, dataset="segments", url=entry.url, fingerprint=entry.fingerprint)
    assert not looker.take(forged) and provisioned(living, lab) is None


def test_names_that_are_hard_to_take_do_not_stop_a_zone(
    living: Living, lab: Lab, zone: Path, looker: Looker, caplog: pytest.LogCaptureFixture
) -> None:
    (zone / "a::b # 50% 'c' \"d\".csv").write_text(segments(12))
    (zone / ".hidden.csv").write_text("x")
    (zone / "now.csv.crc").write_text("x")
    Path(os.fsdecode(os.fsencode(zone) + b"/bad-\xff.csv")).write_text("x")
    (zone / "empty.csv").touch()
    (zone / "link.csv").symlink_to(zone / ".hidden.csv")
    (zone / "loop.csv").symlink_to(zone / "loop.csv")
    looker()
    assert looker.take(*looker()) and provisioned(living, lab) == segments(12).encode()
    said = caplog.text
    assert r"bad-\xff.csv is not taken: a name is not UTF-8" in said
    assert "empty.csv: not taken. It is empty." in said
    assert "link.csv cannot be opened. The file is a link" in said
    assert str(zone) in said and "hidden" not in said and "crc" not in said
    assert looker() == [] and caplog.text == said


def test_versions_are_named_when_the_newest_is_taken(
    living: Living, lab: Lab, zone: Path, looker: Looker, caplog: pytest.LogCaptureFixture
) -> None:
    for day in (25, 26):
        (zone / f"segments-2026-11-{day}.csv").write_text(segments(day))
        os.utime(zone / f"segments-2026-11-{day}.csv", (day, day))
    looker()
    assert looker.take(*looker()) and provisioned(living, lab) == segments(26).encode()
    assert "the newest counts: segments-2026-11-26.csv. segments-2026-11-25.csv is not taken." in caplog.text


def test_announced_parts_that_are_missing_are_said(living: Living, lab: Lab, zone: Path) -> None:
    (zone / "s-00000-of-00002.csv").write_text(segments(12))
    _, seen, messages = poll(living.deployment, None)
    assert messages == []  # they may be on their way
    files, seen, messages = poll(living.deployment, seen)
    assert files == [] and "1 of 2 parts are there" in messages[0]
    (zone / "s-00001-of-00002.csv").write_text(segments(12))
    _, seen, _ = poll(living.deployment, seen)
    files, _, messages = poll(living.deployment, seen)
    assert len(files) == 1 and messages == []


def test_parts_in_a_bucket_are_one_dataset_whatever_their_names(living: Living, lab: Lab, looker: Looker) -> None:
    import fsspec

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        options = {"endpoint_url": f"http://{host}:{port}", "key": "key", "secret": "secret"}
        bucket = fsspec.filesystem("s3", **options)
        bucket.mkdir("parts")
        configure(living, "s3://parts/out/*", **options)
        for part in range(3):
            bucket.pipe(f"parts/out/a::b-000{part}_part_00", segments(12).replace("s", f"s{part}").encode())
        bucket.pipe("parts/out/_SUCCESS", b"")
        looker()
        assert looker.take(*looker())
        assert validated_rows(living, lab) == 36
    finally:
        server.stop()


def test_a_run_that_failed_is_repeated_and_then_given_up(living: Living, lab: Lab, zone: Path) -> None:
    (zone / "one.csv").write_text(segments(12))
    _, seen, _ = poll(living.deployment, None)
    (file,), seen, _ = poll(living.deployment, seen)

    def ended(status: dg.DagsterRunStatus, at: float) -> None:
        tags = {FILE_TAG: file.fingerprint}
        run = dg.DagsterRun(job_name="take_from_drop_zone", status=status, tags=tags)
        living.instance.add_run(run)
        kind = "PIPELINE_FAILURE" if status is dg.DagsterRunStatus.FAILURE else "PIPELINE_CANCELED"
        event = dg.DagsterEvent(event_type_value=kind, job_name=run.job_name)
        living.instance.handle_new_event(
            dg.EventLogEntry(
                error_info=None, level=10, user_message="", run_id=run.run_id, timestamp=at, dagster_event=event
            )
        )

    assert next_attempt(file, {}).run_key == f"{lab.id}:{file.fingerprint}"  # type: ignore[union-attr]
    ended(dg.DagsterRunStatus.CANCELED, 1.0)
    attempts = earlier_attempts(living.instance)
    assert next_attempt(file, attempts).run_key == f"{lab.id}:{file.fingerprint}:2"  # type: ignore[union-attr]
    for _ in range(2):
        ended(dg.DagsterRunStatus.FAILURE, 1.0)
    assert given_up(earlier_attempts(living.instance)) == set()
    ended(dg.DagsterRunStatus.FAILURE, 9e9)
    attempts = earlier_attempts(living.instance)
    assert next_attempt(file, attempts) is None  # the last attempt has only just ended
    assert given_up(attempts) == {file.fingerprint}
    files, _, messages = poll(living.deployment, seen, given_up(attempts))
    assert files == [] and "Every attempt failed" in messages[0]
