"""Every uploaded dataset is a partition of an asset, used or not; the datasets of a lab say which upload they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest

from datalab.registry.partition_keys import upload_key
from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph import uploads as module
from datalab_dagster.graph.uploads import report_uploads
from tests.living.conftest import FILES, IDENTIFIERS, SEGMENTS, Living, segments
from tests.staleness import reached, stale
from tests.unit.registry.conftest import ME

NAME = "uploaded_datasets"


def partitions(living: Living) -> set[str]:
    return set(living.instance.get_dynamic_partitions(NAME))


def metadata(living: Living, asset: str, partition: str) -> dict[str, Any]:
    """What the newest materialisation of a partition says."""
    found = living.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[partition]), limit=1
    )
    [record] = found.records
    assert record.asset_materialization is not None
    said: Mapping[str, Any] = record.asset_materialization.metadata
    return {name: value.value for name, value in said.items()}


def test_an_upload_that_no_lab_uses_is_reported_once(living: Living) -> None:
    manifest_hash = living.upload(segments(12))
    living.deployment.registry.datasets.set_facts(manifest_hash, {"kind": SEGMENTS.value})
    living.report(report_uploads)
    key = upload_key("file.csv", manifest_hash)
    assert key == f"file-csv~{manifest_hash[:12]}" and partitions(living) == {key}
    dataset = living.deployment.registry.datasets.get(manifest_hash)
    assert metadata(living, NAME, key) == {
        "datalab/name": "file.csv",
        "datalab/bytes": len(segments(12)),
        "datalab/looks_like": "segments",
        "datalab/uploaded_by": ME,
        "datalab/uploaded_at": dataset.created_at.timestamp(),
        "datalab/manifest_hash": manifest_hash,
    }
    skipped = living.report(report_uploads)
    assert isinstance(skipped, dg.SkipReason) and skipped.skip_message == "Nothing new: 1 dataset reported."


def test_a_deleted_dataset_has_no_partition(living: Living) -> None:
    kept, deleted = living.upload("u0\n"), living.upload("u1\n")
    living.report(report_uploads)
    living.deployment.datasets.delete(deleted, by=ME)
    answer = living.report(report_uploads)
    assert answer.skip_reason.skip_message == "0 datasets reported, 1 removed."
    assert partitions(living) == {upload_key("file.csv", kept)}


def test_a_report_is_repeated_until_it_is_stored_and_a_tick_reports_a_bounded_number(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REPORTS", 2)
    hashes = {living.upload(f"u{number}\n") for number in range(5)}
    living.evaluate(report_uploads)  # the daemon died before it stored this
    for left in (2, 4, 5):
        living.report(report_uploads)
        assert len(partitions(living)) == left
    assert partitions(living) == {upload_key("file.csv", one) for one in hashes}


def test_a_dataset_of_a_lab_names_its_upload_and_the_labs_that_use_it(living: Living) -> None:
    lab, other = living.lab(), living.lab(name="other")
    living.provision(lab, FILES)
    hashes = living.deployment.registry.provisioning.datasets(lab.id)
    living.deployment.registry.provisioning.provision(other.id, {IDENTIFIERS: hashes[IDENTIFIERS]}, by=ME)
    living.report()
    labs = ", ".join(sorted([lab.partition_key, other.partition_key]))
    wanted = {"datalab/name": "file.csv", "datalab/upload": upload_key("file.csv", hashes[IDENTIFIERS])}
    reported = metadata(living, IDENTIFIERS.value, lab.partition_key)
    assert reported.items() >= {**wanted, "datalab/labs": labs, "datalab/action": "PROVISIONED"}.items()
    first, *_ = living.tick()
    assert first.partition_key == lab.partition_key and living.execute(first).success
    by_run = metadata(living, IDENTIFIERS.value, lab.partition_key)
    assert by_run.items() >= {**wanted, "datalab/labs": labs, "datalab/in_lab": True}.items()
    assert metadata(living, SEGMENTS.value, lab.partition_key)["datalab/labs"] == lab.partition_key


def test_another_upload_makes_no_lab_stale(living: Living) -> None:
    lab = living.lab()
    living.provision(lab, FILES)
    living.report(report_uploads)
    living.execute(*living.tick())
    living.upload(segments(20))
    living.report(report_uploads)
    code = build_definitions()
    uploads = partitions(living)
    assert len(uploads) == 3
    # Conditions of assets follow this. Staleness does not: of external assets, Dagster compares observations only.
    assert not any(reached(living.instance, code, NAME, upload) for upload in uploads)
    graph = code.resolve_asset_graph()
    assert all(dg.AssetKey(NAME) in graph.get(dg.AssetKey(kind.value)).parent_keys for kind in FILES)
    assets = [key.to_user_string() for key in graph.get_all_asset_keys() if key != dg.AssetKey(NAME)]
    assert stale(living.instance, code, assets, lab.partition_key) == set()
