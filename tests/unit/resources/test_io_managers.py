"""The IO managers: handles and models go through the place of the run, and say what went wrong without a value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from assets import ALL_ASSETS, data_labs, uploaded_datasets
from datalab.deployment.addresses import USERS, computed
from datalab.deployment.errors import DatasetNotValidated
from datalab.deployment.handles import NewRows, StoredRows
from datalab.deployment.lab_folders import LabFolders
from datalab.deployment.plain_place import PlainPlace
from datalab.errors import OutputFailed, UnexpectedFailure
from datalab.kinds import DatasetKind
from datalab.registry.errors import DatabaseUnreachable
from datalab.results.files import VALIDATION_STATUS
from datalab.storage import Key
from datalab.storage.errors import StoreUnreachable
from datalab.storage.objects import Objects
from datalab_dagster.graph.preflight import PreflightOptions, run_graph
from resources import AGGREGATES, IO_MANAGERS, ROWS, LogProgress, PreflightRun
from resources.preflight import PREFLIGHT
from tests.labs import make_lab
from tests.waiting import retry_at_once

SEGMENTS, IDENTIFIERS = DatasetKind.SEGMENTS, DatasetKind.IDENTIFIERS
PLANTED = "planted-4711"
LAB = make_lab(requireSegments=True)


class Numbers(BaseModel):
    users: int


class World:
    """A run whose place is plain or encrypted, and a graph of three assets under names of the real one."""

    def __init__(self, folder: Path, *, encrypted: bool) -> None:
        files = {}
        for kind, text in ((IDENTIFIERS, "u1,email,a@b.example\n"), (SEGMENTS, "u1,a\n")):
            files[kind] = folder / f"{kind}.csv"
            files[kind].write_text(text)
        self.root = folder / "root"
        self.root.mkdir()
        self.run = PreflightRun(self.root, LAB, files, folder)
        if encrypted:
            key = Key()
            folders = LabFolders(Objects(folder / "home"), lambda _: key)
            self.run.place = folders.place("lab-1", self.root)  # type: ignore[assignment]

    def materialise(self, assets: list[Any], selection: list[Any] | None = None) -> dg.ExecuteInProcessResult:
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions(data_labs.name or "", [PREFLIGHT])
            return dg.materialize(
                assets,
                selection=selection,
                instance=instance,
                partition_key=PREFLIGHT,
                resources={"run": self.run, **IO_MANAGERS},
                raise_on_error=False,
            )

    def write_users(self) -> NewRows:
        path = self.root / "new.parquet"
        pq.write_table(pa.table({"user_id": ["u1", PLANTED]}), path)
        return NewRows({USERS: path})


@pytest.fixture(params=[True, False], ids=["encrypted", "plain"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(tmp_path, encrypted=request.param)


def graph(world: World, seen: list[Any]) -> list[Any]:
    @dg.asset(partitions_def=data_labs, io_manager_key=ROWS)
    def users() -> NewRows:
        return world.write_users()

    @dg.asset(partitions_def=data_labs, io_manager_key=AGGREGATES)
    def panel(users: StoredRows) -> Numbers:
        seen.append(users)
        return Numbers(users=pq.read_table(users.open()).num_rows)

    @dg.asset(partitions_def=data_labs)
    def report(panel: Numbers) -> None:
        seen.append(panel)

    return [users, panel, report]


def test_a_handle_and_a_model_go_through_the_place(world: World) -> None:
    seen: list[Any] = []
    ended = world.materialise(graph(world, seen))
    assert ended.success
    rows, model = seen
    assert isinstance(rows, StoredRows) and rows.address == world.run.computed(USERS)
    assert model == Numbers(users=2)
    assert world.run.place.read(computed(world.run.datasets, "panel")) == b'{"users":2}'
    told = "".join(str(event) for event in ended.all_events)
    assert str(world.run.place.location(computed(world.run.datasets, "panel"))) in told and PLANTED not in told


def test_an_asset_that_is_materialised_alone_takes_what_an_earlier_run_stored(world: World) -> None:
    seen: list[Any] = []
    assets = graph(world, seen)
    assert world.materialise(assets).success
    (world.root / "new.parquet").unlink(missing_ok=True)
    assert world.materialise(assets, selection=[assets[2]]).success
    assert seen[-1] == Numbers(users=2)


def test_rows_that_are_not_there_fail_the_step_and_name_the_dataset(world: World) -> None:
    @dg.asset(partitions_def=data_labs, io_manager_key=ROWS)
    def valid_segments() -> NewRows:
        raise AssertionError

    @dg.asset(partitions_def=data_labs)
    def panel(valid_segments: StoredRows) -> None:
        valid_segments.open()

    ended = world.materialise([valid_segments, panel], selection=[panel])
    assert not ended.success
    assert "segments" in causes(ended) and DatasetNotValidated.__name__ in causes(ended)


def test_a_dataset_that_the_lab_does_not_have_is_none(tmp_path: Path) -> None:
    world, seen = World(tmp_path, encrypted=False), []

    @dg.asset(partitions_def=data_labs, io_manager_key=ROWS)
    def valid_embeddings() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(value=None)

    @dg.asset(partitions_def=data_labs)
    def panel(valid_embeddings: Any) -> None:
        seen.append(valid_embeddings)

    assert world.materialise([valid_embeddings, panel]).success
    assert seen == [None] and list(world.root.iterdir()) == []


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("method", ["keep_rows", "read"])
def test_no_value_is_in_the_failure_of_a_place(world: World, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(world.run.place), method, failing(KeyError(PLANTED)))
    ended = world.materialise(graph(world, []))
    assert not ended.success and UnexpectedFailure.__name__ in causes(ended)
    assert PLANTED not in "".join(str(event) for event in ended.all_events)
    [reason] = world.run._failures.values()
    assert "KeyError" in reason and PLANTED not in reason


@pytest.mark.parametrize("away", [DatabaseUnreachable("it is away"), StoreUnreachable("s3://bucket", "it is away")])
@pytest.mark.parametrize("method", ["keep_rows", "read"])
def test_a_step_is_retried_while_the_database_or_the_store_is_away(
    world: World, method: str, away: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry_at_once(monkeypatch)
    real, times = getattr(type(world.run.place), method), []

    def sometimes(*arguments: object) -> object:
        times.append(method)
        if len(times) < 3:
            raise away
        return real(*arguments)

    monkeypatch.setattr(type(world.run.place), method, sometimes)
    ended = world.materialise(graph(world, []))
    assert ended.success
    assert sum(event.event_type is dg.DagsterEventType.STEP_RESTARTED for event in ended.all_events) == 2


def test_a_report_that_cannot_be_stored_fails_the_run_and_leaves_the_validation_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = World(tmp_path, encrypted=False).run
    monkeypatch.setattr(PlainPlace, "write", failing(OutputFailed(tmp_path, "No space left on device")))
    selection = dg.AssetSelection.groups("datasets", "validation")
    with pytest.raises(OutputFailed):
        run_graph(run, LogProgress(), PreflightOptions(), selection)
    assert not run.interrupted, "the run failed, it was not interrupted"
    assert "No space left" in next(iter(run._failures.values()))
    assert not any(run.place.is_validated(kind, run.datasets[kind]) for kind in run.datasets)


def test_a_status_is_read_where_the_newest_one_is(tmp_path: Path) -> None:
    asked: list[Any] = []
    run = World(tmp_path, encrypted=False).run
    run.result_with = lambda file: asked.append(file) or run.result(file)  # type: ignore[method-assign, func-returns-value]
    from resources.asset_names import read_at, written_at

    assert read_at(run, "validation_status") == written_at(run, "validation_status") == run.result(VALIDATION_STATUS)
    assert asked == [VALIDATION_STATUS]


def test_no_asset_reads_what_it_does_not_take() -> None:
    """An edge without an input would be data that go round the IO managers."""
    for asset in ALL_ASSETS:
        taken = {asset.keys_by_input_name[name] for name in asset.node_def.input_dict if not nothing(asset, name)}
        for key in asset.keys:
            assert asset.asset_deps[key] - {uploaded_datasets.key} == taken, key  # an upload is not in the run's place


def nothing(asset: dg.AssetsDefinition, name: str) -> bool:
    return asset.node_def.input_dict[name].dagster_type.is_nothing


def causes(ended: dg.ExecuteInProcessResult) -> str:
    """Return the kinds and texts of all causes of failed steps."""
    found = []
    for event in ended.all_events:
        if event.event_type is dg.DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            while error:
                found.append(f"{error.cls_name} {error.message}")
                error = error.cause
    return "\n".join(found)
