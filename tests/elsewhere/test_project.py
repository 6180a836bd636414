"""A Dagster project of a publisher, with a Data Lab in it: the commands of `dg`, two days, one with bad rows."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.commands import datalab_here
from tests.second_project import Elsewhere, project

GOOD, BAD = "2026-11-01", "2026-11-02"
PLANTED = "planted-4711"
DATASETS = {"identifiers": "user_id, id_name, id", "segments": "user_id, segment"}

DOCS = Path(__file__).parents[2] / "docs/dagster.md"
WITH_COMPONENTS = """from pathlib import Path

import dagster as dg
from crm.exports import defs as exports


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions.merge(exports, dg.load_from_defs_folder(path_within_project=Path(__file__).parent))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with project(tmp_path_factory.mktemp("elsewhere")) as found:
        yield found


@pytest.fixture(scope="module")
def both_days(elsewhere: Elsewhere) -> dict[str, subprocess.CompletedProcess[str]]:
    return {day: elsewhere.dg("launch", "--assets", "*", "--partition", day) for day in (BAD, GOOD)}


def reports_of_preflight(elsewhere: Elsewhere, day: str, folder: Path) -> dict[str, bytes]:
    """Return the reports of `datalab preflight` on the files that pandas writes of the warehouse's tables."""
    given: list[str | Path] = []
    with duckdb.connect(str(elsewhere.root / "warehouse.duckdb"), read_only=True) as warehouse:
        for dataset, columns in DATASETS.items():
            table = warehouse.execute(f"select {columns} from crm.{dataset} where day = ?", [day]).fetchdf()
            table.to_csv(folder / f"{dataset}.csv", index=False, header=False)
            given += [f"--{dataset}", folder / f"{dataset}.csv"]
    lab = folder / "LAB.json"
    lab.write_text(elsewhere.definition())
    done = datalab_here("preflight", lab, *given, "--out", folder / "out")
    assert done.code in (0, 1), done.err
    return {dataset: (folder / "out" / dataset / "validation-report.json").read_bytes() for dataset in DATASETS}


def test_its_definitions_load(elsewhere: Elsewhere) -> None:
    assert "All definitions loaded successfully." in elsewhere.prints("check", "defs")


def test_a_component_that_is_scaffolded_loads_and_so_does_the_one_of_the_docs(tmp_path: Path) -> None:
    with project(tmp_path) as other:
        components = other.root / "crm/defs"
        (components / "docs_lab").mkdir(parents=True)
        (other.root / "crm/definitions.py").rename(other.root / "crm/exports.py")
        (other.root / "crm/definitions.py").write_text(WITH_COMPONENTS)
        assert "datalab_dagster.DataLabComponent" in other.prints("list", "components")
        other.prints("scaffold", "defs", "datalab_dagster.DataLabComponent", "kiosk_lab")
        [shown] = re.findall(
            r"```yaml\n(type: datalab_dagster.DataLabComponent\n.*?)```", DOCS.read_text("utf-8"), re.S
        )
        (components / "docs_lab/defs.yaml").write_text(shown.replace("name: crm_lab", "name: docs_lab"))
        (components / "docs_lab/LAB.json").write_text(other.definition())
        assert "All definitions loaded successfully." in other.prints("check", "defs")
        listed = other.prints("list", "defs", "--json")
        assert "kiosk_lab/validation_status" in listed and "docs_lab/valid_segments" in listed


@pytest.mark.parametrize("day", [GOOD, BAD])
def test_the_reports_are_those_of_a_preflight(
    day: str, elsewhere: Elsewhere, both_days: dict[str, object], tmp_path: Path
) -> None:
    assert set(both_days) == {GOOD, BAD}
    expected = reports_of_preflight(elsewhere, day, tmp_path)
    assert {dataset: elsewhere.report(dataset, day) for dataset in DATASETS} == expected


def test_a_day_with_bad_rows_stops_what_is_downstream_of_them(
    elsewhere: Elsewhere, both_days: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    assert both_days[GOOD].returncode == 0 != both_days[BAD].returncode
    missing = elsewhere.materialised(GOOD) - elsewhere.materialised(BAD)
    assert {"audience", "crm_lab/users", "crm_lab/validation_status"} <= missing
    assert not missing & {"crm/segments", "crm_lab/valid_segments", "crm_lab/segments_validation_report"}
    assert "crm_lab/segments_validation_report: invalid_rows_tolerated" in both_days[BAD].stderr


def test_no_value_of_a_row_is_in_logs_or_events(
    elsewhere: Elsewhere, both_days: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    assert PLANTED.encode() in (elsewhere.root / "labs/crm_lab" / BAD / "segments/rows.parquet").read_bytes()
    told = "".join(done.stdout + done.stderr for done in both_days.values()).encode()
    told += b"".join(path.read_bytes() for path in elsewhere.instance.rglob("*") if path.is_file())
    assert b"invalid_rows_tolerated" in told and PLANTED.encode() not in told
