"""The sensor of provisioning leaves no event without a run, whatever its cursor was set to."""

from __future__ import annotations

import pytest

from datalab_dagster.graph import unanswered as module
from datalab_dagster.graph.drop_zones import poll
from datalab_dagster.graph.unanswered import unanswered
from tests.living.conftest import FILES, Living


@pytest.mark.parametrize("forged", ["999999999", "9" * 30, "9" * 5_000, "no number", "-5", "", None])
def test_whatever_the_cursor_is_an_event_gets_its_run(living: Living, forged: str | None) -> None:
    assert living.tick() == []
    living.cursor = forged
    lab = living.lab()
    living.provision(lab, FILES)
    [request] = living.tick()
    assert request.partition_key == lab.partition_key
    assert living.cursor and int(living.cursor.split()[0]) == living.deployment.registry.provisioning.newest_sequence()
    assert living.tick() == []


def test_a_cursor_that_waits_for_the_next_events_does_not_get_past_them(living: Living) -> None:
    first, second = living.lab(), living.lab()
    living.provision(first, FILES)
    [request] = living.tick()
    assert request.partition_key == first.partition_key
    living.tick()  # the cursor that Dagster has stored is passed in
    living.provision(second, FILES)
    living.cursor = str(living.deployment.registry.provisioning.newest_sequence())
    assert [request.partition_key for request in living.tick()] == [second.partition_key]


def test_a_tick_that_was_not_stored_is_repeated_with_the_same_run_keys(living: Living) -> None:
    living.provision(living.lab(), FILES)
    before = living.cursor
    [request] = living.tick()
    living.cursor = before  # the daemon died
    assert [again.run_key for again in living.tick()] == [request.run_key]
    assert living.tick() == []


def test_what_a_start_found_is_repeated_until_the_tick_is_stored(living: Living) -> None:
    living.provision(living.lab(), FILES)
    before = str(living.deployment.registry.provisioning.newest_sequence())
    living.cursor = before  # as if a tick of an earlier process had been stored, and its run had not been made
    [request] = living.tick()
    living.cursor = before  # the daemon died
    assert [again.run_key for again in living.tick()] == [request.run_key]
    assert living.tick() == []


def test_a_start_asks_again_only_for_what_has_no_run(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    done, forgotten = living.lab(), living.lab()
    living.provision(done, FILES)
    [request] = living.tick()
    run = living.deployment.registry.runs.start(done.id, "run-1")
    living.deployment.registry.runs.cancel(run.run_id, "by hand")
    living.provision(forgotten, FILES)
    living.cursor = str(living.deployment.registry.provisioning.newest_sequence())
    monkeypatch.setattr(module, "_progress", {})
    assert [request.partition_key for request in living.tick()] == [forgotten.partition_key]
    assert request.run_key != living.cursor


def test_a_corrected_cursor_is_logged_and_an_honest_one_is_not(living: Living) -> None:
    said: list[str] = []
    living.provision(living.lab(), FILES)
    last = unanswered(living.deployment, None, said.append).newest
    unanswered(living.deployment, str(last), said.append)
    assert said == []
    unanswered(living.deployment, str(last + 1), said.append)
    assert f"the last provisioning event is {last}" in said[0]


@pytest.mark.parametrize("forged", ["no JSON", "[1]", '{"a": 1}', "null"])
def test_a_drop_zone_is_polled_although_its_cursor_is_nonsense(living: Living, forged: str) -> None:
    assert poll(living.deployment, forged) == ([], "{}", [])
