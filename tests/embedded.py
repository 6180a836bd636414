"""A small Dagster project with a Data Lab in it, and the preflight that it is compared with; no test is here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from datalab.kinds import DatasetKind
from datalab_dagster import data_lab_assets
from datalab_dagster.graph.preflight import preflight
from resources import LogProgress
from tests.labs import make_lab, wire_lab

PLANTED = "planted-4711"
LAB = wire_lab(requireSegments=True)
IDS = pd.DataFrame([(f"u{n}", "email", f"a{n}@b.example") for n in range(20)], columns=["user_id", "id_name", "id"])
SEGMENTS = pd.DataFrame([(f"u{n}", f"s{n % 10}") for n in range(20)], columns=["user_id", "segment"])
BAD = pd.DataFrame([*SEGMENTS.itertuples(index=False), (PLANTED, None)], columns=["user_id", "segment"])
DAYS = dg.DailyPartitionsDefinition("2026-11-01", end_date="2026-11-05")
DATASETS = {"identifiers": "ids", "segments": "crm/segments"}


@dataclass
class Project:
    """A project whose assets `ids` and `crm/segments` give what it says, or segments `by_partition`."""

    storage: Path
    partitions_def: dg.PartitionsDefinition[str] | None = None
    segments: Any = field(default_factory=lambda: SEGMENTS)
    ids: Any = field(default_factory=lambda: IDS)
    arguments: dict[str, Any] = field(default_factory=dict)
    downstream: Sequence[dg.AssetsDefinition] = ()
    by_partition: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def lab(self, **arguments: Any) -> list[dg.AssetsDefinition]:
        given = {
            "lab": LAB,
            "datasets": DATASETS,
            "name": "crm",
            "storage": self.storage,
            **self.arguments,
            **arguments,
        }
        return data_lab_assets(**{"partitions_def": self.partitions_def, **given})

    def assets(self) -> list[dg.AssetsDefinition]:
        @dg.asset(partitions_def=self.partitions_def)
        def ids() -> Any:
            return self.ids

        @dg.asset(partitions_def=self.partitions_def, key_prefix="crm")
        def segments(context: dg.AssetExecutionContext) -> Any:
            return self.by_partition[context.partition_key] if self.by_partition else self.segments

        return [ids, segments, *self.lab(), *self.downstream]

    def run(
        self, partition: str | None = None, *, selection: Any = None, instance: dg.DagsterInstance | None = None
    ) -> dg.ExecuteInProcessResult:
        with dg.DagsterInstance.ephemeral() if instance is None else instance as used:
            return dg.materialize(
                self.assets(),
                partition_key=partition,
                selection=selection,
                instance=used,
                raise_on_error=False,
                resources={"io_manager": dg.mem_io_manager},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )

    def file(self, name: str, partition: str = "") -> bytes:
        return (self.storage / "crm" / partition / name).read_bytes()


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Return the checks that were evaluated, by asset and name."""
    return {
        f"{one.asset_key.to_user_string()}:{one.check_name}": one.passed for one in result.get_asset_check_evaluations()
    }


def materialised(result: dg.ExecuteInProcessResult) -> set[str]:
    events = result.get_asset_materialization_events()
    return {event.asset_key.to_user_string() for event in events if event.asset_key}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    [failed] = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_FAILURE]
    error = failed.step_failure_data.error
    assert error is not None
    return error.cause.message if error.cause else error.message


def preflight_of(out: Path, segments: pd.DataFrame = SEGMENTS, ids: pd.DataFrame = IDS) -> Path:
    """Return the folder with the results of a preflight of the files that pandas writes."""
    out.mkdir()
    files = {DatasetKind.IDENTIFIERS: out / "ids.csv", DatasetKind.SEGMENTS: out / "segments.csv"}
    for path, frame in zip(files.values(), (ids, segments), strict=True):
        frame.to_csv(path, index=False, header=False)
    preflight(make_lab(requireSegments=True), files, out / "results", LogProgress())
    return out / "results"
