"""The check `rows_intact`: rows that are not stored as they were written stop their lab, and no other."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from datalab.deployment.lab_objects import LabObjects
from datalab.registry import LabState
from datalab_dagster.graph.runs.selection import assets_to_run
from tests.living.conftest import FILES, Living


@pytest.mark.parametrize(("asset", "part"), [("valid_identifiers", "identifiers-"), ("users", "users-")])
def test_what_is_below_a_damaged_part_does_not_run_and_the_other_lab_is_ready(
    living: Living, asset: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    labs = [living.lab(name=name) for name in ("damaged", "other")]
    for lab in labs:
        living.provision(lab, FILES)
    put_file = LabObjects.put_file

    def put(self: LabObjects, name: str, file: Path) -> None:
        put_file(self, name, file)
        if labs[0].id in str(self.root) and part in name and name.endswith("part-00000.parquet"):
            stored = self.location(name)
            stored.write_bytes(stored.read_bytes()[:-9])

    monkeypatch.setattr(LabObjects, "put_file", put)
    ran = {}
    for request in living.tick():
        ended = living.execute(request, raise_on_error=False)
        ran[request.partition_key] = {event.step_key for event in ended.get_step_success_events()}
    damaged, other = (lab.partition_key for lab in labs)
    assert [living.state(lab) for lab in labs] == [LabState.FAILED, LabState.READY]
    assert {"segments_per_user", "statistics_report"} & ran[damaged] == set() and "statistics_report" in ran[other]
    assert "users" not in ran[damaged]
    reason = living.deployment.registry.runs.history(labs[0].id)[0].reason or ""
    assert part in reason and "part-00000.parquet" in reason
    assert living.deployment.registry.results.history(labs[0].id) == []

    key = dg.AssetCheckKey(dg.AssetKey(asset), "rows_intact")
    found = {}
    for record in living.instance.event_log_storage.get_asset_check_execution_history(key, limit=100):
        assert record.event is not None and record.event.dagster_event is not None
        found[record.partition] = record.event.dagster_event.asset_check_evaluation_data.passed
    assert found == {damaged: False, other: True}

    monkeypatch.setattr(LabObjects, "put_file", put_file)
    selection = assets_to_run(living.deployment, labs[0], ())
    again = dg.RunRequest(partition_key=damaged, asset_selection=selection)
    assert living.execute(again).success and living.state(labs[0]) is LabState.READY
