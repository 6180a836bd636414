"""A Data Lab in another project: any partitions and form of dataset, the reports of a preflight, no value."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from upath import UPath

from datalab.deployment.handles import StoredRows
from datalab.results.status import ValidationStatus
from datalab.statistics.datasets import ValidatedDataset
from datalab.storage import Key
from datalab_dagster import data_lab_report
from tests.embedded import (
    BAD,
    DATASETS,
    DAYS,
    IDS,
    LAB,
    PLANTED,
    SEGMENTS,
    Project,
    checks,
    failure_of,
    materialised,
    preflight_of,
)


def test_a_lab_has_the_results_of_a_preflight(tmp_path: Path) -> None:
    project = Project(tmp_path / "labs")
    result = project.run()
    assert result.success and all(checks(result).values())
    expected = preflight_of(tmp_path / "preflight")
    for name in ("validation-status.json", "statistics.json", "matchable-users.json"):
        assert project.file(name) == (expected / name).read_bytes()
    for kind in ("identifiers", "segments"):
        name = f"{kind}/validation-report.json"
        assert project.file(name) == (expected / name).read_bytes()
    assert b"Data Lab" in project.file("dashboard.html")


def test_only_what_the_lab_has_is_an_asset(tmp_path: Path) -> None:
    keys = {key.to_user_string() for assets in Project(tmp_path).lab() for key in assets.keys}
    assert "crm/valid_segments" in keys and "crm/segment_user_counts" in keys
    assert not {key for key in keys if "demographic" in key or "embeddings" in key}
    assert {key.partition("/")[0] for key in keys} == {"crm"}


def test_a_partition_with_bad_rows_stops_what_is_downstream_and_the_next_one_does_not(tmp_path: Path) -> None:
    taken: list[int] = []

    @dg.asset(partitions_def=DAYS, ins={"rows": dg.AssetIn(["crm", "valid_segments"])})
    def audience(rows: pd.DataFrame) -> None:
        taken.append(len(rows))

    segments = {"2026-11-01": BAD, "2026-11-02": SEGMENTS}
    project = Project(tmp_path / "labs", DAYS, by_partition=segments, downstream=[audience])
    bad = project.run("2026-11-01")
    assert not bad.success and taken == []
    assert [name for name, passed in checks(bad).items() if not passed] == [
        "crm/segments_validation_report:invalid_rows_tolerated"
    ]
    assert materialised(bad) >= {"crm/segments_validation_report", "crm/valid_segments", "crm/valid_identifiers"}
    assert not materialised(bad) & {"audience", "crm/users", "crm/validation_status", "crm/dashboard"}
    expected = preflight_of(tmp_path / "preflight", BAD)
    name = "segments/validation-report.json"
    assert project.file(name, "2026-11-01") == (expected / name).read_bytes()
    assert project.run("2026-11-02").success and taken == [20]
    assert project.file(name, "2026-11-01") == (expected / name).read_bytes()


def test_as_many_invalid_rows_as_the_project_tolerates_do_not_block(tmp_path: Path) -> None:
    share = 1 / len(BAD)
    assert Project(tmp_path, segments=BAD, arguments={"tolerated_invalid_share": share}).run().success
    assert not Project(tmp_path, segments=BAD, arguments={"tolerated_invalid_share": share - 1e-9}).run().success


def test_a_dataset_without_a_valid_row_and_one_that_fails_block_whatever_is_tolerated(tmp_path: Path) -> None:
    empty = Project(tmp_path / "a", segments=BAD[-1:], arguments={"tolerated_invalid_share": 1.0}).run()
    assert [name for name, passed in checks(empty).items() if not passed] == ["crm/valid_segments:has_valid_rows"]
    keep = {"tolerated_invalid_share": 1.0, "lab": {**LAB, "dropInvalidRows": False}}
    failed = Project(tmp_path / "b", segments=BAD, arguments=keep).run()
    assert "crm/segments_validation_report:outcome_passed" in {
        name for name, passed in checks(failed).items() if not passed
    }
    assert not empty.success and not failed.success


def test_a_verdict_that_is_not_success_does_not_block(tmp_path: Path) -> None:
    result = Project(tmp_path, segments=SEGMENTS.assign(user_id="x-" + SEGMENTS["user_id"])).run()
    assert result.success and checks(result)["crm/validation_status:ready"] is False
    assert "crm/dashboard" in materialised(result)


def _forms(folder: Path) -> dict[str, Any]:
    path = folder / "segments.csv"
    BAD.to_csv(path, index=False, header=False)
    remote = UPath("memory://publisher/segments.csv")
    remote.write_bytes(path.read_bytes())
    table = pa.Table.from_pandas(BAD)
    return {
        "path": path,
        "text": str(path),
        "address": "memory://publisher/segments.csv",
        "upath": remote,
        "local upath": UPath(path),
        "pandas": BAD,
        "polars": pl.from_pandas(BAD),
        "arrow": table,
        "reader": table.to_reader(),
        "duckdb": duckdb.from_arrow(table),
    }


def test_every_form_of_a_dataset_has_the_same_report(tmp_path: Path) -> None:
    expected = (preflight_of(tmp_path / "preflight", BAD) / "segments/validation-report.json").read_bytes()
    found = {}
    for name, value in _forms(tmp_path).items():
        project = Project(tmp_path / f"labs {name}", segments=value)
        project.run()
        found[name] = project.file("segments/validation-report.json")
    assert found == dict.fromkeys(found, expected)


def test_the_columns_of_an_input_are_those_of_the_dataset(tmp_path: Path) -> None:
    wide = SEGMENTS.assign(day="2026-11-01")[["day", "segment", "user_id"]]
    source = dg.AssetIn(["crm", "segments"], metadata={"columns": ["user_id", "segment"]})
    chosen = {"datasets": {**DATASETS, "segments": source}}
    assert Project(tmp_path, segments=wide, arguments=chosen).run().success
    missing = Project(tmp_path, segments=wide.drop(columns="segment"), arguments=chosen).run()
    assert "The table has no column 'segment'" in failure_of(missing)


MULTI = dg.MultiPartitionsDefinition({"country": dg.StaticPartitionsDefinition(["de", "fr"]), "day": DAYS})


@pytest.mark.parametrize(
    ("partitions_def", "partition", "folder"),
    [
        (dg.StaticPartitionsDefinition(["de", "f/r"]), "f/r", "f%2Fr"),
        (dg.DynamicPartitionsDefinition(name="shops"), "..", "%2E."),
        (MULTI, dg.MultiPartitionKey({"country": "de", "day": "2026-11-01"}), "de%7C2026-11-01"),
        (dg.HourlyPartitionsDefinition("2026-11-01-00:00"), "2026-11-01-05:00", "2026-11-01-05%3A00"),
    ],
)
def test_any_partitions(
    partitions_def: dg.PartitionsDefinition[str], partition: str, folder: str, tmp_path: Path
) -> None:
    project = Project(tmp_path / "labs", partitions_def)
    with dg.DagsterInstance.ephemeral() as instance:
        if isinstance(partitions_def, dg.DynamicPartitionsDefinition):
            instance.add_dynamic_partitions("shops", [partition])
        assert project.run(partition, instance=instance).success
    assert json.loads(project.file("validation-status.json", folder))["status"] == "SUCCESS"


def test_statistics_are_compared_with_the_day_before(tmp_path: Path) -> None:
    project = Project(tmp_path, DAYS, by_partition={"2026-11-01": SEGMENTS, "2026-11-02": SEGMENTS[:10]})
    assert project.run("2026-11-01").success and project.run("2026-11-02").success
    assert not (tmp_path / "crm/2026-11-01/comparison.json").exists()
    assert json.loads(project.file("comparison.json", "2026-11-02"))["warnings"]


def test_without_time_windows_statistics_are_compared_with_those_before(tmp_path: Path) -> None:
    assert Project(tmp_path).run().success
    again = Project(tmp_path, segments=SEGMENTS[:10])
    assert again.run().success
    assert json.loads(again.file("comparison.json"))["warnings"]


def _frame(taken: pd.DataFrame) -> bool:
    return len(taken) == 20 and list(taken.columns) == ["user_id", "segment"]


def _table(taken: pa.Table) -> bool:
    return bool(taken.num_rows == 20)


def _handle(taken: StoredRows) -> bool:
    return taken.open().suffix == ".parquet" and taken.summary.total_rows == 20


def _status(taken: ValidationStatus) -> bool:
    return taken.status == "SUCCESS"


def _document(taken) -> bool:  # type: ignore[no-untyped-def]
    return bool(taken["status"] == "SUCCESS")


def _report(taken: ValidatedDataset) -> bool:
    return taken.total_rows == 20


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (_frame, "valid_segments"),
        (_table, "valid_segments"),
        (_handle, "valid_segments"),
        (_status, "validation_status"),
        (_document, "validation_status"),
        (_report, "segments_validation_report"),
    ],
)
def test_what_is_downstream_gets_the_type_that_it_asks_for(
    body: Callable[[Any], bool], key: str, tmp_path: Path
) -> None:
    downstream = dg.asset(name="downstream", ins={"taken": dg.AssetIn(["crm", key])})(body)
    result = Project(tmp_path, downstream=[downstream]).run()
    assert result.success and result.output_for_node("downstream") is True


def test_several_partitions_are_a_dict_for_what_is_downstream(tmp_path: Path) -> None:
    taken: dict[str, int] = {}

    @dg.asset(ins={"rows": dg.AssetIn(["crm", "valid_segments"], partition_mapping=dg.AllPartitionMapping())})
    def everything(rows: dict[str, Any]) -> None:
        taken.update({partition: stored.summary.total_rows for partition, stored in rows.items()})

    two = dg.StaticPartitionsDefinition(["de", "fr"])
    by_partition = {"de": SEGMENTS, "fr": SEGMENTS[:15]}
    project = Project(tmp_path, two, by_partition=by_partition, downstream=[everything])
    others = dg.AssetSelection.all() - dg.AssetSelection.assets(everything)
    assert project.run("de", selection=others).success and project.run("fr", selection=others).success
    assert project.run(selection=[everything]).success
    assert taken == {"de": 20, "fr": 15}


def test_two_labs_live_in_one_project(tmp_path: Path) -> None:
    project = Project(tmp_path)
    both = [*project.assets(), *project.lab(name="kiosk", storage=tmp_path / "kiosks")]
    dg.Definitions(assets=both, resources={"io_manager": dg.mem_io_manager}).resolve_all_job_defs()
    result = dg.materialize(both, resources={"io_manager": dg.mem_io_manager})
    assert result.success
    assert project.file("statistics.json") == (tmp_path / "kiosks/kiosk/statistics.json").read_bytes()


def _all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_with_a_key_no_file_holds_a_value_of_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key()
    ids = pd.concat([IDS.assign(user_id=PLANTED), pd.DataFrame([("u1", "email", PLANTED)], columns=IDS.columns)])
    planted = {"segments": BAD, "ids": ids, "arguments": {"tolerated_invalid_share": 1.0}}
    plain, sealed = Project(tmp_path / "plain", **planted), Project(tmp_path / "sealed", **planted)
    assert plain.run().success
    sealed.arguments["key"] = dg.EnvVar("CRM_KEY")
    monkeypatch.setenv("CRM_KEY", key.to_text())
    assert sealed.run().success
    hits = {name for name, content in _all_files(tmp_path / "plain").items() if PLANTED.encode() in content}
    assert {"crm/identifiers/rows.parquet", "crm/users.parquet", "crm/identifiers/validation-report.json"} <= hits
    assert not [name for name, content in _all_files(tmp_path / "sealed").items() if PLANTED.encode() in content]
    assert sealed.file("statistics.json") == plain.file("statistics.json")
    report = data_lab_report(sealed.storage, "crm", "identifiers", key=key)
    assert (
        report
        == data_lab_report(plain.storage, "crm", "identifiers")
        == plain.file("identifiers/validation-report.json")
    )
    # What was stored is read again by a later run, and only with the key.
    users = dg.AssetSelection.assets("crm/users")
    assert sealed.run(selection=users).success
    monkeypatch.setenv("CRM_KEY", Key().to_text())
    assert "cannot be decrypted" in failure_of(sealed.run(selection=users))
    monkeypatch.delenv("CRM_KEY")
    told = [str(event) for event in sealed.run(selection=users).all_events if event.is_failure]
    assert "The variable CRM_KEY" in told[0]


def test_no_value_of_a_row_is_in_events_metadata_or_logs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    frame = BAD.assign(user_id=PLANTED)
    project = Project(tmp_path, segments=frame, ids=IDS.assign(user_id=PLANTED))
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.materialize(
            project.assets(), instance=instance, raise_on_error=False, resources={"io_manager": dg.mem_io_manager}
        )
        told = "".join(str(entry) for entry in instance.all_logs(run.run_id))
    assert not run.success and "invalid_rows_tolerated" in told
    assert PLANTED not in told and PLANTED not in caplog.text
