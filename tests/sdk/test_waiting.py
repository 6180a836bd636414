"""Waits end in time, survive a connection that breaks for a moment, block no event loop and show bars."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Callable

import pytest

from datalab.deployment import Deployment
from datalab.errors import DatalabError
from datalab.registry import NewResult
from datalab.registry.errors import DatabaseUnreachable
from datalab_dagster.archv2.errors import ConnectionLost, NotCompleteInTime
from datalab_dagster.client import Client
from datalab_dagster.data_lab import (
    DataLab,
    DataLabStatisticsJob,
    DataLabValidationReportsJob,
)
from datalab_dagster.service import ServiceUnreachable
from datalab_dagster.storage import Key
from datalab_dagster.terminal import waiting
from tests.fakes import MemoryService
from tests.sdk.labs import MATCH, ME, finish, open_runs, runs, two_ids, upload, when_asked
from tests.service.conftest import Wire


@pytest.fixture
def lab(ready_to_run: DataLab) -> DataLab:
    return ready_to_run


def test_waiting_gives_up_in_time_and_the_run_goes_on(memory: MemoryService, lab: DataLab) -> None:
    lab.run()
    began = time.monotonic()
    with pytest.raises(TimeoutError) as error:
        lab.get_validation_report(timeout=1)
    assert time.monotonic() - began >= 1
    assert isinstance(error.value, DatalabError)
    assert str(error.value) == "Computation did not complete within timeout"
    finish(memory, runs(memory, lab)[0])
    assert lab.get_validation_report(timeout=1)


@pytest.mark.parametrize("timeout", [0, None])
def test_no_timeout_waits_on(memory: MemoryService, lab: DataLab, timeout: int | None) -> None:
    lab.run()
    looks = when_asked(memory, 5, lambda: finish(memory, runs(memory, lab)[0]))
    assert lab.get_validation_report(timeout=timeout)
    assert len(looks) >= 5


def test_questions_come_soon_at_first_and_then_as_said(
    quick: Client, memory: MemoryService, lab: DataLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    job.run()
    when_asked(memory, 160, lambda: finish(memory, str(job.job_id)))
    pauses: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", pauses.append)
    monkeypatch.setattr(waiting.time, "monotonic", lambda: sum(pauses))
    job.wait_for_completion(sleep_interval=1)
    assert pauses[0] == 0.05 and pauses[-1] == 1 and pauses == sorted(pauses)
    assert len(pauses) == 159
    assert all(pause <= max(0.05, 0.05 * sum(pauses[:number])) for number, pause in enumerate(pauses))


def test_no_pause_is_longer_than_what_is_left(quick: Client, lab: DataLab, monkeypatch: pytest.MonkeyPatch) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    job.run()
    real, pauses = time.sleep, []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        real(seconds)

    monkeypatch.setattr(waiting.time, "sleep", sleep)
    with pytest.raises(NotCompleteInTime):
        job.wait_for_completion(timeout=1, sleep_interval=60)
    assert sum(pauses) < 1.5


@pytest.mark.parametrize(
    "lost", [ServiceUnreachable("http://labs", "no connection"), DatabaseUnreachable("localhost:5432", lost=True)]
)
def test_a_connection_that_breaks_for_a_moment_does_no_harm(
    memory: MemoryService, lab: DataLab, lost: DatalabError
) -> None:
    lab.run()
    (run_id,) = runs(memory, lab)
    looks = 0

    def look(service: MemoryService) -> None:
        nonlocal looks
        looks += 1
        if looks in (2, 3):
            raise lost
        if looks == 4:
            finish(memory, run_id)

    memory.before_poll = look
    assert lab.get_statistics_report(timeout=20)


def test_a_connection_that_stays_lost_is_reported_and_waiting_can_continue(
    memory: MemoryService, lab: DataLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.1)
    lab.run()

    def look(service: MemoryService) -> None:
        raise ServiceUnreachable("http://labs", "no connection")

    memory.before_poll = look
    with pytest.raises(ConnectionLost, match=r"was unreachable .* The job is still running there") as error:
        lab.get_validation_report()
    assert isinstance(error.value, ConnectionError)
    memory.before_poll = lambda service: None
    finish(memory, runs(memory, lab)[0])
    assert lab.get_validation_report()


def test_a_wait_does_not_block_the_event_loop(memory: MemoryService, lab: DataLab) -> None:
    async def both() -> list[str]:
        ticks: list[str] = []

        async def tick() -> None:
            while len(ticks) < 5:
                ticks.append("tick")
                await asyncio.sleep(0.02)
            finish(memory, runs(memory, lab)[0])

        lab.run()
        await asyncio.gather(lab.wait(timeout=20), tick())
        return ticks

    assert len(asyncio.run(both())) == 5
    assert lab.get_statistics_report()


def test_a_cancelled_wait_leaves_the_run_alone(quick: Client, memory: MemoryService, lab: DataLab) -> None:
    job = DataLabStatisticsJob(lab.id, quick)
    job.run()

    async def impatient() -> None:
        async with asyncio.timeout(0.2):
            await job.wait()

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    assert not job.is_complete()
    finish(memory, str(job.job_id))
    asyncio.run(job.wait(timeout=5))
    assert job.result()


def test_an_asynchronous_wait_has_a_timeout(quick: Client, lab: DataLab) -> None:
    job = DataLabValidationReportsJob(lab.id, quick)
    job.run()
    with pytest.raises(NotCompleteInTime):
        asyncio.run(job.wait(timeout=0.05))


def test_progress_is_shown_on_a_terminal_only(
    quick: Client,
    memory: MemoryService,
    lab: DataLab,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory.before_poll = lambda service: [finish(memory, run_id) for run_id in open_runs(memory, lab)] and None
    lab.get_statistics_report()
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    lab.run(again=True)
    lab.get_statistics_report()
    assert "validation" in capsys.readouterr().err
    upload(quick, name="shown.csv")
    assert "upload shown.csv" in capsys.readouterr().err
    quick.progress = False
    upload(quick, name="hidden.csv")
    assert capsys.readouterr().err == ""


def test_a_connection_over_http_that_breaks_for_a_moment(
    connect: Callable[[str], Client], wire: Wire, opened: Deployment
) -> None:
    client = connect(ME)
    lab = two_ids(client).build()
    lab.provision_dataset(upload(client), Key(), MATCH)
    run = opened.registry.runs.start(lab.id, str(uuid.uuid4()))
    job = DataLabStatisticsJob(lab.id, client)
    job.attach(client.service.runs(lab.id)[0])
    opened.registry.results.record(run.run_id, NewResult("SUCCESS"))
    opened.registry.runs.finish(run.run_id)
    now = len(wire.asked)
    wire.break_at = range(now + 1, now + 3)
    try:
        with pytest.raises(ServiceUnreachable):
            job.is_complete()
        assert job.wait_for_completion(timeout=20).is_complete()
    finally:
        wire.break_at = range(0)
    assert len(wire.asked) >= now + 3


@pytest.fixture
def way() -> str:
    return "http"
