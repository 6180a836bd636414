"""Against a running deployment: a publisher launches jobs in Dagster's pages with a run configuration of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from datalab import connectors
from datalab.connectors import Entry, connector_for
from datalab.errors import UsageError
from datalab_dagster.service import LabInfo
from tests.attacks.addresses import record, secret
from tests.living.world import PATIENCE, World
from tests.up.processes import within

pytestmark = [pytest.mark.attack, pytest.mark.long]

LAUNCH = """
mutation ($job: String!, $config: RunConfigData!) {
  launchPipelineExecution(executionParams: {
    selector: {
      repositoryLocationName: "datalab_dagster.definitions", repositoryName: "__repository__", pipelineName: $job
    },
    runConfigData: $config
  }) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PythonError { message }
  }
}
"""


def launch(world: World, job: str, config: dict[str, Any]) -> dict[str, Any]:
    """Launch a job as the launchpad does, signed in."""
    answer = httpx.post(
        f"{record(world).dagster_url}/graphql",
        headers={"Authorization": f"Bearer {secret(world)}"},
        json={"query": LAUNCH, "variables": {"job": job, "config": config}},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]["launchPipelineExecution"]
    return found


@pytest.fixture(scope="module")
def lab(world: World) -> LabInfo:
    return world.service.create_lab(world.definition)


@pytest.fixture(scope="module")
def zone(world: World, lab: LabInfo) -> Path:
    """A drop zone that holds a link only."""
    folder = world.home / "drop" / "2026-11"
    folder.mkdir(parents=True)
    (folder / "segments-1.csv").symlink_to(world.data_home / "master.key")
    (world.data_home / "datalab.yaml").write_text(
        f"dropZones:\n  - {{lab: {lab.id}, dataset: segments, pattern: '{folder.parent}/2026-*/segments-*.csv'}}\n"
    )
    return folder


def fingerprint(address: str) -> str:
    """The fingerprint of what is at an address, or of an empty file."""
    try:
        entry = connector_for(address).find(address)
    except UsageError:
        entry = None
    return (entry or Entry(address, 0, "", None)).fingerprint


def reason(world: World, run_id: str) -> str:
    """The class of the error that ended a run."""
    failures = world.instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    assert len(failures) == 1, failures
    data: Any = failures[0].get_dagster_event().step_failure_data
    return str((data.error.cause or data.error).cls_name)


def test_a_run_takes_only_what_its_zone_lists(world: World, lab: LabInfo, zone: Path) -> None:
    key = f"file://{world.data_home}/master.key"
    addresses = {
        "another file": key,
        "a link": f"file://{zone}/segments-1.csv",
        "a chain": f"file://{zone}/segments-1.csv::{key}",
        "another scheme": "memory://segments-1.csv",
    }
    runs = {}
    for name, address in addresses.items():
        file = {"lab": lab.id, "dataset": "segments", "url": address, "fingerprint": fingerprint(address)}
        launched = launch(world, "take_from_drop_zone", {"ops": {"take_file": {"config": file}}})
        assert launched["__typename"] == "LaunchRunSuccess", (name, launched)
        runs[name] = launched["run"]["runId"]

    def ended() -> bool:
        found = [world.instance.get_run_by_id(run_id) for run_id in runs.values()]
        return all(run is not None and run.is_finished for run in found)

    assert within(2 * PATIENCE, ended), world.said()
    for name, run_id in runs.items():
        run = world.instance.get_run_by_id(run_id)
        assert run is not None and run.status is dg.DagsterRunStatus.FAILURE, name
        said = reason(world, run_id)
        assert issubclass(getattr(connectors, said, UsageError if said == "UsageError" else int), UsageError), said
    assert world.service.datasets() == []
    assert world.service.lab(lab.id).slots == []


@pytest.mark.parametrize(
    ("resource", "option"),
    [
        ("workspace", {"minimum_count": 0}),
        ("workspace", {"statistics_version": 1}),
        ("sql", {"memory_limit": "1TiB"}),
        ("thresholds", {"limits": {}}),
    ],
)
def test_options_of_the_settings_are_refused_at_launch(world: World, resource: str, option: dict[str, Any]) -> None:
    before = world.instance.get_runs_count()
    launched = launch(world, "validate_data_lab", {"resources": {resource: {"config": option}}})
    assert launched["__typename"] == "RunConfigValidationInvalid", launched
    assert next(iter(option)) in str(launched["errors"])
    assert world.instance.get_runs_count() == before
