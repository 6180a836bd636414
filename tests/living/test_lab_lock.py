"""The lock of a lab: one run at a time on all hosts. It ends with its holder; a run without it publishes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from datalab.deployment import Deployment
from datalab.deployment.encrypted_place import EncryptedPlace
from datalab.deployment.errors import LabLockLost
from datalab.registry import Database, LabState, NewResult, Registry, RunState
from datalab.registry.queries import locked_run
from resources.run import DeploymentRun, started
from tests.living.conftest import FILES, SEGMENTS, Living, segments
from tests.living.test_sensors import during
from tests.up.processes import within

ON_ANOTHER_HOST = """
import sys
from datalab.deployment import Deployment
from resources.run import started

with Deployment.open() as deployment, started(deployment, sys.argv[1], sys.argv[2]):
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="datalab-test-") as name:
        yield Path(name)


def on_another_host(home: Path, lab_id: str, run_id: str) -> subprocess.Popen[str]:
    """A run of the lab in another process, with the same database and a home of its own: it shares no file."""
    return subprocess.Popen(
        [sys.executable, "-c", ON_ANOTHER_HOST, lab_id, run_id],
        env={**os.environ, "DATALAB_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class Waiting(threading.Thread):
    """A run of the lab in this process, which waits for the lock and keeps it until `end` is set."""

    def __init__(self, deployment: Deployment, lab_id: str) -> None:
        super().__init__(daemon=True)
        self.began, self.end = threading.Event(), threading.Event()
        self._work = deployment, lab_id
        self.start()

    def run(self) -> None:
        deployment, lab_id = self._work
        with started(deployment, lab_id, "the next"):
            self.began.set()
            self.end.wait()


@pytest.mark.parametrize("ends", ["killed", "ended"])
def test_the_next_run_begins_when_the_one_on_another_host_ends(living: Living, other_home: Path, ends: str) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    with on_another_host(other_home, lab.id, "the first") as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "holds\n"
        waiting = Waiting(living.deployment, lab.id)
        assert not waiting.began.wait(1), "two runs of one lab"
        if ends == "killed":
            os.kill(holder.pid, signal.SIGKILL)
        else:
            holder.stdin.close()
        assert waiting.began.wait(10)
        waiting.end.set()
        waiting.join(10)
    first = living.deployment.registry.runs.get("the first")
    assert (first.state is RunState.FINISHED) is (ends == "ended")


def test_labs_do_not_wait_for_each_other(living: Living) -> None:
    locks = living.deployment.registry.lab_locks
    with locks.hold(living.lab().id) as first, locks.hold(living.lab().id) as second:
        assert first.is_held() and second.is_held()


@pytest.fixture
def run(living: Living) -> Iterator[DeploymentRun]:
    lab = living.lab()
    living.provision(lab, FILES)
    with started(living.deployment, lab.id, "run") as run:
        yield run


def end_lock(registry: Registry) -> None:
    """End the connections that hold a lock of a lab, as a restart of the database does."""
    with registry.database.write() as session:
        ended = session.scalars(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )
        assert list(ended) == [True]


def test_a_run_that_lost_the_lock_stops_at_its_next_look(living: Living, run: DeploymentRun) -> None:
    run.ensure_current(now=True)
    end_lock(living.deployment.registry)
    for _ in range(2):  # the driver connects again in the meantime
        with pytest.raises(LabLockLost):
            run.ensure_current(now=True)
    with living.deployment.registry.lab_locks.hold(run.lab_id) as taken:
        assert taken.is_held()


def test_a_run_that_lost_the_lock_publishes_nothing_and_asks_for_another_try(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    during(monkeypatch, lambda: end_lock(living.deployment.registry))
    result = living.execute(request, raise_on_error=False)
    assert not result.success
    assert living.deployment.registry.results.history(lab.id) == [] and living.state(lab) is LabState.FAILED
    stored = living.instance.get_run_by_id(result.run_id)
    assert stored is not None and stored.tags["dagster/retry_on_asset_or_op_failure"] == "true"
    assert "dagster/max_retries" not in stored.tags


def test_a_lock_that_is_lost_after_the_last_look_is_noticed_by_the_publication(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    result_names = EncryptedPlace.result_names

    def lost(place: EncryptedPlace, run_id: str) -> list[str]:
        end_lock(living.deployment.registry)
        return result_names(place, run_id)

    monkeypatch.setattr(EncryptedPlace, "result_names", lost)
    result = living.execute(request, raise_on_error=False)
    assert [event.step_key for event in result.get_step_failure_events()] == ["validation_status"]
    assert living.deployment.registry.results.history(lab.id) == [] and living.state(lab) is LabState.FAILED
    reason = living.deployment.registry.runs.get(result.run_id).reason
    assert reason == str(LabLockLost(lab.id))


def test_a_publication_needs_the_lock_of_its_own_run(living: Living, run: DeploymentRun) -> None:
    """Another run that has taken the lock meanwhile does not make up for it."""
    registry, verdict = living.deployment.registry, NewResult("SUCCESS")
    end_lock(registry)
    with registry.lab_locks.hold(run.lab_id) as taken:
        assert not registry.results.record(run.run_id, verdict, lock=run._lock)
        assert registry.results.history(run.lab_id) == []
        assert registry.results.record(run.run_id, verdict, lock=taken)


def test_a_run_that_takes_the_lock_during_a_publication_begins_after_it(living: Living, run: DeploymentRun) -> None:
    registry = living.deployment.registry
    with registry.database.write() as session:
        locked_run(session, run.run_id)
        assert run._lock.is_held_in(session)
        end_lock(registry)
        waiting = Waiting(living.deployment, run.lab_id)
        assert not waiting.began.wait(1), "it reads the lab while the earlier run publishes"
    assert waiting.began.wait(10)
    waiting.end.set()
    waiting.join(10)


def test_a_run_of_replaced_data_does_not_ask_for_another_try(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    (request,) = living.tick()
    during(monkeypatch, lambda: living.provision(lab, {SEGMENTS: segments(11)}))
    result = living.execute(request, raise_on_error=False)
    stored = living.instance.get_run_by_id(result.run_id)
    assert not result.success and stored is not None and stored.tags["dagster/max_retries"] == "0"


def test_who_waits_can_be_interrupted(url: str) -> None:
    script = (
        "import sys\nfrom datalab.registry import Database\nfrom datalab.registry.lab_locks import LabLocks\n"
        "print('waits', flush=True)\n"
        "try:\n    LabLocks(Database(sys.argv[1])).hold('lab').__enter__()\n"
        "except KeyboardInterrupt:\n    sys.exit(7)\n"
    )
    with (
        Database(url) as database,
        Registry(database).lab_locks.hold("lab"),
        subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True) as waiting,
    ):
        assert waiting.stdout is not None and waiting.stdout.readline() == "waits\n"
        assert not within(1, lambda: waiting.poll() is not None)
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(10) == 7
