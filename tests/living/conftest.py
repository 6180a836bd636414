"""A living lab without processes: a real database, the real graph, sensors that are evaluated by hand."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from datalab.deployment import Deployment
from datalab.kinds import DatasetKind
from datalab.registry import Lab, LabState
from datalab_dagster.graph import private
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.graph.jobs import VALIDATE
from tests.labs import MATCHED_USER_ID, make_lab
from tests.unit.registry.conftest import ME, server, url

__all__ = ["server", "url"]

IDENTIFIERS, SEGMENTS, DEMOGRAPHICS, EMBEDDINGS, *_ = DatasetKind


def segments(number: int) -> str:
    """The given number of rows, each with another segment; fewer than ten would be a data error."""
    return "".join(f"u{row % 3},s{row}\n" for row in range(number))


FILES = {IDENTIFIERS: "u0\nu1\nu2\n", SEGMENTS: segments(12)}


@dataclass
class Living:
    """A deployment with everything that acts on it."""

    deployment: Deployment
    instance: dg.DagsterInstance
    cursor: str | None = None

    def lab(self, **keys: Any) -> Lab:
        """Make a lab with identifiers and segments whose statistics have no data error."""
        options = {"numIdentifiersColumns": 1, "requireSegments": True, "name": "mine", **keys}
        return self.deployment.registry.labs.create(make_lab(MATCHED_USER_ID, **options), by=ME)

    def upload(self, text: str) -> str:
        return self.deployment.datasets.upload(io.BytesIO(text.encode()), "file.csv", by=ME).manifest_hash

    def provision(self, lab: Lab, files: Mapping[DatasetKind, str], cause: str = "") -> None:
        hashes = {kind: self.upload(text) for kind, text in files.items()}
        self.deployment.registry.provisioning.provision(lab.id, hashes, by=ME, cause=cause)

    def tick(self) -> list[dg.RunRequest]:
        """Evaluate the sensors of lost runs and of provisioning as the daemon does, and keep its cursor."""
        from datalab_dagster.graph.sensors import lost_runs, provisioning

        self.evaluate(lost_runs)
        answer = self.evaluate(provisioning)
        if isinstance(answer, dg.SkipReason):
            return []
        self._change_partitions(answer)
        self.cursor = answer.cursor
        return list(answer.run_requests or [])

    def _change_partitions(self, answer: Any) -> None:
        for request in answer.dynamic_partitions_requests or []:
            name = request.partitions_def_name
            if isinstance(request, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions(name, list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition(name, key)

    def report(self, sensor: Any = None) -> Any:
        """Store the events and partitions that a sensor names, by default that of provisioning, as the daemon does."""
        from datalab_dagster.graph.sensors import provisioning

        answer = self.evaluate(sensor or provisioning)
        if not isinstance(answer, dg.SkipReason):
            for event in answer.asset_events:
                self.instance.report_runless_asset_event(event)
            self._change_partitions(answer)
        return answer

    def evaluate(self, sensor: Any) -> Any:
        return sensor(dg.build_sensor_context(instance=self.instance, cursor=self.cursor))

    def execute(self, request: dg.RunRequest, **options: Any) -> dg.ExecuteInProcessResult:
        """Execute what a sensor asked for."""
        from datalab_dagster.definitions import build_definitions

        return (
            build_definitions()
            .resolve_job_def("validate_data_lab")
            .execute_in_process(
                partition_key=request.partition_key,
                asset_selection=request.asset_selection,
                tags=dict(request.tags),
                instance=self.instance,
                **options,
            )
        )

    def stored(self, lab: Lab, *folder: str) -> list[str]:
        """Return what is stored of a lab in a folder, wherever the storage is."""
        found = self.deployment.folders.place(lab.id).root.joinpath(*folder)
        return sorted(path.name for path in found.iterdir()) if found.exists() else []

    def retry(self, run_id: str) -> dg.ExecuteJobResult:
        """Execute what Dagster's daemon makes of a run whose process was lost: another attempt, with the same tags."""
        earlier = self.instance.get_run_by_id(run_id)
        assert earlier is not None
        root = earlier.root_run_id or run_id
        tags = {"is_resume_retry": "true", "retry_number": "1", "root_run_id": root, "parent_run_id": run_id}
        return dg.execute_job(
            private.job_in(CODE_LOCATION, VALIDATE),
            instance=self.instance,
            reexecution_options=dg.ReexecutionOptions.from_failure(run_id, self.instance),
            tags={**earlier.tags, **{f"dagster/{key}": value for key, value in tags.items()}},
        )

    def state(self, lab: Lab) -> LabState:
        return self.deployment.registry.labs.state(lab.id).state


@pytest.fixture
def living(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    monkeypatch.setenv("DATALAB_POSTGRES_URL", url)
    monkeypatch.setenv("DATALAB_HOME", str(tmp_path / "home"))
    with Deployment.open() as deployment, dg.DagsterInstance.ephemeral() as instance:
        # An instance in memory has no reference by which the context of a schedule could open it.
        monkeypatch.setattr(dg.ScheduleEvaluationContext, "instance", property(lambda _: instance))
        yield Living(deployment, instance)


def names(request: dg.RunRequest) -> set[str]:
    """The assets of a run."""
    return {key.to_user_string() for key in request.asset_selection or []}
