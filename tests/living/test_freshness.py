"""The check `fresh`: passed by a run, evaluated again every night, for each lab alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from datalab.home.settings import FreshnessSettings, Settings
from datalab_dagster.graph.freshness import report_freshness
from datalab_dagster.graph.jobs import sweep_deployment
from tests.living.conftest import FILES, Living


def evaluations(living: Living) -> dict[str | None, list[tuple[bool, int]]]:
    """Whether the check passed, and the age in days, by partition; the newest first."""
    found: dict[str | None, list[tuple[bool, int]]] = {}
    key = dg.AssetCheckKey(dg.AssetKey("validation_status"), "fresh")
    for record in living.instance.event_log_storage.get_asset_check_execution_history(key, limit=100):
        assert record.event is not None and record.event.dagster_event is not None
        data = record.event.dagster_event.asset_check_evaluation_data
        found.setdefault(record.partition, []).append((data.passed, data.metadata["datalab/age_days"].value))
    return found


@pytest.mark.parametrize(("days", "passed"), [(6, True), (7, True), (8, False)])
def test_a_result_that_is_too_old_fails_the_check_of_its_lab(living: Living, days: int, passed: bool) -> None:
    lab, waiting = living.lab(), living.lab(name="waiting")
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success
    living.deployment.settings = Settings(freshness=FreshnessSettings(days=7))
    now = datetime.now(UTC) + timedelta(days=days, minutes=1)
    report_freshness(living.deployment, living.instance, now)
    assert evaluations(living) == {lab.partition_key: [(passed, days), (True, 0)]}
    assert waiting.partition_key not in evaluations(living)


def test_the_nightly_sweep_evaluates_it(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    assert living.execute(*living.tick()).success
    assert sweep_deployment.execute_in_process(instance=living.instance).success
    assert evaluations(living) == {lab.partition_key: [(True, 0), (True, 0)]}
