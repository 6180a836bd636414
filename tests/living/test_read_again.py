"""A lab whose schedule is due reads the file of its drop zone again: once for each time, and only if it holds it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import update

from datalab.registry import Lab
from datalab.registry.schedule_rows import ScheduleRow
from datalab_dagster.graph.drop_zones import TakenFile, take_from_drop_zone
from datalab_dagster.graph.runs.start import DATASETS_TAG, LAB_TAG
from datalab_dagster.graph.zone_attempts import FILE_TAG
from datalab_dagster.graph.zone_cursor import ZoneCursor
from tests.living.conftest import ME, SEGMENTS, Living, living, segments, server, url
from tests.living.test_drop_zones import Looker, lab, looker, provisioned, zone

__all__ = ["lab", "living", "looker", "server", "url", "zone"]


@pytest.fixture
def file(zone: Path, looker: Looker) -> Path:
    """A file that the zone has taken."""
    file = zone / "segments-1.csv"
    file.write_text(segments(12))
    looker()
    [found] = looker()
    assert looker.take(found) and looker() == []
    return file


def becomes_due(living: Living, lab: Lab, days: int = 1) -> datetime:
    """Let the schedule of a lab be due, now, or some seconds later for each further day."""
    schedules, now = living.deployment.registry.schedules, datetime.now(UTC) + timedelta(days=days)
    if schedules.of(lab.id) is None:
        schedules.set(lab.id, "0 2 * * *", "UTC", by=ME)
    [taken] = schedules.take(schedules.due(now), now)
    schedules.answer(taken)
    due = datetime.now(UTC) + timedelta(seconds=days - 1)
    with living.deployment.registry.database.write() as session:
        session.execute(update(ScheduleRow).values(due_at=due))
    return due


def test_it_is_read_again_once_for_each_time(living: Living, lab: Lab, file: Path, looker: Looker) -> None:
    provisioning = living.deployment.registry.provisioning
    before = provisioning.datasets(lab.id)
    due = becomes_due(living, lab)
    [found] = looker()
    assert found.again == due.isoformat(timespec="seconds")
    assert looker.take(found) and provisioning.datasets(lab.id) == before
    last = provisioning.events(lab.id)[-1]
    assert last.cause == "file segments-1.csv was read again, with the same content as before"
    assert last.manifest_hash == last.replaced == before[SEGMENTS]
    assert looker() == [], "it was read for this time"
    becomes_due(living, lab, days=3)
    assert len(looker()) == 1


def test_new_content_under_the_same_size_and_date_is_found(
    living: Living, lab: Lab, file: Path, looker: Looker
) -> None:
    written = file.stat()
    file.write_text(segments(12).replace("s3", "s9"))
    os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert looker() == [], "it looks like the one that was taken"
    becomes_due(living, lab)
    [found] = looker()
    assert looker.take(found) and provisioned(living, lab) == segments(12).replace("s3", "s9").encode()
    assert len(living.tick()) == 1, "and its change is validated"


def test_without_a_schedule_that_was_due_nothing_is_read(living: Living, lab: Lab, file: Path, looker: Looker) -> None:
    living.deployment.registry.schedules.set(lab.id, "0 2 * * *", "UTC", by=ME)
    assert looker() == []


def test_what_a_person_has_provisioned_since_is_kept(living: Living, lab: Lab, file: Path, looker: Looker) -> None:
    living.provision(lab, {SEGMENTS: segments(15)})
    becomes_due(living, lab)
    assert looker() == [] and provisioned(living, lab) == segments(15).encode()


def test_a_forged_run_reads_nothing_again(living: Living, lab: Lab, file: Path, looker: Looker) -> None:
    events = living.deployment.registry.provisioning.events(lab.id)
    [fingerprint] = living.deployment.registry.provisioning.taken(lab.id, ZoneCursor.read(looker.cursor).seen.values())
    forged = TakenFile(
        lab=lab.id, dataset="segments", url=str(file), fingerprint=fingerprint, again="2026-11-28T02:00:00+00:00"
    )
    assert looker.take(forged) and living.deployment.registry.provisioning.events(lab.id) == events


def test_a_run_that_reads_it_is_awaited_and_failures_are_counted_for_each_time(
    living: Living, lab: Lab, file: Path, looker: Looker
) -> None:
    becomes_due(living, lab)
    [found] = looker()

    def begun(key: str) -> dg.DagsterRun:
        tags = {LAB_TAG: lab.id, DATASETS_TAG: "segments", FILE_TAG: key}
        run = dg.DagsterRun(job_name=take_from_drop_zone.name, status=dg.DagsterRunStatus.STARTED, tags=tags)
        return living.instance.add_run(run)

    run = begun(found.key)
    assert looker() == []
    becomes_due(living, lab, days=3)
    assert looker() == [], "the run of the time before is still active"
    living.instance.report_run_failed(run)
    [later] = looker()
    assert later.again > found.again
    for _ in range(3):
        living.instance.report_run_failed(begun(later.key))
    assert looker() == []
    becomes_due(living, lab, days=5)
    assert len(looker()) == 1


def test_older_versions_are_never_taken_instead(living: Living, lab: Lab, zone: Path, looker: Looker) -> None:
    for number, rows in enumerate((12, 13)):
        (zone / f"segments-{number}.csv").write_text(segments(rows))
        os.utime(zone / f"segments-{number}.csv", (1_700_000_000 + number,) * 2)
    looker()
    [found] = looker()
    assert looker.take(found) and provisioned(living, lab) == segments(13).encode()
    becomes_due(living, lab)
    [found] = looker()
    assert found.url.endswith("segments-1.csv")
