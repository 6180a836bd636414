"""What an object store and a disk do to stored files, and what a lab then says."""

from __future__ import annotations

import time
from collections.abc import Callable

import dagster as dg
import pytest
from upath import UPath

from datalab.deployment.addresses import result
from datalab.registry import Lab, LabState
from datalab.registry.wanted import LabQuery
from datalab.results.files import STATISTICS
from datalab.storage.errors import StoreUnreachable
from datalab_dagster.graph.runs.selection import assets_to_run
from datalab_dagster.service.local import LocalService
from tests.living.conftest import FILES, IDENTIFIERS, ME, SEGMENTS, Living, segments
from tests.living.test_by_hand import materialise
from tests.storage_home.proxy import Proxy
from tests.waiting import retry_at_once

ENDS = 90
"""Seconds within which a store that does not answer is reported."""


def parts(living: Living, lab: Lab, folder: str) -> list[UPath]:
    """The files with rows below a folder of a lab."""
    return sorted(living.deployment.folders.place(lab.id).root.joinpath(folder).rglob("part-*.parquet"))


def rows_of(living: Living, lab: Lab, kind: str) -> UPath:
    [found] = [path for path in parts(living, lab, "validated") if f"/{kind}-" in str(path) and "/rows/" in str(path)]
    return found


def run_again(living: Living, lab: Lab) -> dg.ExecuteInProcessResult:
    """Do what *Validate* does."""
    selection = assets_to_run(living.deployment, lab, ())
    return living.execute(dg.RunRequest(partition_key=lab.partition_key, asset_selection=selection))


def missing(living: Living, lab: Lab, part: UPath) -> None:
    part.unlink()


def cut(living: Living, lab: Lab, part: UPath) -> None:
    part.write_bytes(part.read_bytes()[:-9])


def exchanged(living: Living, lab: Lab, part: UPath) -> None:
    part.write_bytes(rows_of(living, lab, SEGMENTS.value).read_bytes())


def of_another_lab(living: Living, lab: Lab, part: UPath) -> None:
    other = living.lab(name="other")
    hashes = living.deployment.registry.provisioning.datasets(lab.id)
    living.deployment.registry.provisioning.provision(other.id, hashes, by=ME)
    assert living.execute(*living.tick()).success
    part.write_bytes(rows_of(living, other, IDENTIFIERS.value).read_bytes())


def older(living: Living, lab: Lab, part: UPath) -> None:
    """The same rows, as an earlier validation of the same dataset had stored them."""
    before = part.read_bytes()
    assert materialise(living, lab).success
    rows_of(living, lab, IDENTIFIERS.value).write_bytes(before)


@pytest.mark.parametrize("damage", [missing, cut, exchanged, of_another_lab, older])
def test_a_damaged_part_fails_the_lab_names_it_and_is_made_again(
    living: Living, lab: Lab, damage: Callable[[Living, Lab, UPath], None]
) -> None:
    damage(living, lab, rows_of(living, lab, IDENTIFIERS.value))
    before = living.deployment.registry.results.history(lab.id)
    living.provision(lab, {SEGMENTS: segments(15)})
    ended = living.execute(*living.tick(), raise_on_error=False)
    assert not ended.success and living.state(lab) is LabState.FAILED
    failed = {event.step_key for event in ended.get_step_failure_events()}
    assert "users" in failed and "statistics_report" not in {
        event.step_key for event in ended.get_step_success_events()
    }
    reason = living.deployment.registry.runs.history(lab.id)[0].reason or ""
    assert "identifiers" in reason and "part-00000.parquet" in reason
    assert living.deployment.registry.results.history(lab.id) == before, "nothing is published"

    assert run_again(living, lab).success and living.state(lab) is LabState.READY


def test_users_of_a_damaged_part_do_not_run_and_another_lab_is_ready(living: Living, lab: Lab) -> None:
    other = living.lab(name="other")
    living.provision(other, FILES)
    missing(living, lab, rows_of(living, lab, IDENTIFIERS.value))
    living.provision(lab, {SEGMENTS: segments(15)})
    for request in living.tick():
        living.execute(request, raise_on_error=False)
    assert living.state(lab) is LabState.FAILED and living.state(other) is LabState.READY


def test_a_store_that_refuses_every_third_request_changes_nothing(proxy: Proxy, living: Living) -> None:
    found = []
    for refuse_every in (0, 3):
        proxy.refuse_every = refuse_every
        lab = living.lab(name=f"refused {refuse_every}")
        living.provision(lab, FILES)
        assert living.execute(*living.tick()).success and living.state(lab) is LabState.READY
        newest = living.deployment.registry.results.history(lab.id)[0].run_id
        found.append(living.deployment.folders.place(lab.id).read(result(newest, STATISTICS.name)))
    assert found[0] == found[1] and proxy.refused > 10


def test_a_store_that_is_away_is_reported_with_its_address_and_waited_for(
    proxy: Proxy, living: Living, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry_at_once(monkeypatch)
    shown = living.deployment.registry.results.current(lab.id)
    assert shown is not None
    living.provision(lab, {SEGMENTS: segments(15)})
    [request] = living.tick()
    with proxy.away():
        began = time.monotonic()
        with pytest.raises(StoreUnreachable, match="s3://"):
            living.deployment.folders.place(lab.id).read(result(shown.run_id, STATISTICS.name))
        assert time.monotonic() - began < ENDS
        assert not living.execute(request, raise_on_error=False).success
        assert living.state(lab) is LabState.FAILED
        assert "s3://" in (living.deployment.registry.runs.history(lab.id)[0].reason or "")
        with LocalService(living.deployment, ME) as service:
            [listed] = service.lists.labs(LabQuery()).labs
            assert listed.id == lab.id and set(service.results(lab.id)[0].reports) == set(FILES), "from copies"
            assert living.tick() == [] and service.lab(lab.id).state.state is LabState.FAILED and service.runs(lab.id)
            assert [kept.run_id for kept in living.deployment.registry.results.history(lab.id)] == [shown.run_id]
    assert living.deployment.folders.place(lab.id).read(result(shown.run_id, STATISTICS.name))
    assert run_again(living, lab).success and living.state(lab) is LabState.READY
