"""What decides whether the changes of labs need a run, and the claims of many labs at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from datalab.registry import Database, Lab, NewResult, Registry, RunState
from datalab.registry.claims import claim_for_run
from datalab.registry.models import RunRow
from datalab.registry.queries import live_lab
from datalab.validation import CODE_VERSION
from tests.unit.registry.conftest import IDENTIFIERS, ME, SEGMENTS, definition
from tests.unit.registry.test_database import upgrade_to

Upload = Callable[..., str]


def full(registry: Registry, lab: Lab, upload: Upload) -> int:
    """Provision everything that the lab needs; return the number of the last event."""
    registry.provisioning.provision(lab.id, {IDENTIFIERS: upload(), SEGMENTS: upload()}, by=ME)
    return registry.provisioning.last_sequence(lab.id)


class TestRead:
    def test_all_that_decides_is_of_one_moment(self, registry: Registry, lab: Lab, upload: Upload) -> None:
        last = full(registry, lab, upload)
        datasets = registry.provisioning.datasets(lab.id)
        registry.validated.add(lab.id, SEGMENTS, datasets[SEGMENTS])
        registry.validated.add(lab.id, IDENTIFIERS, upload())  # not what is provisioned
        registry.claims.take(lab.id, last, "schedule")
        [found] = registry.changes.read(0, certain=0).labs
        assert (found.id, found.partition_key, found.name) == (lab.id, lab.partition_key, lab.name)
        assert found.definition == lab.definition
        assert found.change.events == tuple(registry.provisioning.events(lab.id))
        assert (found.datasets, found.validated, found.answer) == (datasets, {SEGMENTS}, None)
        assert found.claim == registry.claims.take(lab.id, last, "another")

    def test_what_an_earlier_version_has_validated_is_validated_again(
        self, registry: Registry, lab: Lab, upload: Upload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full(registry, lab, upload)
        for version, expected in (("1", set()), (CODE_VERSION, {SEGMENTS})):
            monkeypatch.setattr("datalab.registry.validated.CODE_VERSION", version)
            registry.validated.add(lab.id, SEGMENTS, registry.provisioning.datasets(lab.id)[SEGMENTS])
            [found] = registry.changes.read(0, certain=0).labs
            assert found.validated == expected

    def test_labs_that_exist_and_those_that_wait(self, registry: Registry, lab: Lab, upload: Upload) -> None:
        waits, deleted, empty = (registry.labs.create(definition(require_segments=True), by=ME) for _ in range(3))
        alone = registry.labs.create(definition(), by=ME)
        for one in (lab, deleted):
            full(registry, one, upload)
        registry.provisioning.provision(alone.id, {IDENTIFIERS: upload()}, by=ME)
        registry.provisioning.provision(waits.id, {IDENTIFIERS: upload()}, by=ME)
        registry.labs.delete(deleted.id, by=ME)
        found = registry.changes.read(0, certain=0)
        assert found.partitions == {one.partition_key for one in (lab, waits, alone)} and found.waiting == 2
        assert [one.id for one in found.labs] == [
            lab.id,
            alone.id,
            waits.id,
        ] and empty.partition_key not in found.partitions
        assert found.newest == registry.provisioning.newest_sequence()

    def test_what_was_seen_is_read_again_only_if_it_may_have_been_missed(
        self, registry: Registry, lab: Lab, upload: Upload
    ) -> None:
        last = full(registry, lab, upload)

        def labs(seen: int | None, certain: int) -> list[str]:
            return [one.id for one in registry.changes.read(seen, certain=certain).labs]

        assert labs(last, last) == []
        assert labs(last, 0) == labs(last - 1, last) == labs(None, last) == labs(last + 1, last) == [lab.id]
        registry.runs.start(lab.id, "run-1")
        assert labs(last, 0) == labs(None, last) == [] and labs(last - 1, last) == [lab.id]
        registry.runs.fail("run-1", "it died")
        assert labs(last, 0) == []

    def test_a_released_claim_is_read_until_it_is_taken(self, registry: Registry, lab: Lab, upload: Upload) -> None:
        last = full(registry, lab, upload)
        registry.runs.start_alone(lab.id, "run-1")
        registry.runs.fail("run-1", "no disk")
        registry.claims.release("run-1")
        [found] = registry.changes.read(last, certain=last).labs
        assert (found.change.sequence, len(found.change.events), found.answer) == (last, 1, None)
        assert registry.claims.take_all({(lab.id, last): "sensor"}) == {lab.id}
        assert registry.changes.read(last, certain=last).labs == []

    def test_the_result_of_these_datasets_answers_before_a_run_for_them(
        self, registry: Registry, lab: Lab, upload: Upload
    ) -> None:
        full(registry, lab, upload)
        earlier = registry.provisioning.datasets(lab.id)
        registry.runs.start(lab.id, "run-1")
        registry.results.record("run-1", NewResult("SUCCESS"))
        registry.runs.finish("run-1")
        seen = registry.provisioning.newest_sequence()
        registry.provisioning.provision(lab.id, {SEGMENTS: upload()}, by=ME)
        assert [one.answer for one in registry.changes.read(seen, certain=seen).labs] == [None]
        registry.provisioning.provision(lab.id, earlier, by=ME)
        [found] = registry.changes.read(seen, certain=seen).labs
        assert found.answer == "run-1" and found.change.kinds == (SEGMENTS,)


def test_claims_of_many_labs_are_granted_as_those_of_one(registry: Registry, upload: Upload) -> None:
    labs = [registry.labs.create(definition(require_segments=True), by=ME) for _ in range(5)]
    free, own, others, running, over = ((lab.id, full(registry, lab, upload)) for lab in labs)
    registry.claims.take(*own, "sensor")
    before = registry.claims.take(*own, "sensor")
    registry.claims.take(*others, "schedule")
    registry.runs.start_alone(running[0], "run-1")
    registry.runs.start_alone(over[0], "run-2")
    registry.runs.fail("run-2", "it died")
    granted = registry.claims.take_all(dict.fromkeys((free, own, others, running, over), "sensor"))
    assert granted == {free[0], own[0], over[0]}
    assert registry.claims.take(*own, "sensor") == before
    assert [registry.claims.take(*one, "next").holder for one in (free, others, running, over)] == [
        "sensor",
        "schedule",
        "run-1",
        "sensor",
    ]
    assert registry.claims.take_all({}) == set()


def test_the_claims_of_a_tick_wait_for_a_run_by_hand_and_leave_its_change_alone(
    registry: Registry, lab: Lab, upload: Upload
) -> None:
    last = full(registry, lab, upload)
    with ThreadPoolExecutor(1) as pool:
        with registry.database.write() as session:
            live_lab(session, lab.id, lock=True)
            asked = pool.submit(registry.claims.take_all, {(lab.id, last): "sensor"})
            with pytest.raises(TimeoutError):
                asked.result(0.5)
            run = RunRow(run_id="by hand", lab_id=lab.id, datasets={}, sequence=last, cause="", state=RunState.STARTED)
            session.add(run)
            session.flush()
            claim_for_run(session, run, alone=True)
        assert asked.result(30) == set()
    assert registry.claims.take(lab.id, last, "next").run_id == "by hand"


def test_validations_of_earlier_versions_are_known_from_kept_results(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Database(empty_url) as database:
        upgrade_to(database, "0014")
        with database.engine.begin() as connection:
            connection.execute(text("SET LOCAL search_path = datalab_registry"))
            for statement in (
                """INSERT INTO labs (id, name, definition, created_by, deleted_at)
                VALUES ('kept', '', '{}', 'me', NULL), ('gone', '', '{}', 'me', now())""",
                """INSERT INTO datasets (manifest_hash, name, description, size_bytes, usage, created_by)
                SELECT one, '', '', 1, '', 'me' FROM unnest(ARRAY['a', 'b', 'c']) one""",
                """INSERT INTO runs (run_id, lab_id, datasets, sequence, cause, state)
                SELECT number || lab, lab, '{}', 1, '', 'FINISHED'
                FROM generate_series(1, 4) number, unnest(ARRAY['kept', 'gone']) lab""",
                """INSERT INTO results (run_id, lab_id, datasets, status, paths, summary, names_checked, expired_at)
                SELECT number || lab, lab, datasets, 'SUCCESS', '{}', '{}', checked, expired
                FROM unnest(ARRAY['kept', 'gone']) lab, (VALUES
                    (1, '{"identifiers": "a", "segments": "b"}'::jsonb, true, NULL::timestamptz),
                    (2, '{"identifiers": "a", "segments": "c"}', false, NULL),
                    (3, '{"identifiers": "c"}', true, now()),
                    (4, '{"identifiers": "a"}', true, NULL)
                ) result (number, datasets, checked, expired)""",
            ):
                connection.execute(text(statement.replace(":", r"\:")))
        assert database.migrate()
        validated = Registry(database).validated
        assert validated.of("kept") == set(), "the next run validates again"
        monkeypatch.setattr("datalab.registry.validated.CODE_VERSION", "1")
        assert validated.of("kept") == {(IDENTIFIERS, "a"), (SEGMENTS, "b")} and validated.of("gone") == set()
