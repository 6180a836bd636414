"""Dagster's IO managers can stand over a place: one class on `UPathIOManager`, which needs no more than its methods."""

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from datalab.deployment.addresses import USERS, computed
from datalab.deployment.lab_folders import LabFolders
from datalab.deployment.places import Place, PlainPlace
from datalab.kinds import DatasetKind
from datalab.storage import Key

DATASETS = {DatasetKind.IDENTIFIERS: "a" * 64}


class PlaceIOManager(dg.UPathIOManager):
    """Keeps a handle of rows, or a document, at the address of the asset."""

    def __init__(self, place: Place) -> None:
        super().__init__(base_path=UPath("memory://places"))
        self.place = place

    def dump_to_path(self, context: dg.OutputContext, obj: Path | str, path: UPath) -> None:
        address = computed(DATASETS, context.asset_key.path[-1])
        if isinstance(obj, Path):
            self.place.keep_rows(address, obj)
        else:
            self.place.write(address, obj)

    def load_from_path(self, context: dg.InputContext, path: UPath) -> Path | bytes:
        name = context.asset_key.path[-1]
        address = computed(DATASETS, name)
        return self.place.open_rows(address) if name == USERS else self.place.read(address)


@pytest.mark.parametrize("encrypted", [True, False])
def test_an_io_manager_over_a_place(tmp_path: Path, encrypted: bool) -> None:
    scratch, root, key = tmp_path / "scratch", tmp_path / "root", Key()
    scratch.mkdir()
    root.mkdir()
    place: Place = LabFolders(root, lambda _: key).place("lab-1", scratch) if encrypted else PlainPlace(root, "lab-1")
    labs = dg.StaticPartitionsDefinition(["lab-1"])

    @dg.asset(partitions_def=labs)
    def users() -> Path:
        path = scratch / "new-users.parquet"
        pq.write_table(pa.table({"user_id": ["u1", "u2"]}), path)
        return path

    @dg.asset(partitions_def=labs)
    def panel(users: Any) -> str:
        return str(pq.read_table(users).num_rows)

    @dg.asset(partitions_def=labs)
    def report(context: dg.AssetExecutionContext, panel: Any) -> str:
        context.add_output_metadata({"users": int(panel)})
        return "{}"

    resources = {"io_manager": PlaceIOManager(place)}
    result = dg.materialize([users, panel, report], partition_key="lab-1", resources=resources)
    [event] = result.asset_materializations_for_node("report")
    assert result.success and event.metadata["users"].value == 2
    assert place.read(computed(DATASETS, "panel")) == b"2" and place.open_rows(computed(DATASETS, USERS)).exists()
