"""What people do in Dagster's UI: materialise a lab's partition, or some of its assets; and what is kept how long."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from datalab.deployment.addresses import REPORT, validated
from datalab.home.settings import Settings
from datalab.registry import Lab, LabState, RunState
from tests.living.conftest import FILES, IDENTIFIERS, SEGMENTS, Living, segments
from tests.unit.registry.conftest import ME


def materialise(living: Living, lab: Lab, *assets: str) -> dg.ExecuteInProcessResult:
    selection = [dg.AssetKey(asset) for asset in assets] or None
    request = dg.RunRequest(partition_key=lab.partition_key, asset_selection=selection)
    return living.execute(request, raise_on_error=False)


def test_the_whole_partition(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.tick()
    assert materialise(living, lab).success and living.state(lab) is LabState.READY
    (run,) = living.deployment.registry.runs.history(lab.id)
    assert run.cause == "by hand"


def test_one_asset_takes_the_others_from_earlier_runs_and_makes_no_result(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.execute(*living.tick())
    for asset in ("segment_user_counts", "users", "dashboard", "valid_segments"):
        chosen = (asset, "segments_validation_report") if asset == "valid_segments" else (asset,)
        assert materialise(living, lab, *chosen).success, asset
        assert living.deployment.registry.runs.history(lab.id)[0].assets == tuple(sorted(chosen))
    assert living.state(lab) is LabState.READY
    assert len(living.deployment.registry.results.history(lab.id)) == 1


def test_an_asset_without_what_it_is_made_of_says_what_to_materialise(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.tick()
    assert not materialise(living, lab, "users").success
    (run,) = living.deployment.registry.runs.history(lab.id)
    assert run.state is RunState.FAILED and "Materialise valid_identifiers as well" in (run.reason or "")


def test_a_lab_without_data_cannot_be_chosen(living: Living) -> None:
    lab = living.lab()
    living.tick()
    with pytest.raises(dg.DagsterUnknownPartitionError):
        materialise(living, lab)


def test_a_lab_whose_data_were_taken_out_says_so(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.deployment.registry.provisioning.deprovision(lab.id, *FILES, by=ME)
    living.tick()
    assert not materialise(living, lab).success
    assert living.deployment.registry.runs.history(lab.id) == []


def test_a_partition_that_is_no_lab_says_so(living: Living) -> None:
    lab = replace(living.lab(), partition_key="by hand")
    living.instance.add_dynamic_partitions("data_labs", [lab.partition_key])
    with pytest.raises(dg.DagsterResourceFunctionError) as failure:
        living.execute(dg.RunRequest(partition_key=lab.partition_key))
    assert "There is no lab 'by hand'" in str(failure.value.__cause__)


def test_results_are_kept_as_long_as_configured_and_the_current_one_always(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.execute(*living.tick())
    first = living.deployment.registry.provisioning.datasets(lab.id)
    for rows in (13, 14, 15):
        living.provision(lab, {SEGMENTS: segments(rows)})
        living.execute(*living.tick())
    living.deployment.registry.provisioning.provision(
        lab.id, first, by=ME
    )  # the oldest result is the current one again
    living.deployment.settings = Settings(keep_results=1)
    assert len(living.stored(lab, "results")) == 4
    living.deployment.sweep()
    kept = living.deployment.registry.results.history(lab.id)
    assert [result.summary["segments.valid_rows"] for result in kept] == [15, 12]
    assert set(living.stored(lab, "results")) == {result.run_id for result in kept}
    assert len(living.stored(lab, "computed")) == 2
    assert len(living.stored(lab, "validated")) == 3  # identifiers, and the segments of both
    assert living.state(lab) is LabState.READY
    assert living.deployment.folders.place(lab.id).read(validated(IDENTIFIERS, first[IDENTIFIERS], REPORT))


def test_nothing_is_left_of_a_deleted_lab(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.execute(*living.tick())
    living.deployment.registry.labs.delete(lab.id, by=ME)
    living.deployment.sweep()
    assert living.stored(lab) == []
