"""Several clients at once, each with its own connection: serialised, in order of their commits, nothing lost."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from datalab.registry import Database, Lab, NewResult, Registry, Run
from datalab.registry.errors import DatasetInUse, ProvisioningRefused
from datalab.registry.provisioning import change_in

from .conftest import IDENTIFIERS, ME, definition, register

Upload = Callable[..., str]


class Background(threading.Thread):
    """Runs something on another thread; `result` waits for it and passes its error on."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work, self.outcome, self.error = work, None, None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self.work()  # type: ignore[assignment,func-returns-value]
        except BaseException as error:  # noqa: BLE001
            self.error = error  # type: ignore[assignment]

    def result(self) -> object:
        self.join(30)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.outcome


def wait_for_waiting(database: Database) -> None:
    """Wait until a connection to this database waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(500):
        with database.engine.connect() as connection:
            if connection.execute(text(query)).scalar():
                return
        time.sleep(0.01)
    pytest.fail("no thread waits")


def test_an_event_that_commits_late_is_not_skipped(registry: Registry, url: str, upload: Upload) -> None:
    """Client A has drawn number 1 and hesitates; B must not make number 2 visible before."""
    a, b = (registry.labs.create(definition(), by=ME) for _ in range(2))
    ids = upload()
    with Database(url) as other:
        with registry.database.write() as session:
            (slow,) = change_in(session, a.id, {IDENTIFIERS: ids}, by="slow", cause="")
            fast = Background(lambda: Registry(other).provisioning.provision(b.id, {IDENTIFIERS: ids}, by="fast"))
            wait_for_waiting(registry.database)
            assert registry.provisioning.events_after(0) == [], "the sensor's cursor stays where it is"
        (second,) = fast.result()  # type: ignore[misc]
    assert second.sequence > slow.sequence
    assert [event.by for event in registry.provisioning.events_after(0)] == ["slow", "fast"]


def test_a_client_that_gives_up_lets_the_next_one_through(
    registry: Registry, lab: Lab, url: str, upload: Upload
) -> None:
    ids, newer = upload(), upload()
    with Database(url) as other:
        with pytest.raises(ZeroDivisionError), registry.database.write() as session:
            change_in(session, lab.id, {IDENTIFIERS: ids}, by="first", cause="")
            second = Background(
                lambda: Registry(other).provisioning.provision(lab.id, {IDENTIFIERS: newer}, by="second")
            )
            wait_for_waiting(registry.database)
            1 / 0  # noqa: B018
        (event,) = second.result()  # type: ignore[misc]
    assert event.replaced is None, "what the first did was never there"


def test_two_clients_at_once_each_see_what_the_other_left(
    registry: Registry, lab: Lab, url: str, upload: Upload
) -> None:
    ids, newer = upload(), upload()
    with Database(url) as other:
        with registry.database.write() as session:
            change_in(session, lab.id, {IDENTIFIERS: ids}, by="first", cause="")
            second = Background(
                lambda: Registry(other).provisioning.provision(lab.id, {IDENTIFIERS: newer}, by="second")
            )
            wait_for_waiting(registry.database)
        (event,) = second.result()  # type: ignore[misc]
    assert event.replaced == ids


def test_a_crowd_provisions_while_a_reader_follows(registry: Registry, url: str) -> None:
    labs = [registry.labs.create(definition(), by=ME).id for _ in range(3)]
    datasets = [register(registry) for _ in range(6)]
    seen: list[int] = []
    done = threading.Event()

    def write(seed: int) -> int:
        choose = random.Random(seed)
        with Database(url) as database:
            mine = Registry(database)
            return sum(
                len(
                    mine.provisioning.provision(
                        choose.choice(labs), {IDENTIFIERS: choose.choice(datasets)}, by=str(seed)
                    )
                )
                for _ in range(25)
            )

    def follow() -> None:
        with Database(url) as database:
            reader = Registry(database)
            while True:
                last_round = done.is_set()
                seen.extend(event.sequence for event in reader.provisioning.events_after(seen[-1] if seen else 0))
                if last_round:
                    return

    reader = Background(follow)
    written = [worker.result() for worker in [Background(lambda seed=seed: write(seed)) for seed in range(4)]]
    done.set()
    reader.result()
    events = registry.provisioning.events_after(0)
    assert seen == [event.sequence for event in events], "none was missed, none came twice, all in order"
    assert len(events) == sum(written)  # type: ignore[arg-type]
    for lab in labs:
        own = registry.provisioning.events(lab)
        assert [event.replaced for event in own] == [None, *(event.manifest_hash for event in own[:-1])]
        assert registry.provisioning.datasets(lab) == {IDENTIFIERS: own[-1].manifest_hash}


def test_deletion_and_provisioning_of_a_dataset_exclude_each_other(
    registry: Registry, lab: Lab, url: str, upload: Upload
) -> None:
    ids = upload()
    with Database(url) as other:
        with registry.database.write() as session:
            change_in(session, lab.id, {IDENTIFIERS: ids}, by=ME, cause="")
            deletion = Background(lambda: Registry(other).datasets.delete(ids, by=ME))
            wait_for_waiting(registry.database)
        with pytest.raises(DatasetInUse):
            deletion.result()
    registry.provisioning.deprovision(lab.id, IDENTIFIERS, by=ME)
    registry.datasets.delete(ids, by=ME)
    with pytest.raises(ProvisioningRefused):
        registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME)


def test_a_run_ends_before_or_after_a_change_never_in_between(
    registry: Registry, lab: Lab, url: str, upload: Upload
) -> None:
    ids, newer = upload(), upload()
    registry.provisioning.provision(lab.id, {IDENTIFIERS: ids}, by=ME)
    registry.runs.start(lab.id, "run-1")
    with Database(url) as other:
        with registry.database.write() as session:
            change_in(session, lab.id, {IDENTIFIERS: newer}, by=ME, cause="")
            end = Background(lambda: verdict_and_end(Registry(other), "run-1"))
            wait_for_waiting(registry.database)
        assert end.result().state.value == "SUPERSEDED"  # type: ignore[attr-defined]
    assert registry.results.current(lab.id) is None


def verdict_and_end(registry: Registry, run_id: str) -> Run:
    registry.results.record(run_id, NewResult("SUCCESS"))
    return registry.runs.finish(run_id)


def test_the_same_upload_registered_by_many(registry: Registry, url: str) -> None:
    from datalab.registry import WrappedKey

    from .conftest import hash_number

    def one(number: int) -> object:
        with Database(url) as database:
            key = WrappedKey(b"k%d" % number, "master-1")
            return Registry(database).datasets.register(hash_number(7), name="x", size_bytes=1, by=ME, key=key)

    workers = [Background(lambda number=number: one(number)) for number in range(4)]
    assert len({worker.result().secret_id for worker in workers}) == 1  # type: ignore[attr-defined]
